import type { ClipStored } from '@faascam/core/clip-messages';
import { eventIdOf, eventKey } from '@faascam/core/ids';
import { eventMessage, type EventMessage } from '@faascam/core/messages';

/** An event of a camera as the function events tells it: one person, from `startUs` on. */
export function eventOf(
  camera: string,
  startUs: number,
  more: Partial<EventMessage> & { label?: string } = {},
): EventMessage {
  const { label = 'person', ...rest } = more;
  const endUs = rest.endUs ?? startUs + 1_000_000;
  const best = { atUs: startUs, score: 0.8, box: [0.4, 0.4, 0.1, 0.2] };
  return eventMessage.parse({
    ...{ v: 1, id: eventIdOf(camera, startUs), camera, phase: 'start', startUs, endUs },
    ...{ labels: [label], zones: [], bestScore: 0.8 },
    tracks: [{ id: 1, label, startUs, endUs, hits: 5, medianScore: 0.8, best }],
    best: { atUs: startUs, objects: [{ label, score: 0.8, box: best.box }] },
    model: { name: 'test', sha256: '0'.repeat(64), demo: true },
    ...rest,
  });
}

/** That the event's clip is stored. */
export function storedOf({ id, camera, startUs, endUs }: EventMessage): ClipStored {
  const window = { fromUs: startUs - 5_000_000, toUs: endUs + 5_000_000 };
  return {
    ...{ v: 1, eventId: id, camera, requested: window, delivered: window, gaps: [], complete: true },
    keys: { clip: eventKey(id, 'clip.mp4'), manifest: eventKey(id, 'event.json') },
  };
}
