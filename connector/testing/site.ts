import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { type NatsServer, startNatsServer } from '@faascam/core/nats-server';
import { builtEntry } from '@faascam/function-host/testing/built-host';
import { type Answering, RecordingGateway } from './recording-gateway.ts';

/** A NATS server, a gateway that records, connectors as processes, and traffic: all of it gone after `close`. */
export class Site {
  readonly gateway: RecordingGateway;
  readonly #directory: string;
  readonly #entry: string;
  readonly #connectors: Replica[] = [];
  nats: NatsServer;
  readonly messaging: Messaging;

  static async open(topics: Record<string, string>, answering?: Answering): Promise<Site> {
    const directory = await mkdtemp(join(tmpdir(), 'connector-site-'));
    const entry = await builtEntry(fileURLToPath(new URL('..', import.meta.url)), 'main.js');
    const nats = await startNatsServer({ directory });
    const messaging = await connectNats(nats.url, 'test');
    await ensureStreams(messaging.jsm);
    const gateway = await new RecordingGateway(topics, answering).open();
    return new Site({ directory, entry, nats, messaging, gateway });
  }

  private constructor(parts: {
    directory: string;
    entry: string;
    nats: NatsServer;
    messaging: Messaging;
    gateway: RecordingGateway;
  }) {
    this.#directory = parts.directory;
    this.#entry = parts.entry;
    this.nats = parts.nats;
    this.messaging = parts.messaging;
    this.gateway = parts.gateway;
  }

  /** A connector as a process, once it is ready. */
  async connector(env: Record<string, string> = {}): Promise<Replica> {
    const child = spawn(process.execPath, [this.#entry], {
      env: {
        ...process.env,
        NATS_URL: this.nats.url,
        gateway_url: this.gateway.url,
        FAASCAM_LOG: 'info',
        REFRESH_MS: '200',
        ...env,
      },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const replica = new Replica(child);
    this.#connectors.push(replica);
    await once(child, 'message');
    return replica;
  }

  /** Ends the NATS server with a signal and starts it again with the same files. */
  async restartNats(signal: NodeJS.Signals): Promise<void> {
    const { port, pid, ended } = this.nats;
    process.kill(pid, signal);
    await ended;
    this.nats = await startNatsServer({ directory: this.#directory, port });
  }

  /** Numbers from 0 on `subjects`, each one's next after the other's was stored, until `stop` is called. */
  traffic(subjects: readonly string[], everyMs: number): Traffic {
    return new Traffic(this.messaging, subjects, everyMs);
  }

  async close(): Promise<void> {
    for (const { process: child } of this.#connectors) child.kill('SIGKILL');
    await this.gateway.close();
    await this.messaging.nc.close();
    await this.nats.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

export class Replica {
  log = '';

  constructor(readonly process: ChildProcess) {
    process.stderr?.on('data', (text: Buffer) => {
      this.log += text.toString();
    });
  }

  async end(signal: NodeJS.Signals): Promise<unknown> {
    const exit = once(this.process, 'exit');
    this.process.kill(signal);
    return (await exit)[0];
  }
}

export class Traffic {
  /** Messages stored, on each subject. */
  count = 0;
  #stopped = false;
  readonly #life: Promise<void>;

  constructor(messaging: Messaging, subjects: readonly string[], everyMs: number) {
    this.#life = (async () => {
      for (let n = 0; !this.#stopped; n++) {
        for (const subject of subjects) await stored(messaging, subject, n);
        this.count = n + 1;
        // Traffic has a pace, as cameras have; no test relies on what happens within one.
        await sleep(everyMs);
      }
    })();
  }

  async stop(): Promise<number> {
    this.#stopped = true;
    await this.#life;
    return this.count;
  }
}

/** As the agent does: again until the server has it, once. */
async function stored(messaging: Messaging, subject: string, n: number): Promise<void> {
  for (;;) {
    try {
      await messaging.js.publish(subject, String(n), { msgID: `${subject} ${n}`, timeout: 1000 });
      return;
    } catch {
      // The server is away or not ready: a pause, so that the attempts do not take the machine from it.
      await sleep(50);
    }
  }
}

/** What came, without the repetitions of a message right after itself: those are calls that were cut off. */
export function withoutRepeats(bodies: readonly string[]): string[] {
  return bodies.filter((body, index) => body !== bodies[index - 1]);
}

/**
 * What came, without what a server that was killed gave out again because it had forgotten the last acknowledgements: it
 * begins anew a little before, and goes on in order from there.
 */
export function withoutReplays(bodies: readonly string[]): string[] {
  const places = bodies.map(Number);
  const skips = places.filter((place, index) => place > (places[index - 1] ?? -1) + 1);
  return [...new Set(bodies), ...skips.map((place) => `${place} came too early`)];
}

export function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, n) => String(n));
}
