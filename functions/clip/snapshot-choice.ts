import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClipReady } from '@faascam/core/clip-messages';
import type { DetectedObject } from '@faascam/core/messages';
import { boxInPicture, type View } from '@faascam/core/view';
import { extractFrame, type Clip } from './assemble.ts';
import type { Snapshot } from './receipt.ts';
import { chosenOf, sharpnessOf, worthOf } from './sharpness.ts';
import { renderSnapshot, type SnapshotFiles } from './snapshot.ts';
import { nearestFrame, type ClipFrame } from './timeline.ts';

/** A picture further than this from the best sight shows the objects somewhere else: they are not framed in it. */
const SAME_PICTURE_US = 200_000;
/** So many of the pictures that the event offers are decoded to find the sharpest. */
const PICTURES_TRIED = 3;

/**
 * Takes the sharpest of the pictures in which the event's objects are seen best out of its clips, and writes it as a
 * snapshot. Undefined when there is no picture at all. Throws `ProgramError` when one cannot be decoded.
 */
export async function takeSnapshot(
  ready: ClipReady,
  clips: Clip[],
  directory: string,
  output: SnapshotFiles,
  signal: AbortSignal,
): Promise<Snapshot | undefined> {
  const { best, candidates = [best], model } = ready.event;
  const tried = [];
  for (const { atUs, objects: seen } of candidates) {
    const objects = inPicture(seen, ready.view);
    const found = nearestIn(clips, atUs);
    if (found === undefined || Math.abs(found.frame.capturedAtUs - atUs) > SAME_PICTURE_US) continue;
    const picture = join(directory, `picture-${tried.length}.png`);
    await extractFrame(found.clip, found.frame.clipUs, picture, signal);
    const sharpness = await sharpnessOf(picture, objects);
    tried.push({ picture, frame: found.frame, objects, sharpness, worth: worthOf(objects) });
    if (tried.length === PICTURES_TRIED) break;
  }
  const chosen = tried[chosenOf(tried)] ?? (await anyPicture(clips, best.atUs, directory, signal));
  if (chosen === undefined) return undefined;
  const size = await renderSnapshot(chosen.picture, chosen.objects, model.demo, output);
  return {
    atUs: chosen.frame.capturedAtUs,
    ...size,
    objects: chosen.objects,
    sha256: hash('sha256', await readFile(output.framed)),
    cleanSha256: hash('sha256', await readFile(output.clean)),
  };
}

/** Frames may show the camera's picture turned and cut; footage has all of it. */
function inPicture(objects: readonly DetectedObject[], view: View | undefined): DetectedObject[] {
  return objects.map((object) =>
    view === undefined ? object : { ...object, box: boxInPicture(object.box, view) },
  );
}

/** The footage lacks the moments in which the objects were seen best: the nearest picture, in which nothing is framed. */
async function anyPicture(clips: Clip[], atUs: number, directory: string, signal: AbortSignal) {
  const found = nearestIn(clips, atUs);
  if (found === undefined) return undefined;
  const picture = join(directory, 'picture.png');
  await extractFrame(found.clip, found.frame.clipUs, picture, signal);
  return { picture, frame: found.frame, objects: [] };
}

function nearestIn(clips: Clip[], atUs: number): { clip: Clip; frame: ClipFrame } | undefined {
  const awayUs = ({ frame }: { frame: ClipFrame }): number => Math.abs(frame.capturedAtUs - atUs);
  const found = clips.flatMap((clip) => {
    const frame = nearestFrame(clip.frames, atUs);
    return frame === undefined ? [] : [{ clip, frame }];
  });
  return found.sort((a, b) => awayUs(a) - awayUs(b))[0];
}
