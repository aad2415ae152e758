import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeCertificate, type Certificate } from '@faascam/test-servers/certificates';
import { startGuardedNats, type GuardedNats } from '@faascam/test-servers/guarded-nats';
import { FaascamError } from './errors.ts';
import { connectNats } from './messaging.ts';
import { natsAccessFromEnv, natsEnvironment, type NatsAccess } from './nats-access.ts';

const folder = mkdtempSync(join(tmpdir(), 'faascam-nats-access-'));
const path = (name: string): string => join(folder, name);
const user = nkeys.createUser();
const stranger = nkeys.createUser();
const seed = (pair: typeof user): string => new TextDecoder().decode(pair.getSeed());
let certificate: Certificate;
let server: GuardedNats;
let good: NatsAccess;

beforeAll(async () => {
  vi.stubEnv('FAASCAM_LOG', 'silent');
  certificate = await makeCertificate(folder);
  writeFileSync(path('auth.conf'), `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }\n`);
  writeFileSync(path('seed'), `${seed(user)}\n`);
  writeFileSync(path('other-seed'), seed(stranger));
  server = await startGuardedNats({ folder, certificate });
  good = {
    url: `tls://127.0.0.1:${server.port}`,
    nkeyFile: path('seed'),
    caFile: certificate.caFile,
    identity: 'motion',
  };
});

afterAll(async () => {
  await server.stop();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** What a person is told who tries to connect like this. */
async function told(access: NatsAccess, timeout?: number): Promise<string> {
  try {
    const { nc } = await connectNats(access, 'test', timeout === undefined ? {} : { timeout });
    await nc.close();
    return 'connected';
  } catch (error) {
    if (!(error instanceof FaascamError)) throw error;
    expect(error.message).not.toMatch(/SU[A-Z2-7]{20}/);
    return `${error.code}: ${error.message}`;
  }
}

describe('a connection to NATS with TLS and a key', () => {
  it('stands with the key and the authority, and with an address that says nothing of TLS', async () => {
    expect(await told(good)).toBe('connected');
    expect(await told({ ...good, url: good.url.replace('tls:', 'nats:') })).toBe('connected');
  });

  it('hears answers on a place of its own', async () => {
    const { nc } = await connectNats(good, 'test');
    const subscription = nc.subscribe('question', {
      callback: (_error, message) => void message.respond(message.reply ?? ''),
    });
    expect((await nc.request('question')).string()).toMatch(/^_INBOX\.motion\./);
    subscription.unsubscribe();
    await nc.close();
  });

  it('without the authority, or with another, is not trusted', async () => {
    const other = await makeCertificate(mkdtempSync(path('other-')));
    const sentence = /^nats-certificate: .*is not trusted: give the authority.*nats\.caFile \(NATS_CA_FILE\)/;
    expect(await told({ ...good, caFile: '' })).toMatch(sentence);
    expect(await told({ ...good, caFile: other.caFile })).toMatch(sentence);
  });

  it('with a key that the server does not know, or with none, is refused and told which file that was', async () => {
    expect(await told({ ...good, nkeyFile: path('other-seed') })).toMatch(
      new RegExp(`^nats-denied: .*refused the key in ${path('other-seed')}: .*auth\\.conf`),
    );
    expect(await told({ ...good, nkeyFile: '' })).toMatch(/^nats-denied: .*nats\.nkeyFile/);
  });

  it('with a file that is missing, or is no key, says which and tells nothing of what is in it', async () => {
    expect(await told({ ...good, nkeyFile: path('none') })).toMatch(
      /^secret-missing: The file .*none \(nats\.nkeyFile\) cannot be read \(ENOENT\)/,
    );
    expect(await told({ ...good, caFile: path('none') })).toMatch(/^secret-missing: .*\(nats\.caFile\)/);
    const letter = seed(user).charAt(20) === 'A' ? 'B' : 'A';
    writeFileSync(path('broken'), `${seed(user).slice(0, 20)}${letter}${seed(user).slice(21)}\n`);
    for (const name of ['broken', 'ca.pem'])
      expect(await told({ ...good, nkeyFile: path(name) })).toMatch(/^nats-key-invalid: .*begins with SU/);
  });

  it('with a certificate but no key to it, or the reverse, is no use', async () => {
    expect(await told({ ...good, certificateFile: certificate.certificateFile })).toMatch(/give both/);
    expect(await told({ ...good, keyFile: certificate.keyFile })).toMatch(/give both/);
  });

  it('under another name than the certificate’s is told so', async () => {
    const elsewhere = mkdtempSync(path('elsewhere-'));
    writeFileSync(join(elsewhere, 'auth.conf'), '');
    const other = await startGuardedNats({ folder: elsewhere, certificate, host: '127.0.0.2' });
    try {
      const access = { url: `tls://127.0.0.2:${other.port}`, caFile: certificate.caFile };
      expect(await told(access)).toMatch(/^nats-certificate: .*is for another name: use a name of/);
    } finally {
      await other.stop();
    }
  });
});

it('a certificate that has expired is told, with what to do', async () => {
  const old = mkdtempSync(path('old-'));
  const { caFile, keyFile } = await makeCertificate(old);
  const expired = join(old, 'expired.pem');
  execFileSync('openssl', [
    ...['x509', '-req', '-in', join(old, 'server.csr'), '-out', expired, '-days', '-1'],
    ...['-CA', caFile, '-CAkey', join(old, 'ca.key'), '-extfile', join(old, 'names')],
  ]);
  writeFileSync(join(old, 'auth.conf'), '');
  const nats = await startGuardedNats({
    folder: old,
    certificate: { caFile, keyFile, certificateFile: expired },
  });
  try {
    expect(await told({ url: `tls://127.0.0.1:${nats.port}`, caFile })).toMatch(
      /^nats-certificate: .*has expired: renew it/,
    );
  } finally {
    await nats.stop();
  }
});

it('where the server asks for a certificate, one of its authority is let in and none is told', async () => {
  const both = mkdtempSync(path('both-'));
  const mutual = await makeCertificate(both);
  const { caFile, certificateFile, keyFile } = mutual;
  writeFileSync(join(both, 'auth.conf'), '');
  const nats = await startGuardedNats({ folder: both, certificate: mutual, verify: true });
  const url = `tls://127.0.0.1:${nats.port}`;
  try {
    expect(await told({ url, caFile, certificateFile, keyFile })).toBe('connected');
    // Nothing says so: the server just ends the connection.
    expect(await told({ url, caFile }, 1000)).toMatch(
      /asks for a certificate, give one in nats\.certificateFile/,
    );
  } finally {
    await nats.stop();
  }
});

it('where TLS was asked for nothing goes to a server without it', async () => {
  const plain = mkdtempSync(path('plain-'));
  writeFileSync(join(plain, 'auth.conf'), '');
  const nats = await startGuardedNats({ folder: plain });
  try {
    const url = `127.0.0.1:${nats.port}`;
    expect(await told({ url: `nats://${url}` })).toBe('connected');
    const sentence = /^nats-certificate: .*speaks no TLS, which was asked for/;
    expect(await told({ url: `tls://${url}` })).toMatch(sentence);
    expect(await told({ url: `nats://${url}`, caFile: certificate.caFile })).toMatch(sentence);
  } finally {
    await nats.stop();
  }
});

it('a key that is taken away ends nothing for good: the part comes back when its file has one that counts', async () => {
  const rotated = mkdtempSync(path('rotated-'));
  const own = join(rotated, 'seed');
  const auth = (pair: typeof user): void =>
    writeFileSync(
      join(rotated, 'auth.conf'),
      `authorization { users: [ { nkey: ${pair.getPublicKey()} } ] }\n`,
    );
  auth(user);
  writeFileSync(own, seed(user));
  const nats = await startGuardedNats({ folder: rotated });
  const messaging = await connectNats({ url: `nats://127.0.0.1:${nats.port}`, nkeyFile: own }, 't');
  try {
    auth(stranger);
    await nats.reload();
    // Refused more than once, which a client takes for the end unless it is told otherwise.
    await vi.waitFor(() => expect(nats.refusals().length).toBeGreaterThan(3), { timeout: 30_000 });
    expect([messaging.isConnected(), messaging.nc.isClosed()]).toEqual([false, false]);
    writeFileSync(own, seed(stranger));
    await vi.waitFor(() => expect(messaging.isConnected()).toBe(true), { timeout: 30_000 });
  } finally {
    await messaging.nc.close();
    await nats.stop();
  }
});

describe('the way to NATS of a function', () => {
  it('is its own secret where one is mounted, and what the environment says before that', () => {
    writeFileSync(path('nats-motion'), seed(user));
    const usual = {
      identity: 'motion',
      url: 'nats://127.0.0.1:4222',
      caFile: '',
      certificateFile: '',
      keyFile: '',
    };
    expect(natsAccessFromEnv('motion', {}, folder)).toEqual({ ...usual, nkeyFile: path('nats-motion') });
    expect(natsAccessFromEnv('clip', {}, folder)).toEqual({ ...usual, identity: 'clip', nkeyFile: '' });
    const env = { NATS_URL: 'tls://hub:4222', NATS_NKEY_FILE: '/k', NATS_CA_FILE: '/c' };
    expect(natsAccessFromEnv('motion', env, folder)).toEqual({
      ...{ ...usual, url: 'tls://hub:4222' },
      ...{ nkeyFile: '/k', caFile: '/c' },
    });
  });

  it('is the same after it went through an environment', () => {
    const access = { ...good, certificateFile: '/cert', keyFile: '/key' };
    expect(natsAccessFromEnv('motion', natsEnvironment(access))).toEqual(access);
  });
});
