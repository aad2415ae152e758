import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { usageBelow } from './processes.ts';

export interface RunningUp {
  pid: number;
  /** Ends it as Ctrl-C does, and waits for it. */
  stop(): Promise<void>;
}

/** Runs `faascam up` with a config, its data in the folder `data`, until it says that it is ready. */
export async function startUp(data: string, config: object): Promise<RunningUp> {
  const program = new URL('../../../bin/faascam.js', import.meta.url).pathname;
  mkdirSync(data, { recursive: true });
  const path = join(data, 'faascam.yml');
  writeFileSync(path, JSON.stringify({ data: '.', ...config }));
  const child = spawn(process.execPath, [program, 'up', '--config', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, FAASCAM_LOG: 'error' },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', () => reject(new Error('faascam up ended before it was ready')));
  });
  return {
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGINT');
      await ended;
    },
  };
}

/** The address of the NATS server that runs below a process, from its command line. */
export async function natsUrlOf(pid: number): Promise<string> {
  for (const usage of usageBelow(pid)) {
    if (usage.name !== 'nats-server') continue;
    const words = (await readFile(`/proc/${usage.pid}/cmdline`, 'utf8')).split('\0');
    return `nats://127.0.0.1:${words[words.indexOf('--port') + 1] ?? ''}`;
  }
  throw new Error('no nats-server runs below faascam up');
}
