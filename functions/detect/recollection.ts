import { z } from 'zod';
import { box, intersection, iou, type Box } from '@faascam/core/box';
import { detectionsMessage, timeUs, type DetectedObject } from '@faascam/core/messages';
import type { Scene } from './regions.ts';

/**
 * What a camera's last detections say for the next look. It travels in that very message, so that any replica may take the
 * next frame, and a replay looks at the same places as the first run did.
 */
const recollection = z.object({
  /** When the whole frame was looked at last. */
  wholeAtUs: timeUs,
  /** Objects that moved lately: one that stands far away now is to be found again. */
  known: z.array(z.object({ label: z.string(), box, seenAtUs: timeUs, movedAtUs: timeUs })).max(64),
});
export type Recollection = z.infer<typeof recollection>;

/** The message of detections with what only this function reads again. */
const ownMessage = detectionsMessage.pick({ capturedAtUs: true }).extend({ look: recollection.optional() });

/** Longer than the interval at which motion asks for another look at what stands still. */
const KNOWN_FOR_US = 6_000_000;
/** Whoever has not moved for a minute is a thing to those who come after as well. */
const MOVED_FOR_US = 60_000_000;
/** Boxes of one label that overlap so much from frame to frame are one object. */
const SAME = 0.3;

/**
 * What the camera's last message says for a frame; undefined where there is none, it says nothing of looks, or it is not
 * from before this frame. Without it the whole frame is looked at.
 */
export function recollectionFrom(
  message: Uint8Array | undefined,
  capturedAtUs: number,
): Recollection | undefined {
  if (message === undefined) return undefined;
  const parsed = ownMessage.safeParse(jsonOf(message));
  return parsed.success && parsed.data.capturedAtUs < capturedAtUs ? parsed.data.look : undefined;
}

/** Undefined of what is damaged: a hint is not worth a frame. */
function jsonOf(message: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(message));
  } catch {
    return undefined;
  }
}

/** Where a recollection says to look, beside where it moves. */
export function hintsOf(
  before: Recollection | undefined,
  capturedAtUs: number,
  wholeEveryMs: number,
): Pick<Scene, 'known' | 'wholeIsDue'> {
  return {
    known: recentOf(before, capturedAtUs).map(({ box: where }) => where),
    wholeIsDue: before === undefined || capturedAtUs - before.wholeAtUs >= wholeEveryMs * 1000,
  };
}

/** What is to be remembered after a look. */
export function remember(
  before: Recollection | undefined,
  frame: { capturedAtUs: number; movers: readonly Box[] },
  seen: { objects: readonly DetectedObject[]; whole: boolean },
): Recollection {
  const { capturedAtUs, movers } = frame;
  const recent = recentOf(before, capturedAtUs);
  const now = seen.objects.flatMap((object) => {
    const moves = movers.some((mover) => intersection(mover, object.box) > 0);
    const movedAtUs = moves ? capturedAtUs : recent.find((other) => isSame(other, object))?.movedAtUs;
    if (movedAtUs === undefined || capturedAtUs - movedAtUs > MOVED_FOR_US) return [];
    return [{ label: object.label, box: object.box, seenAtUs: capturedAtUs, movedAtUs }];
  });
  const missed = recent.filter((other) => !now.some((object) => isSame(other, object)));
  // What moves may be part of something larger than the region around it: the next look is at the whole.
  const inVain = !movers.some((mover) =>
    seen.objects.some(({ box: seenAt }) => intersection(mover, seenAt) > 0),
  );
  return {
    wholeAtUs: seen.whole || before === undefined ? capturedAtUs : inVain ? 0 : before.wholeAtUs,
    known: [...now, ...missed].slice(0, 64),
  };
}

function recentOf(before: Recollection | undefined, capturedAtUs: number): Recollection['known'] {
  return (before?.known ?? []).filter(({ seenAtUs }) => capturedAtUs - seenAtUs <= KNOWN_FOR_US);
}

function isSame(a: { label: string; box: Box }, b: { label: string; box: Box }): boolean {
  return a.label === b.label && iou(a.box, b.box) > SAME;
}
