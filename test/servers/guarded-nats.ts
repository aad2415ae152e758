import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@faascam/core/ports';
import type { Certificate } from './certificates.ts';
import { ended } from './children.ts';

export interface GuardedNats {
  readonly port: number;
  /** What the server has refused to anyone so far, a line each. */
  refusals(): string[];
  /** Lets it read its configuration again. Resolves once it has. */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

export interface GuardedNatsOptions {
  /** Where `auth.conf` lies, and where its files go. */
  folder: string;
  certificate?: Certificate;
  /** Whether clients need a certificate of the same authority. */
  verify?: boolean;
  /** An address of loopback; default 127.0.0.1. */
  host?: string;
}

const START_WITHIN_MS = 60_000;
const POLL_MS = 20;

/** Starts a nats-server with the users of `faascam nats-auth`, and with TLS if given a certificate. */
export async function startGuardedNats(options: GuardedNatsOptions): Promise<GuardedNats> {
  const { folder, certificate, verify = false, host = '127.0.0.1' } = options;
  const port = await freePort(host);
  const log = join(folder, 'nats-server.log');
  const config = join(folder, 'nats-server.conf');
  const tls =
    certificate === undefined
      ? ''
      : `tls { cert_file: "${certificate.certificateFile}", key_file: "${certificate.keyFile}", ca_file: "${certificate.caFile}", verify: ${verify} }\n`;
  writeFileSync(
    config,
    `listen: "${host}:${port}"\nlog_file: "${log}"\njetstream { store_dir: "${join(folder, 'jetstream')}" }\n${tls}include "auth.conf"\n`,
  );
  const child = spawn('nats-server', ['--config', config], { stdio: 'ignore' });
  const end = ended(child);
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const lines = (): string[] => {
    try {
      return readFileSync(log, 'utf8').split('\n');
    } catch {
      return []; // Not begun yet.
    }
  };
  const said = async (pattern: RegExp, times: number): Promise<void> => {
    for (let waitedMs = 0; lines().filter((line) => pattern.test(line)).length < times; waitedMs += POLL_MS) {
      if (waitedMs > START_WITHIN_MS || child.exitCode !== null)
        throw new Error(`nats-server did not say ${pattern.source}:\n${lines().join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  await said(/Server is ready/, 1);
  let reloads = 0;
  return {
    port,
    refusals: () => lines().filter((line) => /Violation|Authorization|authentication error/i.test(line)),
    reload: async () => {
      child.kill('SIGHUP');
      await said(/Reloaded server configuration/, ++reloads);
    },
    stop: async () => {
      child.kill('SIGTERM');
      await end;
      process.off('exit', kill);
    },
  };
}
