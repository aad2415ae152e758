import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { faultsOf } from './kubernetes-schemas.ts';
import { podsOf, rendered, written, type Manifest } from './manifests.ts';

const folders = ['base', 'minio', 'viewer', 'external-s3'];
const all = folders.flatMap(written);
const FUNCTIONS = ['motion', 'detect', 'events', 'clip', 'viewer', 'notify'];

const selector = z.object({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(z.object({ key: z.string(), operator: z.literal('In'), values: z.array(z.string()) }))
    .optional(),
});
const policy = z.looseObject({ podSelector: selector, policyTypes: z.array(z.enum(['Ingress', 'Egress'])) });

/** The policies that hold for a pod of these labels. */
function policiesFor(namespace: string, labels: Record<string, string>): z.infer<typeof policy>[] {
  return all
    .filter(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.namespace === namespace)
    .map(({ spec }) => policy.parse(spec))
    .filter(({ podSelector: { matchLabels = {}, matchExpressions = [] } }) => {
      const same = Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
      return same && matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''));
    });
}

describe('the manifests for k3s', () => {
  it('are valid by the schemas that Kubernetes publishes', () => {
    expect(all.length).toBeGreaterThan(15);
    expect(faultsOf(all)).toEqual([]);
  });

  it('would not be with a field of a wrong name, of a wrong type, or one that is missing', () => {
    const [nats] = all.filter(({ kind }) => kind === 'StatefulSet');
    const withSpec = (spec: object): Manifest => ({
      ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'wrong' } },
      spec: { ...nats?.spec, ...spec },
    });
    const faults = faultsOf([
      withSpec({ replica: 1 }),
      withSpec({ replicas: 'one' }),
      withSpec({ selector: undefined }),
    ]);
    expect(faults).toContainEqual(expect.stringMatching(/"replica"' does not exist/));
    expect(faults).toContainEqual(expect.stringContaining('replicas must be integer'));
    expect(faults).toContainEqual(expect.stringContaining('required property selector'));
  });

  it('are rendered by kubectl to the same objects, all of them valid', async () => {
    const both: Manifest[] = [];
    for (const [folder, of] of [
      ['.', ['base', 'minio', 'viewer']],
      ['external-s3', ['base', 'viewer', 'external-s3']],
    ] as const) {
      const made = await rendered(folder);
      if (made === undefined) continue;
      const nameOf = ({ kind, metadata: { name, namespace = '' } }: Manifest): string =>
        `${kind} ${namespace}/${name}`;
      const generated = made.filter(({ kind }) => kind === 'ConfigMap');
      expect(generated.map(({ metadata: { name } }) => name.replace(/-[a-z0-9]{10}$/, ''))).toContain(
        'faascam-nats',
      );
      expect(
        made
          .filter(({ kind }) => kind !== 'ConfigMap')
          .map(nameOf)
          .sort(),
      ).toEqual(of.flatMap(written).map(nameOf).sort());
      both.push(...made);
    }
    expect(faultsOf(both)).toEqual([]);
  });

  it('run everything without rights, with limits, probes and pinned images, and hold no secret', () => {
    const pods = podsOf(all);
    expect(pods.map(({ of }) => of.metadata.name).sort()).toEqual([
      'faascam-bucket',
      'faascam-connector',
      'faascam-minio',
      'faascam-nats',
    ]);
    for (const { of, pod } of pods) {
      for (const { image, env = [], livenessProbe, readinessProbe } of pod.spec.containers) {
        expect(image).toMatch(/^[a-z0-9.-]+\.[a-z]+\/.+:(?!latest)[\w.-]+$/);
        for (const { name, value = '' } of env) {
          if (/KEY|PASSWORD|SECRET|SEED|TOKEN/i.test(name)) expect(value, name).toMatch(/^\//);
        }
        if (of.kind !== 'Job') {
          expect(livenessProbe, of.metadata.name).toBeDefined();
          expect(readinessProbe, of.metadata.name).toBeDefined();
        }
      }
      expect(JSON.stringify(pod.spec['nodeSelector'] ?? pod.spec['affinity'] ?? '')).not.toMatch(/arch/);
    }
    expect(all.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  });

  it('have no Job that stays in the way of its next version for long', () => {
    const jobs = all.filter(({ kind }) => kind === 'Job');
    expect(jobs.map(({ metadata }) => metadata.name)).toEqual(['faascam-bucket']);
    for (const { spec } of jobs) {
      const { ttlSecondsAfterFinished } = z.looseObject({ ttlSecondsAfterFinished: z.number() }).parse(spec);
      expect(ttlSecondsAfterFinished).toBeLessThanOrEqual(300);
    }
  });

  it('leave room for a node to be emptied where there is more than one replica', () => {
    for (const { kind, metadata, spec } of all) {
      if (kind !== 'Deployment' || Number(spec?.['replicas']) < 2) continue;
      const budget = all.find(
        (one) => one.kind === 'PodDisruptionBudget' && one.metadata.name === metadata.name,
      );
      expect(budget?.spec).toMatchObject({ maxUnavailable: 1 });
    }
  });

  it('let no pod talk to anybody beyond what is written down', () => {
    const places = [
      ...podsOf(all).map(({ of, pod }) => ({
        namespace: of.metadata.namespace ?? '',
        labels: pod.metadata.labels,
      })),
      ...FUNCTIONS.map((name) => ({ namespace: 'openfaas-fn', labels: { faas_function: name } })),
    ];
    for (const { namespace, labels } of places) {
      const directions = policiesFor(namespace, labels).flatMap(({ policyTypes }) => policyTypes);
      expect(new Set(directions), JSON.stringify(labels)).toEqual(new Set(['Ingress', 'Egress']));
    }
    // OpenFaaS's own pods are not ours to restrict.
    expect(policiesFor('openfaas', { app: 'gateway' })).toEqual([]);
    expect(policiesFor('openfaas-fn', { faas_function: 'somebody-elses' })).toEqual([]);
  });

  it('let nothing but the page through the ingress', () => {
    const [ingress, ...others] = all.filter(({ kind }) => kind === 'Ingress');
    expect(others).toEqual([]);
    expect(ingress?.spec?.['rules']).toMatchObject([{ http: { paths: [{ path: '/function/viewer' }] } }]);
  });
});
