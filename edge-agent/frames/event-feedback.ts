import type { Clock } from '@faascam/core/clock';
import { eventMessage, parseMessage } from '@faascam/core/messages';
import { subjects } from '@faascam/core/subjects';
import { aborted } from '../aborted.ts';
import type { NatsLink } from '../uplink.ts';

/** An open event tells of itself every 5 s. Silent for this long, it is over, or nobody tells any more. */
const SILENT_US = 30_000_000;

/** What the functions say of a camera: whether they have an event open. The caller closes it. */
export class EventFeedback {
  readonly #clock: Clock;
  readonly #closed = new AbortController();
  #openUntilUs = 0;

  constructor(options: { camera: string; nats: NatsLink; clock: Clock }) {
    this.#clock = options.clock;
    void this.#listen(options.nats, subjects.events(options.camera));
  }

  get eventOpen(): boolean {
    return this.#clock.nowUs() < this.#openUntilUs;
  }

  close(): void {
    this.#closed.abort();
  }

  async #listen(nats: NatsLink, subject: string): Promise<void> {
    const { signal } = this.#closed;
    const messaging = await nats.first(signal);
    if (messaging === undefined || signal.aborted || messaging.nc.isClosed()) return;
    const subscription = messaging.nc.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) this.#take(message.data, subject);
      },
    });
    await aborted(signal);
    if (!messaging.nc.isClosed()) subscription.unsubscribe();
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
