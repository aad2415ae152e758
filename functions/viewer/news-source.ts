import type { Clock } from '@faascam/core/clock';
import { MalformedInputError } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { eventMessage, parseMessage } from '@faascam/core/messages';
import { subjects } from '@faascam/core/subjects';
import type { CameraNews, EventNews } from './api/stream.ts';
import { cameraViews } from './camera-view.ts';
import { DeniedError, NatsAwayError, type NatsLink } from './nats-link.ts';
import type { News } from './news.ts';

/** Agents say every few seconds how their cameras are. */
const LOOK_MS = 2000;

/** Listens to events and looks at cameras, and tells what is new, until the function it gives is called. */
export function beginNews(
  nats: Pick<NatsLink, 'healths' | 'hear'>,
  { clock, log, tell }: { clock: Clock; log: Logger; tell: (news: News) => void },
): () => void {
  const states = new Map<string, string>();
  let first = true;
  let denied = false;
  const look = async (): Promise<void> => {
    try {
      for (const { id, agent, state, cause, causeCode } of cameraViews(await nats.healths(), clock.nowUs())) {
        const now = JSON.stringify([agent, state, causeCode]);
        const data: CameraNews = { id, agent, state, cause, causeCode };
        if (!first && states.get(id) !== now) tell({ kind: 'camera', camera: id, data });
        states.set(id, now);
      }
      first = false;
      denied = false;
    } catch (error) {
      // It is looked at again in a moment. That NATS is away, others say.
      if (error instanceof DeniedError) {
        if (!denied) log.warn({ fault: error.message }, 'pages hear nothing new of cameras');
        denied = true;
      } else if (!(error instanceof NatsAwayError)) throw error;
    }
  };
  void look();
  const timer = setInterval(() => void look(), LOOK_MS);
  const silence = nats.hear(subjects.events('*'), (data, subject) => {
    const news = eventNewsOf(data, subject);
    if (news !== undefined) tell({ kind: 'event', camera: news.camera, data: news });
  });
  return () => {
    clearInterval(timer);
    silence();
  };
}

function eventNewsOf(data: Uint8Array, subject: string): EventNews | undefined {
  try {
    const { id, camera, phase, startUs, endUs, labels, zones, bestScore } = parseMessage(
      eventMessage,
      data,
      `A message on ${subject}`,
    );
    return { id, camera, phase, startUs, endUs, labels, zones, score: bestScore };
  } catch (error) {
    // Whoever stores it says what is wrong with it.
    if (error instanceof MalformedInputError) return undefined;
    throw error;
  }
}
