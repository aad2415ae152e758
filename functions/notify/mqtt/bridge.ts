import type { MqttClient } from 'mqtt';
import type { Clock } from '@faascam/core/clock';
import { messageOf, UsageError } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { MqttTarget } from '@faascam/core/notify-settings';
import type { Delivery, Notice } from '../notice.ts';
import type { Visit } from '../visits.ts';
import { webhookBody } from '../webhook.ts';
import { connectMqtt } from './client.ts';
import { answered } from './publishing.ts';
import {
  availabilityMessage,
  discoveryMessages,
  OFFLINE,
  ONLINE,
  stateMessages,
  topics,
  type MqttMessage,
} from './topics.ts';

/** What is known of the site. */
export interface Site {
  /** Cameras that agents report, and whether they can be seen now. */
  online(): Promise<Map<string, boolean>>;
  /** Cameras of which there were events. */
  remembered(): Promise<string[]>;
  /** A camera's events, oldest first. */
  visits(camera: string): Promise<readonly Visit[]>;
  /** The picture of an event that has just begun; undefined where there is none. */
  picture(camera: string, visit: Pick<Visit, 'startUs' | 'endUs'>): Promise<Buffer | undefined>;
}

const LOOK_MS = 5000;

/**
 * Keeps a broker told of how the cameras are: whether they can be seen, who is there, the last event. All of it is retained
 * by the broker and made from what is in NATS, so that after an outage of either it is told as it is by then, not as it was.
 * The connection is kept until `close`.
 */
export class MqttBridge {
  readonly #target: MqttTarget;
  readonly #site: Site;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #over = new AbortController();
  #client: MqttClient | undefined;
  #fault = 'the broker was not reached yet';
  #looking: Promise<void> | undefined;
  /** What the broker has, by topic, since this connection began. */
  #told = new Map<string, string>();
  /** Of which event a picture was published, by camera. */
  readonly #pictured = new Map<string, string>();
  /** Notifications that were published on this connection, by id; of some the broker says late that it has them. */
  readonly #published = new Map<string, Promise<unknown>>();
  /** All that were ever heard of. */
  readonly #cameras = new Set<string>();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: { target: MqttTarget; site: Site; clock: Clock; log: Logger }) {
    this.#target = options.target;
    this.#site = options.site;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Begins to connect; the broker may be away, or a file missing. */
  start(): void {
    this.#connect();
    this.#looking ??= this.#keepLooking();
  }

  #connect(): void {
    if (this.#client !== undefined) return;
    let client: MqttClient;
    try {
      client = connectMqtt(this.#target, { will: true, clientId: this.#target.clientId });
    } catch (error) {
      // A file that is missing; other targets go on meanwhile.
      if (!(error instanceof UsageError)) throw error;
      this.#note(error.message);
      return;
    }
    this.#client = client;
    client.on('connect', () => {
      this.#fault = '';
      this.#told = new Map();
      this.#log.info('connected to the MQTT broker');
      void this.look();
    });
    client.on('error', (error) => this.#note(messageOf(error)));
    client.on('close', () => {
      this.#published.clear();
      // Where there was none, why there was none has been told.
      if (this.#fault === '') this.#note('the connection to the broker was lost');
    });
  }

  /** Tells all that is not as the broker has it. Never rejects. */
  look(): Promise<void> {
    return this.#inTurn(async () => {
      // NATS away: whether a camera can be seen is not known, and that is told as it is.
      const online = await this.#site.online().catch(() => new Map<string, boolean>());
      const remembered = await this.#site.remembered().catch(() => []);
      await this.#tell([{ topic: topics.bridge(this.#target), payload: ONLINE, retain: true }]);
      for (const camera of [...online.keys(), ...remembered]) this.#cameras.add(camera);
      // First what needs no more of NATS, which may be away.
      for (const camera of this.#cameras) {
        await this.#tell([availabilityMessage(this.#target, camera, online.get(camera) ?? false)]);
      }
      for (const camera of this.#cameras) await this.#tellCamera(camera);
    });
  }

  /** Something was heard of the camera. Never rejects. */
  cameraChanged(camera: string): Promise<void> {
    return this.#inTurn(() => this.#tellCamera(camera));
  }

  /** Publishes a notification, once on a connection: a broker that is slow to answer is waited for. It keeps none. */
  async send(notice: Notice): Promise<Delivery> {
    const client = this.#client;
    if (client === undefined || !client.connected) return { kind: 'later', reason: this.#fault };
    const sent = this.#published.get(notice.id) ?? this.#publish(client, notice);
    const answer = await answered(sent, this.#target.timeoutMs, this.#clock);
    if (answer.kind === 'delivered') this.#published.delete(notice.id);
    return answer;
  }

  #publish(client: MqttClient, notice: Notice): Promise<unknown> {
    const sent = client.publishAsync(topics.notifications(this.#target), webhookBody(notice, {}), { qos: 1 });
    this.#published.set(notice.id, sent);
    sent.catch(() => this.#published.delete(notice.id));
    return sent;
  }

  /** Says goodbye, so that the broker does not wait to notice. */
  async close(): Promise<void> {
    this.#over.abort();
    await this.#looking;
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    if (client.connected) {
      const goodbye = client.publishAsync(topics.bridge(this.#target), OFFLINE, { qos: 1, retain: true });
      await answered(goodbye, this.#target.timeoutMs, this.#clock);
    }
    await client.endAsync(true);
  }

  async #keepLooking(): Promise<void> {
    const { signal } = this.#over;
    for (;;) {
      try {
        await this.#clock.sleep(LOOK_MS, signal);
      } catch {
        // Closed.
        return;
      }
      this.#connect();
      await this.look();
    }
  }

  async #tellCamera(camera: string): Promise<void> {
    const visits = await this.#site.visits(camera);
    const last = visits.at(-1);
    const seen = visits.flatMap((visit) => visit.labels);
    const labels = [...new Set([...this.#target.labels, ...seen])];
    await this.#tell(discoveryMessages(this.#target, camera, labels));
    await this.#tell(stateMessages(this.#target, camera, labels, last));
    if (!this.#target.pictures || last === undefined || this.#pictured.get(camera) === last.id) return;
    const picture = await this.#site.picture(camera, last);
    if (picture === undefined) return;
    await this.#tell([{ topic: topics.snapshot(this.#target, camera), payload: picture, retain: true }]);
    this.#pictured.set(camera, last.id);
  }

  async #tell(messages: readonly MqttMessage[]): Promise<void> {
    for (const { topic, payload, retain } of messages) {
      const client = this.#client;
      // What the broker misses it is told when it is back.
      if (client === undefined || !client.connected) return;
      const text = typeof payload === 'string' ? payload : undefined;
      if (text !== undefined && this.#told.get(topic) === text) continue;
      const told = this.#told;
      const answer = await answered(
        client.publishAsync(topic, payload, { qos: 1, retain }),
        this.#target.timeoutMs,
        this.#clock,
      );
      if (answer.kind !== 'delivered') throw new Error(answer.reason);
      if (text !== undefined) told.set(topic, text);
    }
  }

  /** One after the other, so that an older state is never told after a newer one. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work).catch((error: unknown) => this.#note(messageOf(error)));
    return this.#turn;
  }

  #note(fault: string): void {
    if (this.#over.signal.aborted || this.#fault === fault) return;
    this.#fault = fault;
    this.#log.warn({ fault }, 'the MQTT broker cannot be told');
  }
}
