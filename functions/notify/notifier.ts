import { Kvm } from '@nats-io/kv';
import type { ClipStored } from '@faascam/core/clip-messages';
import { CameraStates } from '@faascam/core/camera-state';
import type { Clock } from '@faascam/core/clock';
import { UsageError } from '@faascam/core/errors';
import type { FunctionMessaging } from '@faascam/core/function-messaging';
import type { Logger } from '@faascam/core/log';
import type { EventMessage } from '@faascam/core/messages';
import type { NotifySettings, PushTarget } from '@faascam/core/notify-settings';
import {
  listSubscriptions,
  readSubscription,
  removeSubscription,
  tellPublicKey,
} from '@faascam/core/push-subscriptions';
import { buckets, subjects } from '@faascam/core/subjects';
import { MqttBridge } from './mqtt/bridge.ts';
import type { Delivery, Notice } from './notice.ts';
import { sendPush, type PushKeys } from './push.ts';
import { pushKeysOf } from './push-keys.ts';
import { SentLog } from './sent-log.ts';
import { NatsSite } from './site.ts';
import {
  afterClip,
  afterEvent,
  decodeNotices,
  encodeNotices,
  outboxKey,
  withoutSent,
  type CameraNotices,
} from './visits.ts';
import { sendWebhook } from './webhook.ts';

/** How a call for a notice ended; `over`: there is nothing to deliver any more, and why. */
export type Outcome = Delivery | { kind: 'over'; why: string };

export interface NotifierOptions {
  settings: NotifySettings;
  messaging: FunctionMessaging;
  clock: Clock;
  log: Logger;
}

const LONGEST_WAIT_MS = 300_000;

/**
 * Decides what is told of events, and tells it. Between the two each notice travels over the stream NOTICES, to each target
 * by itself: one that is away holds up no other, and a restart loses none.
 */
export class Notifier {
  readonly #settings: NotifySettings;
  readonly #messaging: FunctionMessaging;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #states: CameraStates;
  readonly #sent: SentLog;
  readonly #site: NatsSite;
  readonly #bridges = new Map<string, MqttBridge>();
  /** Until when a target asked to be left alone, in microseconds since the Unix epoch. */
  readonly #waits = new Map<string, number>();
  #pushKeys: Promise<PushKeys> | undefined;

  constructor({ settings, messaging, clock, log }: NotifierOptions) {
    this.#settings = settings;
    this.#messaging = messaging;
    this.#clock = clock;
    this.#log = log;
    this.#states = new CameraStates(messaging, buckets.notify, 'file');
    this.#sent = new SentLog(this.#states);
    this.#site = new NatsSite(messaging, this.#states, clock);
    for (const [name, target] of Object.entries(settings.targets)) {
      if (target.kind !== 'mqtt') continue;
      this.#bridges.set(
        name,
        new MqttBridge({ target, site: this.#site, clock, log: log.child({ target: name }) }),
      );
    }
  }

  /** Begins what is kept: connections to brokers, and the key that browsers subscribe with. */
  async start(): Promise<void> {
    await this.#states.ready();
    for (const bridge of this.#bridges.values()) bridge.start();
    const push = Object.values(this.#settings.targets).find(({ kind }) => kind === 'push');
    // Browsers are not asked to subscribe to what nobody sends any more.
    if (push?.kind !== 'push') {
      await tellPublicKey(await this.#messaging.get(), '');
      return;
    }
    try {
      await this.#keysOf(push);
    } catch (error) {
      // Keys that are wrong; other targets go on meanwhile.
      if (!(error instanceof UsageError)) throw error;
      this.#log.error(`Browsers cannot be told: ${error.message}`);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#bridges.values()].map((bridge) => bridge.close()));
  }

  /** `events.<camera>`: what is to be told of it goes onto its way. */
  async heardEvent(message: EventMessage): Promise<void> {
    await this.#decide(message.camera, (before) =>
      afterEvent(before, message, this.#settings, this.#clock.nowUs()),
    );
    for (const bridge of this.#bridges.values()) void bridge.cameraChanged(message.camera);
  }

  /** `clips.stored.<camera>`. Answers false where its event is not known yet, and it must be asked again. */
  async heardClip(stored: ClipStored): Promise<boolean> {
    return await this.#decide(stored.camera, (before) =>
      afterClip(before, stored, this.#settings, this.#clock.nowUs()),
    );
  }

  /** `notices.<target>` and `notices.<target>.<receiver>`: delivers it, unless that was done. */
  async deliver(notice: Notice, receiver: string | undefined): Promise<Outcome> {
    const to = receiver === undefined ? notice.target : `${notice.target}/${receiver}`;
    const target = this.#settings.targets[notice.target];
    if (target === undefined) return { kind: 'over', why: `there is no target ${notice.target} any more` };
    const nowUs = this.#clock.nowUs();
    if (nowUs > notice.expiresAtUs) return { kind: 'over', why: 'it is too old to be news' };
    if (await this.#sent.has(to, notice.id)) return { kind: 'over', why: 'it was delivered before' };
    const waits = (this.#waits.get(to) ?? 0) - nowUs;
    if (waits > 0)
      return { kind: 'later', reason: `the target asked to wait ${Math.ceil(waits / 1_000_000)} s more` };
    const outcome = await this.#send(notice, receiver, nowUs);
    if (outcome.kind === 'delivered') await this.#sent.note(to, notice.id);
    if (outcome.kind === 'later' && outcome.waitMs !== undefined)
      this.#waits.set(to, nowUs + Math.min(LONGEST_WAIT_MS, outcome.waitMs) * 1000);
    return outcome;
  }

  async #send(notice: Notice, receiver: string | undefined, nowUs: number): Promise<Outcome> {
    const target = this.#settings.targets[notice.target];
    try {
      switch (target?.kind) {
        case undefined:
          return { kind: 'over', why: 'there is no such target any more' };
        case 'webhook': {
          const { event } = notice;
          const picture =
            target.picture === 'inline' && event ? await this.#site.picture(event.camera, event) : undefined;
          const snapshotUrl =
            target.picture === 'url' && event ? snapshotUrlOf(this.#settings.pageUrl, event.id) : undefined;
          return await sendWebhook(target, notice, { picture, snapshotUrl }, nowUs);
        }
        case 'mqtt':
          return (
            (await this.#bridges.get(notice.target)?.send(notice)) ?? {
              kind: 'later',
              reason: 'not connected',
            }
          );
        case 'push':
          return receiver === undefined
            ? await this.#toEachBrowser(notice)
            : await this.#toBrowser(target, notice, receiver, nowUs);
      }
    } catch (error) {
      // A file that is missing: it is put in its place sooner or later.
      if (error instanceof UsageError) return { kind: 'later', reason: error.message };
      throw error;
    }
  }

  /** Each browser is a receiver of its own: one push service that is away holds up no other. */
  async #toEachBrowser(notice: Notice): Promise<Outcome> {
    const messaging = await this.#messaging.get();
    const keys = await listSubscriptions(messaging);
    for (const key of keys) {
      await messaging.js.publish(subjects.notices(notice.target, key), JSON.stringify(notice), {
        msgID: `${notice.target}.${key}.${notice.id}`,
      });
    }
    await this.#sent.keepOnly(notice.target, keys);
    return { kind: 'delivered', said: `${keys.length} browsers are told` };
  }

  async #toBrowser(target: PushTarget, notice: Notice, key: string, nowUs: number): Promise<Outcome> {
    const messaging = await this.#messaging.get();
    const subscription = await readSubscription(messaging, key);
    if (subscription === undefined)
      return { kind: 'over', why: 'the browser asks for no notifications any more' };
    if (notice.event !== undefined && subscription.cameras?.includes(notice.event.camera) === false)
      return { kind: 'over', why: 'it is of a camera that they may not see' };
    const outcome = await sendPush(target, await this.#keysOf(target), subscription, notice, nowUs);
    if (outcome.kind !== 'gone') return outcome;
    await removeSubscription(messaging, key);
    this.#log.info({ browser: key, reason: outcome.reason }, 'a browser is told no more');
    return { kind: 'over', why: `the browser is told no more: ${outcome.reason}` };
  }

  #keysOf(target: PushTarget): Promise<PushKeys> {
    this.#pushKeys ??= this.#openKeys(target).catch((error: unknown) => {
      this.#pushKeys = undefined;
      throw error;
    });
    return this.#pushKeys;
  }

  async #openKeys(target: PushTarget): Promise<PushKeys> {
    const messaging = await this.#messaging.get();
    // Where no connector has made it.
    await new Kvm(messaging.js).create(buckets.push, { history: 1, storage: 'file' });
    const keys = await pushKeysOf(target, messaging);
    await tellPublicKey(messaging, keys.publicKey);
    return keys;
  }

  /** Applies `change` to what is known of the camera, and hands on what it wants told. False where it answers nothing. */
  async #decide(
    camera: string,
    change: (before: CameraNotices) => CameraNotices | undefined,
  ): Promise<boolean> {
    const outbox = await this.#states.update(camera, (bytes) => {
      const after = change(decodeNotices(bytes, camera));
      return after === undefined
        ? { result: undefined }
        : { state: encodeNotices(after), result: after.outbox };
    });
    if (outbox === undefined) return false;
    if (outbox.length === 0) return true;
    const { js } = await this.#messaging.get();
    for (const notice of outbox) {
      await js.publish(subjects.notices(notice.target), JSON.stringify(notice), { msgID: outboxKey(notice) });
      this.#log.info({ rule: notice.rule, camera, event: notice.event?.id, target: notice.target }, 'told');
    }
    // Had we died before this, they would be handed on again, and the target's log would tell that it has them.
    const sent = new Set(outbox.map(outboxKey));
    await this.#states.update(camera, (bytes) => ({
      state: encodeNotices(withoutSent(decodeNotices(bytes, camera), sent)),
      result: undefined,
    }));
    return true;
  }
}

function snapshotUrlOf(pageUrl: string, id: string): string | undefined {
  return pageUrl === '' ? undefined : new URL(`api/events/${id}/snapshot.jpg`, withSlash(pageUrl)).href;
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}
