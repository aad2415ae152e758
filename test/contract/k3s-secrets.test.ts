import { execFile, execFileSync } from 'node:child_process';
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
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { checkout } from '../faults/checkout.ts';
import { k3s, podsOf, secretsOfFunctions, written } from './manifests.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-k3s-secrets-'));
const applied = join(scratch, 'applied');
const bin = join(scratch, 'bin');
const kubectl = ['/usr/local/bin/kubectl', '/usr/bin/kubectl'].find((path) => existsSync(path));
if (kubectl === undefined) process.stderr.write('Skipped, kubectl is not installed: make-secrets.sh\n');

mkdirSync(applied);
mkdirSync(bin);
// Everything but the cluster is real.
writeFileSync(
  join(bin, 'kubectl'),
  `#!/bin/sh
if [ "$1" = apply ]; then cat > "${applied}/$(date +%s%N).yaml"; else exec ${kubectl ?? 'false'} "$@"; fi
`,
);
chmodSync(join(bin, 'kubectl'), 0o755);

afterAll(() => rmSync(scratch, { recursive: true }));

function makeSecrets(...args: string[]): Promise<{ code: number | null; output: string }> {
  const PATH = `${bin}:${process.env['PATH'] ?? ''}`;
  return new Promise((resolve) => {
    const child = execFile(
      join(k3s, 'make-secrets.sh'),
      ['--folder', join(scratch, 'keys'), ...args],
      { cwd: scratch, env: { ...process.env, PATH } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, output: `${stdout}${stderr}` }),
    );
  });
}

const secret = z.object({
  kind: z.literal('Secret'),
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  data: z.record(z.string(), z.base64()),
});

/** By `namespace/name`, what was last sent to the cluster, of what came after the first so many. */
function secretsSent(after = 0): Map<string, Record<string, string>> {
  const sent = readdirSync(applied)
    .sort()
    .slice(after)
    .map((name) => secret.parse(parse(readFileSync(join(applied, name), 'utf8'))));
  return new Map(
    sent.map(({ metadata: { namespace, name }, data }) => [
      `${namespace}/${name}`,
      Object.fromEntries(
        Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]),
      ),
    ]),
  );
}

/** Names of secrets that pods of ours mount, and an ingress takes. */
function secretsNeeded(): string[] {
  const manifests = ['base', 'minio', 'viewer'].flatMap(written);
  const mounted = JSON.stringify(podsOf(manifests).map(({ pod }) => pod.spec.volumes));
  const others = JSON.stringify(manifests.filter(({ kind }) => /Ingress|Middleware/.test(kind)));
  return [
    ...mounted.matchAll(/"secretName":"([^"]+)"|"secret":{"name":"([^"]+)"/g),
    ...others.matchAll(/"secret(?:Name)?":"([^"]+)"/g),
  ].map(([, first, second]) => `openfaas/${first ?? second ?? ''}`);
}

describe.skipIf(kubectl === undefined)('make-secrets.sh', () => {
  it('makes each secret that a pod or a function mounts, prints none, and keeps them at the next run', async () => {
    const args = ['--host', 'cams.example', '--host', '192.168.1.20', '--agent', 'pi-yard:yard,door'];
    const first = await makeSecrets(...args);
    expect(first.code, first.output).toBe(0);
    const sent = secretsSent();
    const needed = secretsNeeded().filter((name) => name !== 'openfaas/basic-auth');
    expect(needed).toContain('openfaas/faascam-nats-auth');
    expect([...sent.keys()]).toEqual(expect.arrayContaining(needed));
    for (const name of secretsOfFunctions()) {
      // As faas-cli makes them: a file of the secret's own name.
      expect(Object.keys(sent.get(`openfaas-fn/${name}`) ?? {}), name).toEqual([name]);
    }
    const open = new Set(['auth.conf', 'tls.crt', 'nats-ca']);
    for (const [name, data] of sent) {
      for (const [key, text] of Object.entries(data)) {
        expect(text.length, name).toBeGreaterThan(8);
        if (!open.has(key)) expect(first.output, `${name} ${key}`).not.toContain(text.trim());
      }
    }
    const again = await makeSecrets();
    expect(again.code, again.output).toBe(0);
    expect(secretsSent()).toEqual(sent);
  });

  it('gives NATS a certificate for its names in the cluster and outside, which the authority has signed', () => {
    const keys = join(scratch, 'keys');
    const openssl = (...args: string[]): string =>
      execFileSync('openssl', args, { cwd: keys, encoding: 'utf8' });
    expect(openssl('verify', '-CAfile', 'ca.crt', 'nats.crt', 'minio.crt', 'viewer.crt')).toMatch(
      /(OK\s+){1}/,
    );
    for (const name of ['faascam-nats.openfaas', 'cams.example'])
      expect(openssl('x509', '-in', 'nats.crt', '-noout', '-checkhost', name)).toContain('does match');
    expect(openssl('x509', '-in', 'nats.crt', '-noout', '-checkip', '192.168.1.20')).toContain('does match');
  });

  it('adds a name to those that there are, and says which is none before anything is changed', async () => {
    const keys = join(scratch, 'keys');
    const names = (): string => readFileSync(join(keys, 'hosts'), 'utf8');
    // As an editor may leave it.
    writeFileSync(join(keys, 'hosts'), 'cams.example\n\n 192.168.1.20');
    expect((await makeSecrets('--host', 'second.example')).code).toBe(0);
    expect(names()).toBe('cams.example\n192.168.1.20\nsecond.example\n');
    const named = execFileSync('openssl', ['x509', '-in', 'nats.crt', '-noout', '-ext', 'subjectAltName'], {
      cwd: keys,
      encoding: 'utf8',
    });
    expect(named).toMatch(/DNS:cams\.example, IP Address:192\.168\.1\.20, DNS:second\.example/);
    for (const wrong of ['192.168.1.300', 'two words', 'https://cams.example']) {
      const { code, output } = await makeSecrets('--host', 'third.example', '--host', wrong);
      expect([code, output]).toEqual([1, expect.stringContaining(`${wrong} is no `)]);
    }
    expect(names()).toBe('cams.example\n192.168.1.20\nsecond.example\n');
  });

  it('goes on where a run before was cut off', async () => {
    const folder = join(scratch, 'cut-off');
    mkdirSync(folder);
    execFileSync('openssl', 'ecparam -name prime256v1 -genkey -noout -out ca.key'.split(' '), {
      cwd: folder,
    });
    writeFileSync(join(folder, 'viewer-users.yml.part'), 'users: [half');
    const site = ['--folder', folder, '--host', 'cams.example', '--agent', 'pi-yard:yard'];
    const { code, output } = await makeSecrets(...site);
    expect(code, output).toBe(0);
    expect(readFileSync(join(folder, 'page-token'), 'utf8').length).toBeGreaterThan(20);
  });

  it('takes the keys of a store elsewhere, and says what is missing', async () => {
    const folder = join(scratch, 'own-store');
    mkdirSync(folder);
    writeFileSync(join(folder, 'access-key'), 'AKIDEXAMPLE');
    const short = await makeSecrets('--s3-keys', folder);
    expect([short.code, short.output]).toEqual([
      1,
      expect.stringContaining(`${folder}/secret-key is missing`),
    ]);
    writeFileSync(join(folder, 'secret-key'), 'swordfish-swordfish');
    expect((await makeSecrets('--s3-keys', folder)).code).toBe(0);
    expect(secretsSent().get('openfaas-fn/s3-access-key')).toEqual({ 's3-access-key': 'AKIDEXAMPLE' });
    expect(secretsSent().get('openfaas-fn/viewer-s3-access-key')).toEqual({
      'viewer-s3-access-key': 'AKIDEXAMPLE',
    });
  });

  it('takes relative paths, and remembers the store elsewhere and its authority', async () => {
    const keys = ['--folder', join(scratch, 'elsewhere')];
    const site = ['--host', 'cams.example', '--agent', 'pi-yard:yard'];
    mkdirSync(join(scratch, 'bucket'));
    for (const name of ['access-key', 'secret-key'])
      writeFileSync(join(scratch, 'bucket', name), `a-${name}`);
    const [req, out] = ['req -x509 -newkey rsa:2048 -nodes -keyout /dev/null', join(scratch, 'store.pem')];
    execFileSync('openssl', [...req.split(' '), '-subj', '/CN=store', '-out', out], { stdio: 'ignore' });
    writeFileSync(join(scratch, 'empty.pem'), '');
    const wrong = await makeSecrets(...keys, ...site, '--ca', 'empty.pem');
    expect([wrong.code, wrong.output]).toEqual([1, expect.stringContaining('empty.pem is no certificate')]);

    const before = readdirSync(applied).length;
    const store = ['--s3-keys', 'bucket', '--ca', './store.pem'];
    const first = await makeSecrets(...keys, ...site, ...store);
    expect(first.code, first.output).toBe(0);
    const sent = secretsSent(before);
    expect(sent.get('openfaas-fn/nats-ca')?.['nats-ca']).toContain(readFileSync(out, 'utf8'));
    expect(sent.get('openfaas-fn/s3-secret-key')).toEqual({ 's3-secret-key': 'a-secret-key' });
    expect([...sent.keys()].join()).not.toMatch(/minio|faascam-s3-keys/);

    const again = readdirSync(applied).length;
    expect((await makeSecrets(...keys)).code).toBe(0);
    expect(secretsSent(again)).toEqual(sent);
  });
});

describe('the shell scripts of deploy', () => {
  it('pass shellcheck', () => {
    const scripts = execFileSync('git', ['ls-files', 'deploy/k3s', 'deploy/faasd', 'deploy/s3'], {
      cwd: checkout,
      encoding: 'utf8',
    })
      .split('\n')
      .filter((name) => name.endsWith('.sh'));
    expect(scripts).toContain('deploy/k3s/make-secrets.sh');
    execFileSync('shellcheck', scripts, { cwd: checkout });
  });
});
