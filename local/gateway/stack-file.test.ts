import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import { goDurationMs } from '@faascam/core/go-duration';
import { parseStack, substitute, type Variables } from './stack.ts';

/** stack.yml of this repository, as faas-cli takes it and as the Community Edition of OpenFaaS accepts it. */
const path = fileURLToPath(new URL('../../stack.yml', import.meta.url));
const text = readFileSync(path, 'utf8');

const quantity = z.string().regex(/^\d+(Mi|Gi)$/);
const names = z.record(z.string(), z.string());
/** What faas-cli knows of a function, and nothing else: a key that it does not know does nothing, in silence. */
const stackFile = z.strictObject({
  version: z.number(),
  provider: z.strictObject({ name: z.literal('openfaas'), gateway: z.url() }),
  functions: z.record(
    z.string().regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/),
    z.strictObject({
      lang: z.literal('faascam-node'),
      handler: z.string(),
      image: z.string(),
      build_options: z.array(z.string()).optional(),
      labels: names,
      annotations: names.optional(),
      readonly_root_filesystem: z.literal(true),
      requests: z.strictObject({ memory: quantity, cpu: z.string().regex(/^\d+m$/) }),
      limits: z.strictObject({ memory: quantity }),
      environment: z.record(z.string(), z.string().nullable()),
      secrets: z.array(z.string().regex(/^[a-z0-9]([a-z0-9-.]*[a-z0-9])?$/)),
    }),
  ),
});

/** As faas-cli does it: first the variables, in the text as it is, and then the YAML. */
function asFaasCliDoes(variables: Variables): z.infer<typeof stackFile> {
  return stackFile.parse(parse(substitute(text, variables)));
}

const { functions } = asFaasCliDoes({});

describe('stack.yml', () => {
  it('gives the same to faas-cli and to the gateway of one machine, whatever a setting holds', () => {
    const settings = [
      '{"sensitivity": 5, "note": "a: b # c"}',
      `{"note": "it's \\"said\\"", "list": [1, {"a": "{}"}]}`,
      'regions: { most: 0 }',
      '- "quoted"',
      '12',
    ];
    for (const value of settings) {
      const variables = {
        FAASCAM_MOTION: value,
        FAASCAM_STORE: value,
        TAG: '9',
        NATS_URL: 'tls://nats:4222',
      };
      const ours = parseStack(text, path, variables);
      const theirs = asFaasCliDoes(variables).functions;
      expect(ours.map(({ name }) => name)).toEqual(Object.keys(theirs));
      for (const { name, image, environment, labels } of ours) {
        const there = theirs[name];
        expect(image).toBe(there?.image);
        expect(labels).toEqual(there?.labels);
        expect(environment).toEqual(
          Object.fromEntries(
            Object.entries(there?.environment ?? {}).map(([key, each]) => [key, each ?? '']),
          ),
        );
      }
      expect(theirs['motion']?.environment['FAASCAM_MOTION']).toBe(value);
      expect(theirs['clip']?.environment['FAASCAM_STORE']).toBe(value);
    }
  });

  it('names folders with a handler, each an image of its own, and build options that the template has', () => {
    const template = z
      .object({ build_options: z.array(z.object({ name: z.string() })) })
      .parse(
        parse(readFileSync(new URL('../../template/faascam-node/template.yml', import.meta.url), 'utf8')),
      );
    const offered = template.build_options.map(({ name }) => name);
    for (const { handler, build_options: options = [] } of Object.values(functions)) {
      expect(existsSync(new URL(`../../${handler}/handler.ts`, import.meta.url)), handler).toBe(true);
      for (const option of options) expect(offered).toContain(option);
    }
    expect(new Set(Object.values(functions).map(({ image }) => image)).size).toBe(
      Object.keys(functions).length,
    );
  });

  it('keeps to what the Community Edition accepts', () => {
    expect(Object.keys(functions).length).toBeLessThanOrEqual(15);
    for (const { labels, annotations } of Object.values(functions)) {
      for (const [label, value] of Object.entries(labels)) {
        // Scaling to zero and by other measures are for paying customers: a deployment that asks for them is refused.
        expect(['com.openfaas.scale.min', 'com.openfaas.scale.max']).toContain(label);
        expect(Number(value)).toBeGreaterThan(0);
        expect(Number(value)).toBeLessThanOrEqual(5);
        expect(value).toMatch(/^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/);
      }
      expect(Object.keys(annotations ?? {}).filter((name) => name !== 'topic')).toEqual([]);
    }
  });

  it('leaves an answer the time to get out, and a drain the time that Kubernetes gives it', () => {
    const ms = (value: string | null | undefined): number => goDurationMs(value ?? '') ?? NaN;
    for (const { environment } of Object.values(functions)) {
      const { exec_timeout: exec, read_timeout: read, write_timeout: write } = environment;
      expect(ms(write)).toBeGreaterThan(ms(exec));
      expect(ms(read)).toBeGreaterThanOrEqual(ms(write));
    }
    const image = readFileSync(new URL('../../template/faascam-node/Dockerfile', import.meta.url), 'utf8');
    const [, interval] = /healthcheck_interval="(\w+)"/.exec(image) ?? [];
    const [, serveMs] = /DRAIN_SERVE_MS="(\d+)"/.exec(image) ?? [];
    // The watchdog passes calls on for that long after SIGTERM; a function that has gone by then answers none of them.
    expect(Number(serveMs)).toBeGreaterThan(ms(interval));
    expect(Number(serveMs)).toBeLessThan(28_000);
  });

  it('asks for no secret in the environment, and gives the page a key of its own', () => {
    for (const [name, { environment, secrets }] of Object.entries(functions)) {
      expect(secrets).toEqual(expect.arrayContaining([`nats-${name}`, 'nats-ca']));
      expect(
        Object.keys(environment).filter((key) => /PASSWORD|SECRET_KEY$|ACCESS_KEY$|TOKEN/.test(key)),
      ).toEqual([]);
    }
    for (const file of ['S3_ACCESS_KEY_FILE', 'S3_SECRET_KEY_FILE']) {
      const key = functions['viewer']?.environment[file]?.replace('/var/openfaas/secrets/', '');
      expect(functions['viewer']?.secrets).toContain(key);
      expect(functions['clip']?.secrets).not.toContain(key);
    }
  });
});
