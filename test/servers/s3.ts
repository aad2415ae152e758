import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, constants, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@faascam/core/ports';
import { temporaryKeys } from './s3-roles.ts';
import type { Certificate } from './certificates.ts';

const programs = ['ceph', 'ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin'] as const;
const START_WITHIN_MS = 110_000;

export interface S3Keys {
  accessKey: string;
  secretKey: string;
}

export interface S3Server extends S3Keys {
  endpoint: string;
  port: number;
  /** Only if started with a certificate: the same server over TLS, as `https://127.0.0.1:port`. */
  tlsEndpoint: string;
  /** Temporary keys that may do what a policy (its `Statement`) allows, from the server's STS. */
  assumeRole(statement: unknown): Promise<S3Keys & { sessionToken: string }>;
  /** Ends the server, waits for all of its processes, and removes its files. */
  stop(): Promise<void>;
}

/**
 * Whether Ceph is installed. If not, says so on stderr, so that a test that skips itself tells why; where `CI` is
 * `true` that is a failure, and this throws.
 */
export async function s3ServerInstalled(): Promise<boolean> {
  const missing: string[] = [];
  for (const program of programs) if (!(await isInPath(program))) missing.push(program);
  if (missing.length === 0) return true;
  const reason =
    `No S3 server to test against: ${missing.join(', ')} not found. ` +
    'Install it with: sudo apt-get install --no-install-recommends ceph-mon ceph-osd radosgw ceph-common';
  if (process.env['CI'] === 'true') throw new Error(reason);
  console.warn(`skipped: ${reason}`);
  return false;
}

/**
 * Starts Ceph's S3 gateway (one monitor, one in-memory object store, radosgw: about 12 s and 460 MB) on free ports
 * of loopback. It ends with this process at the latest.
 */
export async function startS3Server(tls?: Certificate): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'faascam-s3-'));
  const port = await freePort();
  const accessKey = randomBytes(10).toString('hex').toUpperCase();
  const secretKey = randomBytes(20).toString('hex');
  const tlsPort = await freePort();
  const child = spawn(
    'bash',
    [
      serverScript(),
      directory,
      String(port),
      String(await freePort()),
      String(await freePort()),
      accessKey,
      secretKey,
      ...(tls === undefined ? [] : [String(tlsPort), tls.certificateFile, tls.keyFile]),
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-4000);
  });
  // The script may be gone when its stdin is ended.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await ended;
  };

  const ready = new Promise<boolean>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(false));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('ready')) resolve(true);
    });
  });
  const impatience = setTimeout(() => child.kill('SIGTERM'), START_WITHIN_MS);
  const isReady = await ready;
  clearTimeout(impatience);
  if (!isReady) throw new Error(`The S3 server did not start: ${complaint.trim()}`);
  const tlsEndpoint = tls === undefined ? '' : `https://127.0.0.1:${tlsPort}`;
  const endpoint = `http://127.0.0.1:${port}`;
  const keys = { accessKey, secretKey };
  const assumeRole = (statement: unknown) => temporaryKeys(directory, endpoint, keys, statement);
  return { endpoint, port, ...keys, tlsEndpoint, assumeRole, stop };
}

/** The script lies beside this file's source, also when this file runs from `dist`. */
function serverScript(): string {
  const here = new URL('.', import.meta.url).pathname;
  return fileURLToPath(new URL(here.endsWith('/dist/') ? '../s3.sh' : 's3.sh', import.meta.url));
}

async function isInPath(program: string): Promise<boolean> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      await access(join(folder, program), constants.X_OK);
      return true;
    } catch {
      // Not in this folder; perhaps in the next.
    }
  }
  return false;
}
