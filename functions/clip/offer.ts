import { MalformedInputError } from '@faascam/core/errors';
import { clipReady, type ClipReady } from '@faascam/core/clip-messages';
import { parseMessage, segmentRef, type SegmentRef } from '@faascam/core/messages';
import { z } from 'zod';
import type { Damage } from './assemble.ts';
import type { Fault } from './receipt.ts';

/** An agent's offer of an event's footage, as the function works with it. */
export interface Offer {
  ready: ClipReady;
  /** As they came: what the agent has signed must not change on its way, not even by a field that we do not know. */
  original: { event: unknown; attestation?: unknown };
  /** Its segments in order of time, each once. */
  segments: SegmentRef[];
  /** Segments that belong to another camera. */
  foreign: Damage[];
  faults: Fault[];
}

const raw = z.looseObject({
  event: z.unknown(),
  attestation: z.unknown().optional(),
  segments: z.array(z.unknown()).optional(),
});

/**
 * Reads a `clips.ready` message. A segment that cannot be one (of no bytes, of no length) does not cost the others.
 * Throws `MalformedInputError` for a message that is malformed or whose parts do not belong together.
 */
export function offerOf(body: Buffer): Offer {
  const what = 'The clips.ready message';
  const sent = parseMessage(raw, body, what);
  const usable = sent.segments?.filter((segment) => segmentRef.safeParse(segment).success);
  const unusable = sent.segments?.filter((segment) => !segmentRef.safeParse(segment).success) ?? [];
  const ready = parseMessage(clipReady, JSON.stringify({ ...sent, segments: usable }), what);
  requireConsistent(ready);
  const { event, attestation } = sent;
  const faults: Fault[] = unusable.map((segment) => ({
    of: 'segment',
    ...namedOf(segment),
    why: 'It has no bytes or no length.',
  }));
  const offer: Offer = {
    ready,
    original: { event, ...(attestation === undefined ? {} : { attestation }) },
    segments: [],
    foreign: [],
    faults,
  };
  const seen = new Set<string>();
  for (const ref of [...ready.segments].sort((a, b) => a.startUs - b.startUs)) {
    if (isForeign(ref, ready.camera)) {
      offer.foreign.push({ ref, why: 'It is of another camera.' });
    } else if (seen.has(ref.sha256)) {
      faults.push({ of: 'segment', object: ref.object, why: 'It has the same bytes as one before it.' });
    } else {
      seen.add(ref.sha256);
      offer.segments.push(ref);
    }
  }
  return offer;
}

function namedOf(segment: unknown): { object?: string } {
  const named = z.object({ object: z.string() }).safeParse(segment);
  return named.success ? { object: named.data.object } : {};
}

/** Agents name objects `<camera>/<event>/<number>.mkv`. */
function isForeign({ object }: SegmentRef, camera: string): boolean {
  return object.includes('/') && !object.startsWith(`${camera}/`);
}

function requireConsistent({ eventId, camera, event, fromUs, toUs }: ClipReady): void {
  const faults = [
    (event.id !== eventId || event.camera !== camera) && 'the event in it is another one',
    !eventId.startsWith(`${camera}-`) && 'its event is of another camera',
    fromUs >= toUs && 'its window is empty',
  ];
  const fault = faults.find((candidate) => candidate !== false);
  if (fault !== undefined)
    throw new MalformedInputError(`The clips.ready message of ${eventId} is wrong: ${fault}.`);
}
