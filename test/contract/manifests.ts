import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { checkout } from '../faults/checkout.ts';

export const k3s = join(checkout, 'deploy/k3s');
const run = promisify(execFile);

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.record(z.string(), z.unknown()).optional(),
});
export type Manifest = z.infer<typeof manifest>;

/** Every object in the files of a folder of `deploy/k3s`, as they are written. */
export function written(folder: string): Manifest[] {
  const names = readdirSync(join(k3s, folder)).filter((name) => /\.yaml$/.test(name));
  return names
    .filter((name) => name !== 'kustomization.yaml')
    .flatMap((name) => documents(readFileSync(join(k3s, folder, name), 'utf8')));
}

/** What `kubectl apply -k` of a folder sends, or undefined after printing why there is nothing to render it with. */
export async function rendered(folder: string): Promise<Manifest[] | undefined> {
  const why = await missingKustomize();
  if (why === undefined) {
    const { stdout } = await run('kubectl', ['kustomize', join(k3s, folder)], { maxBuffer: 16 << 20 });
    return documents(stdout);
  }
  process.stderr.write(`Skipped, ${why}\n`);
  return undefined;
}

/** Older ones (Debian 12's) do not know folders as resources. */
async function missingKustomize(): Promise<string | undefined> {
  try {
    const { stdout } = await run('kubectl', ['version', '--client', '--output', 'json']);
    const { clientVersion } = z
      .object({ clientVersion: z.object({ major: z.string(), minor: z.string() }) })
      .parse(JSON.parse(stdout));
    const minor = Number.parseInt(clientVersion.minor, 10);
    return minor >= 21 ? undefined : `kubectl 1.${minor} is too old for these kustomizations: 1.21 or newer`;
  } catch {
    return 'kubectl is not installed';
  }
}

function documents(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw document.errors[0] ?? new Error('malformed YAML');
    return manifest.parse(document.toJS());
  });
}

const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).optional(),
  resources: z.looseObject({
    requests: z.object({ cpu: z.string(), memory: z.string() }),
    limits: z.object({ cpu: z.string(), memory: z.string() }),
  }),
  livenessProbe: z.looseObject({}).optional(),
  readinessProbe: z.looseObject({}).optional(),
  securityContext: z.object({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
  }),
});

/** A pod as ours have to be: what is missing in it does not parse. */
const pod = z.object({
  metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
  spec: z.looseObject({
    automountServiceAccountToken: z.literal(false),
    priorityClassName: z.string(),
    securityContext: z.looseObject({
      runAsNonRoot: z.literal(true),
      runAsUser: z.number().int().min(10_000),
      seccompProfile: z.object({ type: z.literal('RuntimeDefault') }),
    }),
    containers: z.array(container).min(1),
    volumes: z.array(z.looseObject({ name: z.string() })).optional(),
  }),
});
export type Pod = z.infer<typeof pod>;

/** The pods that workloads make. Throws for one that is not as it has to be. */
export function podsOf(manifests: readonly Manifest[]): { of: Manifest; pod: Pod }[] {
  return manifests.flatMap((of) => {
    const template = of.spec?.['template'];
    return template === undefined ? [] : [{ of, pod: pod.parse(template) }];
  });
}

const stack = z.looseObject({
  functions: z.record(z.string(), z.looseObject({ secrets: z.array(z.string()).optional() })),
});

/** Without which faas-cli cannot deploy stack.yml. */
export function secretsOfFunctions(): string[] {
  const { functions } = stack.parse(parse(readFileSync(join(checkout, 'stack.yml'), 'utf8')));
  return [...new Set(Object.values(functions).flatMap(({ secrets = [] }) => secrets))];
}
