import { spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { systemClock } from './clock.ts';
import { messageOf, ProgramError } from './errors.ts';
import { freePort } from './ports.ts';
import { requireProgram } from './programs.ts';

const PID_FILE = 'nats-server.pid';

export interface NatsServer {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves with a sentence once the server has ended, wanted or not. */
  readonly ended: Promise<string>;
  /** Ends the server and waits for it; kills it after `limitMs` (5 s). */
  stop(limitMs?: number): Promise<void>;
}

/**
 * Runs a nats-server with JetStream on loopback, its files below `directory`, and waits until it serves.
 * Throws `ProgramError` when it is missing, too old, or ends before it serves.
 */
export async function startNatsServer(options: { directory: string; port?: number }): Promise<NatsServer> {
  await requireProgram('nats-server');
  await mkdir(options.directory, { recursive: true });
  await endLeftover(options.directory);
  const port = options.port ?? (await freePort());
  const url = `nats://127.0.0.1:${port}`;
  const logPath = join(options.directory, 'nats-server.log');
  const log = await open(logPath, 'a');
  const child = spawn(
    'nats-server',
    [
      ...['--addr', '127.0.0.1', '--port', String(port)],
      ...['--jetstream', '--store_dir', options.directory, '--pid', join(options.directory, PID_FILE)],
    ],
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
    name: 'nats-server',
    url,
    port,
    pid: child.pid ?? 0,
    ended,
    stop: async (limitMs = 5000) => {
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), limitMs);
      await ended;
      clearTimeout(kill);
    },
  };
}

/** Ends a server of ours that outlived its owner (kill -9): two on the same files would damage them. */
async function endLeftover(directory: string): Promise<void> {
  const pid = Number(await readFile(join(directory, PID_FILE), 'utf8').catch(() => '0'));
  if (!Number.isInteger(pid) || pid <= 1) return;
  const isOurs = async (): Promise<boolean> => {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return line.startsWith('nats-server\0') && line.includes(`\0${directory}\0`);
  };
  if (!(await isOurs())) return;
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; await isOurs(); waited += 20) {
    if (waited === 5000) process.kill(pid, 'SIGKILL');
    await systemClock.sleep(20);
  }
}
