import { MalformedInputError } from '@faascam/core/errors';
import { parseMessage } from '@faascam/core/messages';
import { subjects } from '@faascam/core/subjects';
import { tracksMessage } from '@faascam/core/track-message';
import { boxesNews } from './api/boxes.ts';
import type { NatsLink } from './nats-link.ts';
import { NewsHub } from './news.ts';

/** A page shows pictures a second late for boxes to be there: one that comes back must be sooner. */
const COME_BACK_MS = 100;
const LINGER_MS = 3000;

/** A hub a camera, of where its objects are. While nobody listens to one nothing is heard of that camera. `close` it. */
export class BoxHubs {
  readonly #nats: Pick<NatsLink, 'hear'>;
  readonly #hubs = new Map<string, NewsHub>();

  constructor(nats: Pick<NatsLink, 'hear'>) {
    this.#nats = nats;
  }

  /** `camera` must be one that there is: its hub stays. */
  of(camera: string): NewsHub {
    const known = this.#hubs.get(camera);
    if (known !== undefined) return known;
    const hub: NewsHub = new NewsHub({
      ...{ lingerMs: LINGER_MS, comeBackMs: COME_BACK_MS },
      begin: () =>
        this.#nats.hear(subjects.tracks(camera), (data, subject) => tell(hub, camera, data, subject)),
    });
    this.#hubs.set(camera, hub);
    return hub;
  }

  close(): void {
    for (const hub of this.#hubs.values()) hub.close();
  }
}

function tell(hub: NewsHub, camera: string, data: Uint8Array, subject: string): void {
  try {
    const message = parseMessage(tracksMessage, data, `A message on ${subject}`);
    hub.tell({ kind: 'boxes', camera, data: boxesNews.parse(message) });
  } catch (error) {
    // Of a newer version: that no box is shown says enough.
    if (!(error instanceof MalformedInputError)) throw error;
  }
}
