import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';
import { FaascamError } from '@faascam/core/errors';
import type { Part } from './supervise.ts';

export interface Child extends Part {
  /** What it said with its first message. */
  readonly said: Record<string, unknown>;
  /** Resolves when it has sent a message with this key, or has ended. Call it before what leads to the message. */
  tells(key: string): Promise<void>;
  /** Sends it a message; harmless when it has ended. */
  send(message: object): void;
  /** Sends a signal; harmless when it has ended. */
  signal(name: NodeJS.Signals): void;
}

const readyMessage = z.looseObject({ ready: z.literal(true) });
const failedMessage = z.object({ failed: z.string() });
/** The arguments of a `message` event: the message, and a handle that we do not use. */
const firstMessages = z.tuple([z.union([readyMessage, failedMessage])]).rest(z.unknown());

/**
 * Starts one of our own programs as a child process of its own group, so that Ctrl-C reaches us alone and we end
 * them in order. It ends by itself when we vanish: the message channel closes. Resolves when it says that it is ready;
 * throws `FaascamError` `part-failed` with what it said if it ends before. `flags` are Node's, beside our own.
 */
export async function startChild(
  name: string,
  script: URL,
  env: Record<string, string>,
  flags: readonly string[] = [],
): Promise<Child> {
  const child = fork(script, [], {
    env: { ...process.env, ...env },
    execArgv: [...process.execArgv, ...flags],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`${name} could not be started: ${error.message}`));
    child.once('exit', (code, signal) => resolve(`${name} ended with ${signal ?? `exit code ${code ?? 0}`}`));
  });
  const said = await Promise.race([firstMessage(child), ended]);
  if (typeof said === 'string') throw new FaascamError('part-failed', said);
  const failed = failedMessage.safeParse(said);
  if (failed.success) {
    await ended;
    throw new FaascamError('part-failed', failed.data.failed);
  }
  return {
    name,
    pid: child.pid ?? 0,
    said,
    ended,
    signal: (name) => void child.kill(name),
    send: (message) => {
      if (child.connected) child.send(message, () => undefined);
    },
    tells: (key) =>
      new Promise((resolve) => {
        child.on('message', (message) => {
          if (typeof message === 'object' && key in message) resolve();
        });
        void ended.then(() => resolve());
      }),
    stop: async (limitMs) => {
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), limitMs);
      await ended;
      clearTimeout(kill);
    },
  };
}

async function firstMessage(child: ChildProcess): Promise<Record<string, unknown>> {
  for (;;) {
    const parsed = firstMessages.safeParse(await once(child, 'message'));
    if (parsed.success) return parsed.data[0];
  }
}
