import { execFile } from 'node:child_process';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';

/** What started this process and waits for word of it. */
export interface ServiceManager {
  /** It does its work from now on. */
  ready: () => void;
  /** It is alive; call it often. `status` is for people. */
  alive: (status: string) => void;
  /** It was asked to end, and does. Resolves when that is said. */
  stopping: () => Promise<void>;
}

/** One more than enough, should a message be lost: the manual of systemd asks for half of the watchdog's time. */
const SIGNS_A_WATCHDOG = 4;

/** When to say again that all is well, even if nothing has changed; undefined where no watchdog asks. */
function signEveryMs(env: NodeJS.ProcessEnv): number | undefined {
  const us = Number(env['WATCHDOG_USEC'] ?? '');
  return us > 0 ? us / 1000 / SIGNS_A_WATCHDOG : undefined;
}

export interface ServiceManagerOptions {
  env: NodeJS.ProcessEnv;
  log: Pick<Logger, 'warn'>;
  /** Hands `assignments`, such as `READY=1`, over. Default: `systemd-notify`. */
  send?: (assignments: string[]) => Promise<void>;
  nowMs?: () => number;
}

/**
 * systemd, as the environment tells of it (sd_notify(3)), or undefined where there is none: in a terminal, in a container.
 * Signs of life are sent only from `alive`, never by a timer of their own: when the work stands still they stop, and the
 * watchdog starts the service anew. Takes the socket's name out of `env`, so that programs that are started later,
 * such as ffmpeg, do not speak for this one.
 */
export function serviceManager(options: ServiceManagerOptions): ServiceManager | undefined {
  const { env, log } = options;
  const socket = env['NOTIFY_SOCKET'];
  if (socket === undefined || socket === '') return undefined;
  delete env['NOTIFY_SOCKET'];
  const nowMs = options.nowMs ?? (() => performance.now());
  const send = options.send ?? ((assignments) => systemdNotify(socket, assignments));
  const everyMs = signEveryMs(env);

  let last: Promise<void> = Promise.resolve();
  let waiting = 0;
  let warned = false;
  const say = (...assignments: string[]): Promise<void> => {
    waiting += 1;
    last = last
      .then(() => send(assignments))
      .catch((error: unknown) => {
        if (!warned) log.warn(`systemd cannot be told how this service is: ${messageOf(error)}`);
        warned = true;
      })
      .finally(() => (waiting -= 1));
    return last;
  };

  let [told, toldAtMs, ending] = ['', -Infinity, false];
  return {
    ready: () => void say('READY=1'),
    alive: (status) => {
      const due = everyMs !== undefined && nowMs() - toldAtMs >= everyMs;
      // The newest word comes with the next sign.
      if (ending || waiting > 0 || (!due && status === told)) return;
      [told, toldAtMs] = [status, nowMs()];
      void say(`STATUS=${status}`, ...(everyMs === undefined ? [] : ['WATCHDOG=1']));
    },
    stopping: () => {
      ending = true;
      return say('STOPPING=1', 'STATUS=Closing recordings');
    },
  };
}

/**
 * Node has no datagram sockets of the file system, and the packages that bring them are compiled on the host; this program
 * is part of systemd itself. It waits until systemd has read the message, so it is known whom it came from.
 */
function systemdNotify(socket: string, assignments: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env['PATH'], NOTIFY_SOCKET: socket };
    execFile('systemd-notify', assignments, { env, timeout: 10_000 }, (error) => {
      if (error === null) resolve();
      else reject(new Error(`systemd-notify: ${error.message}`, { cause: error }));
    });
  });
}
