import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { checkout } from '../faults/checkout.ts';
import { secretsOfFunctions } from './manifests.ts';

/** In the shape of faasd's own: its services, their mounts below its folder, and its kind of comments. */
const FAASD = `version: "3.7"
services:
  nats:
    image: docker.io/library/nats-streaming:0.25.6
    # nobody
    user: "65534"
    command:
      - "/nats-streaming-server"
      - "--store=file"
    volumes:
      # Data directory
      - type: bind
        source: ./nats
        target: /nats

  gateway:
    image: ghcr.io/openfaas/gateway:0.27.13
    environment:
      - basic_auth=true
      - secret_mount_path=/run/secrets
    volumes:
      - type: bind
        source: ./secrets/basic-auth-password
        target: /run/secrets/basic-auth-password
    cap_add:
      - CAP_NET_RAW
    depends_on:
      - nats
    ports:
       - "8080:8080"
`;

const root = mkdtempSync(join(tmpdir(), 'faascam-faasd-'));
let runs = 0;
let folder: string;
let calls: string;

beforeEach(() => {
  runs += 1;
  folder = join(root, `faasd-${runs}`);
  calls = join(root, `calls-${runs}`);
  mkdirSync(join(folder, 'secrets'), { recursive: true });
  writeFileSync(join(folder, 'docker-compose.yaml'), FAASD);
  writeFileSync(join(folder, 'secrets/basic-auth-user'), 'admin');
  writeFileSync(join(folder, 'secrets/basic-auth-password'), 'open sesame');
  const bin = join(root, 'bin');
  mkdirSync(bin, { recursive: true });
  for (const [name, body] of [
    ['systemctl', 'echo "systemctl $*"'],
    ['curl', ':'],
    [
      'mc',
      'if [ "$*" = --version ]; then echo "${MC:-mc, of MinIO, Inc.}" >&3; else echo "mc $*"; cat >/dev/null; fi',
    ],
    // As the real one: it makes no secret twice.
    [
      'faas-cli',
      'case "$*" in login*) cat >/dev/null ;; *create*) grep -q "secret create $3 " "$CALLS" && exit 1 ;; esac; echo "$*"',
    ],
  ] as const) {
    const path = join(bin, name);
    writeFileSync(path, `#!/bin/sh\nexec 3>&1\n{ ${body}; } >>"$CALLS"\n`);
    chmodSync(path, 0o755);
  }
  writeFileSync(calls, '');
});

afterAll(() => rmSync(root, { recursive: true }));

/** More of the environment of a run. */
let env: Record<string, string> = {};
afterEach(() => {
  env = {};
});

function install(...args: string[]): Promise<{ code: number | null; output: string }> {
  const PATH = `${join(root, 'bin')}:${process.env['PATH'] ?? ''}`;
  return new Promise((resolve) => {
    const child = execFile(
      join(checkout, 'deploy/faasd/install.sh'),
      ['--folder', folder, ...args],
      { env: { ...process.env, PATH, CALLS: calls, ...env } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, output: `${stdout}${stderr}` }),
    );
    child.stdin?.end();
  });
}

/** What faasd reads of a service; anything else it passes over without a word. */
const service = z.strictObject({
  image: z.string().regex(/:(?!latest)[\w.-]+$/),
  user: z.string().optional(),
  command: z.array(z.string()).optional(),
  environment: z.array(z.string().regex(/^\w+=/)).optional(),
  volumes: z
    .array(
      z.strictObject({
        type: z.literal('bind'),
        source: z.string().startsWith('./'),
        target: z.string().startsWith('/'),
        read_only: z.boolean().optional(),
      }),
    )
    .optional(),
  cap_add: z.array(z.string()).optional(),
  depends_on: z.array(z.string()).optional(),
  ports: z.array(z.string()).optional(),
});
const composeFile = z.object({ version: z.string(), services: z.record(z.string(), service) });

const compose = (): string => readFileSync(join(folder, 'docker-compose.yaml'), 'utf8');
const backups = (): string[] => readdirSync(folder).filter((name) => name.startsWith('docker-compose.yaml.'));
const agent = ['--host', 'pi.local', '--agent', 'pi-yard:yard'];

describe('install.sh for faasd', () => {
  it('adds NATS, connector and MinIO with their keys, and leaves the rest as it was', async () => {
    const { code, output } = await install(...agent, '--minio');
    expect(code, output).toBe(0);
    const { services } = composeFile.parse(parse(compose()));
    expect(Object.keys(services)).toEqual([
      'nats',
      'gateway',
      'faascam-nats',
      'faascam-connector',
      'faascam-minio',
    ]);
    expect(compose()).toContain('# nobody');
    const { services: before } = composeFile.parse(parse(FAASD));
    expect(services).toMatchObject(before);
    for (const [name, { volumes = [], user }] of Object.entries(services)) {
      if (!name.startsWith('faascam-')) continue;
      expect(user).toBe('65534');
      for (const { source } of volumes) expect(existsSync(join(folder, source)), source).toBe(true);
    }
    expect(readdirSync(join(folder, 'faascam/connector')).sort()).toEqual([
      'basic-auth-password',
      'basic-auth-user',
      'nats-ca',
      'nats-connector',
    ]);
    expect(backups().map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual([FAASD]);

    const called = readFileSync(calls, 'utf8');
    expect(called).toContain('systemctl restart faasd');
    for (const secret of secretsOfFunctions())
      expect(called).toContain(`secret create ${secret} --from-file`);
    const seed = readFileSync(join(folder, 'faascam/connector/nats-connector'), 'utf8').trim();
    for (const key of [seed, 'open sesame']) expect(`${called}${output}`).not.toContain(key);
    expect(called).toContain('policy attach site faascam-retention');
    // Functions reach every port of a container here.
    expect(readFileSync(join(folder, 'faascam/nats/nats.conf'), 'utf8')).toContain('http: "127.0.0.1:8222"');
  });

  it('makes no bucket with Midnight Commander, and remembers that clips are not to be removed', async () => {
    env = { MC: 'GNU Midnight Commander 4.8.29' };
    const without = await install(...agent, '--minio', '--retention', 'no');
    expect(without.code, without.output).toBe(0);
    expect(without.output).toContain("Install MinIO's client as mc");
    expect(readFileSync(calls, 'utf8')).not.toContain('mc ');
    env = {};
    expect((await install()).code).toBe(0);
    expect(readFileSync(calls, 'utf8')).toContain('policy detach site faascam-retention');
  });

  it('changes nothing at the next run, but updates secrets', async () => {
    expect((await install(...agent)).code).toBe(0);
    const [first, key] = [compose(), readFileSync(join(folder, 'faascam/keys/ca.key'), 'utf8')];
    const { code, output } = await install();
    expect(code, output).toBe(0);
    expect(compose()).toBe(first);
    expect(readFileSync(join(folder, 'faascam/keys/ca.key'), 'utf8')).toBe(key);
    expect(backups()).toHaveLength(1);
    expect(readFileSync(calls, 'utf8')).toContain('secret update nats-motion --from-file');
  });

  it('takes its services out again', async () => {
    expect((await install(...agent, '--no-restart')).code).toBe(0);
    const { code, output } = await install('--uninstall', '--no-restart');
    expect(code, output).toBe(0);
    expect(parse(compose())).toEqual(parse(FAASD));
    expect(existsSync(join(folder, 'faascam/keys/ca.key'))).toBe(true);
  });

  it('leaves a file alone that is not of faasd, and says so', async () => {
    const other = 'services:\n  web:\n    image: nginx:1\n';
    writeFileSync(join(folder, 'docker-compose.yaml'), other);
    const { code, output } = await install(...agent, '--no-restart');
    expect(code).toBe(1);
    expect(output).toContain('is no docker-compose.yaml of faasd');
    expect(compose()).toBe(other);
    expect(backups()).toEqual([]);
  });
});
