import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@faascam/core/ports';
import type { Certificate } from './certificates.ts';
import { ended } from './children.ts';

const run = promisify(execFile);

/** Debian puts it where only root looks. */
const MOSQUITTO = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'];

/** Where mosquitto is; undefined where it is not installed. */
export const mosquitto = MOSQUITTO.find((path) => existsSync(path));

export interface MqttBroker {
  readonly port: number;
  /** Ends it as a crash would: nobody is told, and what it had retained is gone. */
  kill(): Promise<void>;
  /** Keeps connections and answers nothing, until `resume`. */
  pause(): void;
  resume(): void;
  /** Begins again on the same port. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface MqttBrokerOptions {
  /** Where its files go. */
  folder: string;
  user: string;
  password: string;
  /** With it nothing but TLS will do. */
  certificate?: Certificate;
}

const POLL_MS = 20;

/** Starts mosquitto on loopback, with one user. */
export async function startMqttBroker(options: MqttBrokerOptions): Promise<MqttBroker> {
  const { folder, user, password, certificate } = options;
  if (mosquitto === undefined) throw new Error('mosquitto is not installed: script/bootstrap --with-tests');
  const program = mosquitto;
  const port = await freePort();
  const path = (name: string): string => join(folder, `mosquitto-${port}.${name}`);
  await run('mosquitto_passwd', ['-c', '-b', path('passwords'), user, password]);
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous false',
    `password_file ${path('passwords')}`,
    'persistence false',
    'log_dest stderr',
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    ...(certificate === undefined
      ? []
      : [`certfile ${certificate.certificateFile}`, `keyfile ${certificate.keyFile}`]),
  ];
  await writeFile(path('conf'), lines.join('\n'));
  let child: ChildProcess | undefined;
  let end: Promise<void> | undefined;
  const kill = (): void => void child?.kill('SIGKILL');
  process.once('exit', kill);

  const start = async (): Promise<void> => {
    const started = spawn(program, ['-c', path('conf')], { stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    end = ended(started);
    let log = '';
    for (const stream of [started.stdout, started.stderr])
      stream.on('data', (text: Buffer) => (log += text.toString()));
    while (!/mosquitto version \S+ running/.test(log)) {
      if (started.exitCode !== null) throw new Error(`mosquitto ended: ${log}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  await start();
  return {
    port,
    start,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    kill: async () => {
      kill();
      await end;
    },
    stop: async () => {
      process.removeListener('exit', kill);
      kill();
      await end;
    },
  };
}
