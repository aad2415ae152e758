import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { nkeyAuthenticator, nkeys, type ConnectionOptions } from '@nats-io/transport-node';
import { z } from 'zod';
import { systemCodeOf, UsageError } from './errors.ts';
import { redact } from './redact.ts';

const file = z.string().default('');

/** How to come to NATS: where it is, who we are, and whom we trust. Files may be replaced; they are read at each connection. */
export const natsSettings = z.strictObject({
  url: z
    .string()
    .default('')
    .describe(
      '`nats://host:4222`, or `tls://` where nothing but TLS will do; several with commas. Empty: `faascam up` runs a nats-server of its own.',
    ),
  nkeyFile: file.describe(
    'File with the key (nkey seed) that `faascam nats-auth` made for this agent. Empty: the user and password in the address, or none.',
  ),
  caFile: file.describe(
    "Certificates (PEM) of your own authority, where the server's certificate is signed by one. Asks for TLS.",
  ),
  certificateFile: file.describe(
    "This side's certificate (PEM), where the server asks for one. Asks for TLS.",
  ),
  keyFile: file.describe("The certificate's private key (PEM)."),
});
export type NatsSettings = z.infer<typeof natsSettings>;

/** `identity` is the user's name among those of `faascam nats-auth`, such as `motion` or `agent-yard`. */
export type NatsAccess = Partial<NatsSettings> & { url: string; identity?: string };

/** The files among the settings. */
export const natsFiles = ['nkeyFile', 'caFile', 'certificateFile', 'keyFile'] as const;

/** Settings whose paths hold from any folder. */
export function resolvedNats(settings: NatsSettings, directory: string): NatsSettings {
  const resolved = { ...settings };
  for (const name of natsFiles)
    if (settings[name] !== '') resolved[name] = resolve(directory, settings[name]);
  return resolved;
}

const VARIABLES = {
  nkeyFile: 'NATS_NKEY_FILE',
  caFile: 'NATS_CA_FILE',
  certificateFile: 'NATS_CERTIFICATE_FILE',
  keyFile: 'NATS_KEY_FILE',
} as const;

/** Where OpenFaaS puts the secrets that a function's section of stack.yml names. */
const SECRETS = '/var/openfaas/secrets';

/**
 * The way to NATS of a function or the connector: `NATS_URL` and the variables above. Without them the key is the secret
 * `nats-<identity>` and the authority's certificate the secret `nats-ca`, where these were mounted.
 */
export function natsAccessFromEnv(identity: string, env = process.env, secrets = SECRETS): NatsAccess {
  const given = (variable: string): string => env[variable] ?? '';
  const orMounted = (variable: string, secret: string): string => {
    const path = `${secrets}/${secret}`;
    return given(variable) !== '' || !existsSync(path) ? given(variable) : path;
  };
  return {
    identity,
    url: env['NATS_URL'] ?? 'nats://127.0.0.1:4222',
    nkeyFile: orMounted(VARIABLES.nkeyFile, `nats-${identity}`),
    caFile: orMounted(VARIABLES.caFile, 'nats-ca'),
    certificateFile: given(VARIABLES.certificateFile),
    keyFile: given(VARIABLES.keyFile),
  };
}

/** The same as environment variables, for processes that are started with them. */
export function natsEnvironment(access: NatsAccess): Record<string, string> {
  return {
    NATS_URL: access.url,
    ...Object.fromEntries(natsFiles.map((name) => [VARIABLES[name], access[name] ?? ''])),
  };
}

/**
 * What the client is told of a way to NATS. Throws `UsageError` for an address that is none, and for a file that is missing or is
 * not what it should be.
 */
export function connectionOptions(access: NatsAccess): ConnectionOptions {
  const { identity, nkeyFile = '', caFile = '', certificateFile = '', keyFile = '' } = access;
  if ((certificateFile === '') !== (keyFile === '')) {
    throw new UsageError(
      'usage',
      'A certificate for NATS needs its private key and the reverse: give both nats.certificateFile and nats.keyFile.',
    );
  }
  for (const server of serversOf(access.url)) requireAddress(server);
  const files = { caFile, certificateFile, keyFile };
  for (const [name, path] of Object.entries(files)) if (path !== '') readNatsFile(path, name);
  // A key that is wrong from the beginning is told at once. One that cannot be read later, as while it is replaced, would end the
  // connection for good: the one before goes on, and the server says whether it still counts.
  let seed = nkeyFile === '' ? new Uint8Array() : readSeed(nkeyFile);
  const newestSeed = (): Uint8Array => {
    try {
      seed = readSeed(nkeyFile);
    } catch {
      // As above.
    }
    return seed;
  };
  return {
    ...loginOf(access.url),
    ...(nkeyFile === '' ? {} : { authenticator: nkeyAuthenticator(newestSeed) }),
    // Each user may hear only what is meant for it, so each has its own place for answers.
    ...(identity === undefined ? {} : { inboxPrefix: inboxOf(identity) }),
    ...(asksForTls(access)
      ? {
          tls: {
            ...identityCheck(access.url),
            ...(caFile === '' ? {} : { caFile }),
            ...(certificateFile === '' ? {} : { certFile: certificateFile, keyFile }),
          },
        }
      : {}),
  };
}

/** Each address of several, as a URL. */
function serversOf(url: string): string[] {
  return url.split(',').map((each) => (each.includes('://') ? each.trim() : `nats://${each.trim()}`));
}

/** Nobody would ever answer at what is no address. */
function requireAddress(server: string): void {
  const isOne = URL.canParse(server) && new URL(server).hostname !== '' && !/^wss?:/i.test(server);
  if (isOne) return;
  throw new UsageError(
    'usage',
    `${redact(server)} is no address of a NATS server: write it in nats.url like nats://host:4222 or tls://host:4222.`,
  );
}

/**
 * Whose certificate counts. The client checks a server without a name as if it were `localhost`; it must be of the address
 * that was given.
 */
function identityCheck(url: string): object {
  const hosts = serversOf(url).map((server) => new URL(server).hostname.replace(/^\[(.*)\]$/, '$1'));
  const addresses = hosts.filter((host) => isIP(host) !== 0);
  if (addresses.length === 0 || hosts.includes('localhost')) return {};
  return {
    checkServerIdentity: (host: string, certificate: PeerCertificate): Error | undefined => {
      if (host !== 'localhost') return checkServerIdentity(host, certificate);
      const faults = addresses.map((address) => checkServerIdentity(address, certificate));
      return faults.includes(undefined) ? undefined : faults[0];
    },
  };
}

/** Whether nothing but TLS will do. */
export function asksForTls({ url, caFile = '', certificateFile = '' }: NatsAccess): boolean {
  return /(^|,)\s*(tls|wss):/i.test(url) || caFile !== '' || certificateFile !== '';
}

/** What the subjects of a user's answers begin with. */
export function inboxOf(identity: string): string {
  return `_INBOX.${identity}`;
}

function loginOf(url: string): { servers: string[]; user?: string; pass?: string } {
  const login: { user?: string; pass?: string } = {};
  const servers = url.split(',').map((each) => {
    const server = each.trim();
    if (!/^\w+:\/\/[^/]*@/.test(server)) return server;
    const parsed = new URL(server);
    login.user = decodeURIComponent(parsed.username);
    login.pass = decodeURIComponent(parsed.password);
    parsed.username = '';
    parsed.password = '';
    return parsed.toString();
  });
  return { servers, ...login };
}

/** The seed in a file: its line that begins with SU. Throws `UsageError` that names the file, never what it holds. */
function readSeed(path: string): Uint8Array {
  const text = readNatsFile(path, 'nkeyFile');
  const seed = /^SU[A-Z2-7]{56}$/m.exec(text.replaceAll('\r', ''))?.[0];
  try {
    if (seed !== undefined) {
      const bytes = Buffer.from(seed);
      nkeys.fromSeed(bytes);
      return bytes;
    }
  } catch {
    // Letters that are no key: told as one that is none at all.
  }
  throw new UsageError(
    'nats-key-invalid',
    `The file ${path} (nats.nkeyFile) holds no key for NATS: it must be one line that begins with SU, as "faascam nats-auth" writes it.`,
  );
}

function readNatsFile(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(
      'secret-missing',
      `The file ${path} (nats.${name}) cannot be read (${systemCodeOf(cause) ?? 'unknown'}): put it there, readable for this user.`,
      { cause },
    );
  }
}
