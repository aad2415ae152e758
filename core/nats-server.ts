import { spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { systemClock } from './clock.ts';
import { messageOf, ProgramError } from './errors.ts';
import { freePort } from './ports.ts';
import { requireProgram } from './programs.ts';

export interface NatsServer {
  url: string;
  port: number;
  pid: number;
  /** Resolves with a sentence once the server has ended, wanted or not. */
  ended: Promise<string>;
  /** Ends the server and waits for it. */
  stop(): Promise<void>;
}

/**
 * Runs a nats-server with JetStream on loopback, its files below `directory`, and waits until it serves.
 * Throws `ProgramError` when it is missing, too old, or ends before it serves.
 */
export async function startNatsServer(options: { directory: string; port?: number }): Promise<NatsServer> {
  await requireProgram('nats-server');
  await mkdir(options.directory, { recursive: true });
  const port = options.port ?? (await freePort());
  const url = `nats://127.0.0.1:${port}`;
  const logPath = join(options.directory, 'nats-server.log');
  const log = await open(logPath, 'a');
  const child = spawn(
    'nats-server',
    ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', options.directory],
    { stdio: ['ignore', log.fd, log.fd], detached: true },
  );
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      resolve(`nats-server could not be started: ${error.message}`);
    });
    child.once('exit', (code, signal) => {
      resolve(`nats-server ended with ${signal ?? `exit code ${code ?? 0}`}; its log is ${logPath}`);
    });
  });
  await log.close();

  let over: string | undefined;
  void ended.then((sentence) => {
    over = sentence;
  });
  const giveUpUs = systemClock.nowUs() + 15_000_000;
  for (;;) {
    try {
      const nc = await connect({ servers: url, reconnect: false, timeout: 1000 });
      await nc.close();
      break;
    } catch (cause) {
      if (over === undefined && systemClock.nowUs() > giveUpUs) {
        child.kill('SIGKILL');
        over = `nats-server did not serve within 15 s (${messageOf(cause)}); its log is ${logPath}`;
      }
      if (over !== undefined) throw new ProgramError('nats-server-failed', over, { cause });
      await systemClock.sleep(20);
    }
  }
  return {
    url,
    port,
    pid: child.pid ?? 0,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(kill);
    },
  };
}
