import type { Clock } from '@faascam/core/clock';
import { FaascamError, MalformedInputError, messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { clipStored } from '@faascam/core/clip-messages';
import { agentHealth, parseMessage, type AgentHealth } from '@faascam/core/messages';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import type { NatsAccess } from '@faascam/core/nats-access';
import { orAbsent } from '@faascam/core/nats-answers';
import { redact } from '@faascam/core/redact';
import { buckets, headers, streams, subjects } from '@faascam/core/subjects';
import { PermissionViolationError, type Subscription } from '@nats-io/transport-node';

export interface LatestFrame {
  jpeg: Buffer;
  /** Microseconds since the Unix epoch; absent where the agent did not say. */
  capturedAtUs: number | undefined;
  /** Another one for another frame. */
  tag: string;
}

/** NATS is away, or answers nothing. */
export class NatsAwayError extends FaascamError {
  override readonly name = 'NatsAwayError';

  constructor(message: string, options?: { cause?: unknown }) {
    super('nats-unreachable', message, options);
  }
}

/** NATS is there, but does not let the viewer do this. */
export class DeniedError extends FaascamError {
  override readonly name = 'DeniedError';

  constructor(message: string, options?: { cause?: unknown }) {
    super('nats-denied', message, options);
  }
}

interface Hearing {
  subject: string;
  take: (data: Uint8Array, subject: string) => void;
  subscription: Subscription | undefined;
}

const RETRY_MS = 1000;
/** Several pages that ask at once, and every second, cause one look a second. */
const HEALTH_AGE_MS = 500;
/** The stream behind a KV bucket and its keys' subjects, as NATS's ADR-8 lays them down. */
const AGENTS_STREAM = `KV_${buckets.agents}`;
const AGENTS_PREFIX = `$KV.${buckets.agents}.`;

/**
 * What the viewer has of NATS: agents' health, cameras' latest frames, and the news of stored clips. It connects in
 * the background and keeps trying; as long as NATS is away, asking throws `NatsAwayError` at once.
 */
export class NatsLink {
  readonly #access: NatsAccess;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #onStored: (eventId: string, removed: boolean) => void;
  readonly #onConnected: () => void;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #messaging: Messaging | undefined;
  #connected = false;
  #fault: string;
  #healths: { atUs: number; list: Promise<AgentHealth[]> } | undefined;
  readonly #malformed = new Set<string>();
  #liveUrls: readonly string[] = [];
  readonly #hearings = new Set<Hearing>();

  /** `onStored` gets the id of each event stored from then on; `onConnected` says that some may have been missed. */
  constructor(options: {
    access: NatsAccess;
    clock: Clock;
    log: Logger;
    onStored: (eventId: string, removed: boolean) => void;
    onConnected: () => void;
  }) {
    this.#access = options.access;
    this.#fault = `NATS at ${redact(options.access.url)} is being connected to.`;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#onStored = options.onStored;
    this.#onConnected = options.onConnected;
  }

  /** Begins to connect. `close` ends it. */
  start(): void {
    this.#running ??= this.#run();
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Why NATS is not there and what that means, for people; undefined while it is. */
  get notice(): string | undefined {
    if (this.#connected) return undefined;
    return `Cameras are out of sight and new events show late. ${this.#fault}`;
  }

  /** Where agents' live servers were when health was last asked for. */
  get liveUrls(): readonly string[] {
    return this.#liveUrls;
  }

  /** What every agent said last. No bucket yet means no agent yet. Throws `NatsAwayError`. */
  async healths(): Promise<AgentHealth[]> {
    const nowUs = this.#clock.nowUs();
    if (this.#healths === undefined || nowUs - this.#healths.atUs > HEALTH_AGE_MS * 1000) {
      this.#healths = {
        atUs: nowUs,
        list: this.asking(async (messaging) => await this.#readHealths(messaging)),
      };
    }
    return await this.#healths.list;
  }

  /** The camera's newest frame; undefined if there is none or the camera is lost. Throws `NatsAwayError`. */
  async frame(camera: string): Promise<LatestFrame | undefined> {
    return await this.asking(async ({ jsm }) => {
      const message = await orAbsent(
        jsm.streams.getMessage(streams.frames, { last_by_subj: subjects.frames(camera) }),
      );
      if (message === undefined || message.data.length === 0) return undefined;
      if (message.header.get(headers.kind) === 'lost') return undefined;
      const capturedAtUs = Number(message.header.get(headers.capturedAt));
      return {
        jpeg: Buffer.from(message.data),
        capturedAtUs: Number.isSafeInteger(capturedAtUs) && capturedAtUs > 0 ? capturedAtUs : undefined,
        tag: `${message.seq}-${capturedAtUs}`,
      };
    });
  }

  /**
   * Publishes into a stream; `msgID` makes it harmless to do so twice. Throws `NatsAwayError`, and `DeniedError` where NATS does
   * not let the viewer.
   */
  async publish(subject: string, body: string, msgID: string): Promise<void> {
    await this.asking(async ({ js }) => await js.publish(subject, body, { msgID }));
  }

  /** Hears what is published on the subject, now and after each connection, until the function it gives is called. */
  hear(subject: string, take: (data: Uint8Array, subject: string) => void): () => void {
    const hearing: Hearing = { subject, take, subscription: undefined };
    this.#hearings.add(hearing);
    if (this.#messaging !== undefined) this.#subscribe(hearing, this.#messaging);
    return () => {
      this.#hearings.delete(hearing);
      hearing.subscription?.unsubscribe();
    };
  }

  #subscribe(hearing: Hearing, { nc }: Messaging): void {
    if (nc.isClosed()) return;
    hearing.subscription = nc.subscribe(hearing.subject, {
      callback: (error, message) => {
        if (error === null) hearing.take(message.data, message.subject);
        else this.#warnOnce(`What happens on ${hearing.subject} is not heard of: ${messageOf(error)}`);
      },
    });
  }

  /** Lets go of the connection. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#messaging?.nc.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      try {
        await this.#connection(signal);
      } catch (error) {
        if (this.#fault !== messageOf(error))
          this.#log.warn({ fault: messageOf(error) }, 'no connection to NATS');
        this.#fault = messageOf(error);
      }
      this.#connected = false;
      this.#messaging = undefined;
      try {
        await this.#clock.sleep(RETRY_MS, signal);
      } catch {
        // Closed.
        return;
      }
    }
  }

  /** One connection's life: it outlives a server that goes away, and ends only when it is closed. */
  async #connection(signal: AbortSignal): Promise<void> {
    const messaging = await connectNats(this.#access, 'faascam viewer');
    const { nc } = messaging;
    if (signal.aborted) {
      await nc.close();
      return;
    }
    this.#messaging = messaging;
    nc.subscribe(subjects.clipsStored('*'), {
      callback: (error, message) => {
        if (error === null) this.#noteStored(message.subject, message.data);
        else this.#log.error({ fault: messageOf(error) }, 'stored clips are not heard of');
      },
    });
    for (const hearing of this.#hearings) this.#subscribe(hearing, messaging);
    // A flush on a connection that is closed meanwhile never ends.
    await Promise.race([nc.flush(), nc.closed()]);
    if (nc.isClosed()) return;
    this.#setConnected();
    for await (const status of nc.status()) {
      if (status.type === 'reconnect') this.#setConnected();
      if (status.type === 'disconnect') {
        this.#connected = false;
        this.#fault = `The connection to NATS at ${redact(this.#access.url)} was lost and is being made again.`;
        this.#log.warn('NATS is away');
      }
    }
    const error = await nc.closed();
    if (error) throw error;
  }

  #setConnected(): void {
    this.#connected = true;
    this.#log.info('connected to NATS');
    this.#onConnected();
  }

  #noteStored(subject: string, data: Uint8Array): void {
    try {
      const { eventId, removed } = parseMessage(clipStored, data, `A message on ${subject}`);
      this.#onStored(eventId, removed === true);
    } catch (error) {
      if (!(error instanceof MalformedInputError)) throw error;
      this.#warnOnce(error.message);
    }
  }

  async #readHealths({ jsm }: Messaging): Promise<AgentHealth[]> {
    const info = await orAbsent(jsm.streams.info(AGENTS_STREAM, { subjects_filter: `${AGENTS_PREFIX}>` }));
    const keys = Object.keys(info?.state.subjects ?? {});
    const healths = await Promise.all(
      keys.map(async (key) => {
        const entry = await orAbsent(jsm.streams.getMessage(AGENTS_STREAM, { last_by_subj: key }));
        // A deleted key is a message as well, without a body.
        if (entry === undefined || entry.data.length === 0) return [];
        const agent = key.slice(AGENTS_PREFIX.length);
        try {
          return [parseMessage(agentHealth, entry.data, `The health of agent ${agent}`)];
        } catch (error) {
          if (!(error instanceof MalformedInputError)) throw error;
          this.#warnOnce(error.message);
          return [];
        }
      }),
    );
    const all = healths.flat();
    this.#liveUrls = all.flatMap(({ live }) => live?.url ?? []);
    return all;
  }

  /** Said once: the same agent sends the same fault every few seconds. */
  #warnOnce(sentence: string): void {
    if (this.#malformed.has(sentence) || this.#malformed.size > 1000) return;
    this.#malformed.add(sentence);
    this.#log.warn(sentence);
  }

  /** Asks NATS. Throws `NatsAwayError` where it is away or answers nothing, `DeniedError` where it does not let the viewer. */
  async asking<T>(ask: (messaging: Messaging) => Promise<T>): Promise<T> {
    const messaging = this.#messaging;
    if (messaging === undefined || !this.#connected) {
      throw new NatsAwayError(this.notice ?? 'NATS is away.');
    }
    try {
      return await ask(messaging);
    } catch (cause) {
      if (cause instanceof NatsAwayError || cause instanceof DeniedError) throw cause;
      const denied = deniedIn(cause);
      if (denied !== undefined)
        throw new DeniedError(
          `NATS does not let the viewer ${denied.operation === 'publish' ? 'publish on' : 'hear'} ${denied.subject}: give it the rights of this version with "faascam nats-auth".`,
          { cause },
        );
      throw new NatsAwayError(
        `NATS at ${redact(this.#access.url)} does not answer: check that it runs and has JetStream.`,
        { cause },
      );
    }
  }
}

/** What NATS denies, where that is the fault itself or what it was caused by. */
function deniedIn(error: unknown): PermissionViolationError | undefined {
  if (error instanceof PermissionViolationError) return error;
  return error instanceof Error && error.cause !== undefined ? deniedIn(error.cause) : undefined;
}
