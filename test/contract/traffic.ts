import { createHash } from 'node:crypto';
import type { Msg, Subscription } from '@nats-io/transport-node';
import { clipReady, clipStored, type ClipReady, type ClipStored } from '@faascam/core/clip-messages';
import { messageOf } from '@faascam/core/errors';
import {
  clipWanted,
  detectionsMessage,
  eventMessage,
  motionHeader,
  parseMessage,
  type ClipWanted,
  type DetectionsMessage,
  type EventMessage,
  type MotionHeader,
} from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import { headers } from '@faascam/core/subjects';

/** A picture on its way; its bytes as their sha256, undefined for a message without a body. */
export interface Passed {
  capturedAtUs: number;
  sha256: string | undefined;
  atMs: number;
  motion?: MotionHeader;
}

/** All that is said of one camera, as it is said, from `open` on. */
export class Traffic {
  readonly frames = new Map<number, Passed>();
  readonly motion: Passed[] = [];
  readonly detections: { message: DetectionsMessage; atMs: number }[] = [];
  readonly events: EventMessage[] = [];
  readonly wanted: ClipWanted[] = [];
  readonly offered: ClipReady[] = [];
  readonly stored: ClipStored[] = [];
  /** What our own schemas do not take. */
  readonly malformed: string[] = [];
  /** When anything was said last. */
  lastAtMs = performance.now();
  readonly #subscriptions: Subscription[];

  private constructor({ nc }: Messaging, camera: string) {
    const listen = (subject: string, take: (message: Msg) => void): Subscription =>
      nc.subscribe(subject, {
        callback: (error, message) => {
          if (error !== null) return;
          this.lastAtMs = performance.now();
          try {
            take(message);
          } catch (fault) {
            this.malformed.push(`${message.subject}: ${messageOf(fault)}`);
          }
        },
      });
    this.#subscriptions = [
      listen(`frames.${camera}`, (message) => {
        const passed = passedOf(message);
        this.frames.set(passed.capturedAtUs, passed);
      }),
      listen(`motion.${camera}`, (message) => this.motion.push(movedOf(message))),
      listen(`detections.${camera}`, ({ data, subject }) => {
        const message = parseMessage(detectionsMessage, data, subject);
        this.detections.push({ message, atMs: performance.now() });
      }),
      listen(`events.${camera}`, ({ data, subject }) =>
        this.events.push(parseMessage(eventMessage, data, subject)),
      ),
      listen(`clips.wanted.${camera}`, ({ data, subject }) =>
        this.wanted.push(parseMessage(clipWanted, data, subject)),
      ),
      listen(`clips.ready.${camera}`, ({ data, subject }) =>
        this.offered.push(parseMessage(clipReady, data, subject)),
      ),
      listen(`clips.stored.${camera}`, ({ data, subject }) =>
        this.stored.push(parseMessage(clipStored, data, subject)),
      ),
    ];
  }

  /** Resolves when the server knows what we listen to. The caller closes it. */
  static async open(messaging: Messaging, camera: string): Promise<Traffic> {
    const traffic = new Traffic(messaging, camera);
    await messaging.nc.flush();
    return traffic;
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }
}

function passedOf({ data, headers: told }: Msg): Passed {
  return {
    capturedAtUs: Number(told?.get(headers.capturedAt)),
    sha256: data.length === 0 ? undefined : createHash('sha256').update(data).digest('hex'),
    atMs: performance.now(),
  };
}

function movedOf(message: Msg): Passed {
  const text = message.headers?.get(headers.motion) ?? '';
  return { ...passedOf(message), motion: motionHeader.parse(JSON.parse(text)) };
}
