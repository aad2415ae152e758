import type { Clock } from '@faascam/core/clock';
import { eventMessage, parseMessage } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import { subjects } from '@faascam/core/subjects';

/** An open event tells of itself every 5 s. Silent for this long, it is over, or nobody tells any more. */
const SILENT_US = 30_000_000;

/** What the functions say of a camera: whether they have an event open. The caller closes it. */
export class EventFeedback {
  readonly #clock: Clock;
  readonly #unsubscribe: () => void;
  #openUntilUs = 0;

  constructor(options: { camera: string; messaging: Messaging; clock: Clock }) {
    const { camera, messaging, clock } = options;
    this.#clock = clock;
    const subject = subjects.events(camera);
    const subscription = messaging.nc.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) this.#take(message.data, subject);
      },
    });
    this.#unsubscribe = () => {
      if (!messaging.nc.isClosed()) subscription.unsubscribe();
    };
  }

  get eventOpen(): boolean {
    return this.#clock.nowUs() < this.#openUntilUs;
  }

  close(): void {
    this.#unsubscribe();
  }

  #take(data: Uint8Array, subject: string): void {
    try {
      const { phase } = parseMessage(eventMessage, data, subject);
      this.#openUntilUs = phase === 'end' ? 0 : this.#clock.nowUs() + SILENT_US;
    } catch {
      // Not ours to judge: the viewer and the event store say what is wrong with it. Without feedback, our own eyes tell.
    }
  }
}
