import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@faascam/core/clock';
import { FaascamError, systemCodeOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import type { ClipReady, Manifest } from '@faascam/core/clip-messages';
import type { DetectedObject } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import type { ObjectStore } from '@faascam/core/store';
import { boxInPicture, type View } from '@faascam/core/view';
import { assemble, extractFrame, type Clip } from './assemble.ts';
import { findReceipt, storeEvent } from './clip-store.ts';
import { manifestOf, type Snapshot } from './receipt.ts';
import { downloadSegments } from './segment-download.ts';
import { chosenOf, sharpnessOf, worthOf } from './sharpness.ts';
import { renderSnapshot, type SnapshotFiles } from './snapshot.ts';
import { nearestFrame } from './timeline.ts';

export interface ClipParts {
  nc: Messaging['nc'];
  store: ObjectStore;
  clock: Clock;
  log: Logger;
}

const FOLDER_PREFIX = 'faascam-clip-';
/** No job goes on for so long without making a file. */
const LEFTOVER_AFTER_MS = 3 * 3_600_000;

/** A picture further than this from the best sight shows the objects somewhere else: they are not framed in it. */
const SAME_PICTURE_US = 200_000;

/**
 * Makes and stores an event's clip, snapshot and receipt from the segments that its agent announced, and gives the
 * receipt; of an event that is stored already, that one. Without segments the receipt alone is stored, and says why.
 * Temporary files are gone when it returns or throws.
 */
export async function runClipJob(
  ready: ClipReady,
  parts: ClipParts,
  signal: AbortSignal,
): Promise<{ manifest: Manifest; outcome: 'stored' | 'already-stored' }> {
  const { nc, store, clock, log } = parts;
  const earlier = await findReceipt(store, ready.eventId);
  if (earlier !== undefined) return { manifest: earlier, outcome: 'already-stored' };

  const directory = await mkdtemp(join(tmpdir(), FOLDER_PREFIX));
  try {
    const segmentFolder = join(directory, 'segments');
    await mkdir(segmentFolder);
    const inOrder = [...ready.segments].sort((a, b) => a.startUs - b.startUs);
    const files = await downloadSegments(nc, inOrder, segmentFolder, signal);
    const assembly = await assemble(files, directory, signal);
    for (const { file, why } of assembly.damaged) {
      log.warn({ event: ready.eventId, segment: file.ref.object, why }, 'damaged segment');
    }
    const { clip } = assembly;
    const pictures = {
      framed: join(directory, 'snapshot.jpg'),
      clean: join(directory, 'snapshot-clean.jpg'),
    };
    const snapshot = clip && (await takeSnapshot(ready, clip, directory, pictures, signal));
    const manifest = manifestOf(ready, assembly, snapshot, clock.nowUs());
    signal.throwIfAborted();
    const stored = await storeEvent(store, ready, manifest, {
      ...(clip === undefined ? {} : { clip: clip.path }),
      ...(snapshot === undefined ? {} : { snapshot: pictures.framed, cleanSnapshot: pictures.clean }),
    });
    return { manifest: stored, outcome: stored === manifest ? 'stored' : 'already-stored' };
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOSPC') throw error;
    throw new FaascamError(
      'temp-full',
      `No room in ${tmpdir()} to make the clip of event ${ready.eventId}: free space there, or set TMPDIR.`,
      { cause: error },
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Removes what jobs that were killed have left in the folder for temporary files. */
export async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(FOLDER_PREFIX)) continue;
    const path = join(tmpdir(), name);
    const changedMs = await stat(path).then(
      (found) => found.mtimeMs,
      // Its owner, a job beside us, has just removed it.
      () => undefined,
    );
    if (changedMs !== undefined && Date.now() - changedMs > LEFTOVER_AFTER_MS) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

/** So many of the pictures that the event offers are decoded to find the sharpest. */
const PICTURES_TRIED = 3;

async function takeSnapshot(
  ready: ClipReady,
  clip: Clip,
  directory: string,
  output: SnapshotFiles,
  signal: AbortSignal,
): Promise<Snapshot | undefined> {
  const { best, candidates = [best], model } = ready.event;
  const tried = [];
  for (const { atUs, objects: seen } of candidates) {
    const objects = inPicture(seen, ready.view);
    const frame = nearestFrame(clip.frames, atUs);
    if (frame === undefined || Math.abs(frame.capturedAtUs - atUs) > SAME_PICTURE_US) continue;
    const picture = join(directory, `picture-${tried.length}.png`);
    await extractFrame(clip, frame.clipUs, picture, signal);
    const sharpness = await sharpnessOf(picture, objects);
    tried.push({ picture, frame, objects, sharpness, worth: worthOf(objects) });
    if (tried.length === PICTURES_TRIED) break;
  }
  const chosen = tried[chosenOf(tried)] ?? (await anyPicture(clip, best.atUs, directory, signal));
  if (chosen === undefined) return undefined;
  const size = await renderSnapshot(chosen.picture, chosen.objects, model.demo, output);
  return { atUs: chosen.frame.capturedAtUs, ...size, objects: chosen.objects };
}

/** Frames may show the camera's picture turned and cut; footage has all of it. */
function inPicture(objects: readonly DetectedObject[], view: View | undefined): DetectedObject[] {
  return objects.map((object) =>
    view === undefined ? object : { ...object, box: boxInPicture(object.box, view) },
  );
}

/** The footage lacks the moments in which the objects were seen best: the nearest picture, in which nothing is framed. */
async function anyPicture(clip: Clip, atUs: number, directory: string, signal: AbortSignal) {
  const frame = nearestFrame(clip.frames, atUs);
  if (frame === undefined) return undefined;
  const picture = join(directory, 'picture.png');
  await extractFrame(clip, frame.clipUs, picture, signal);
  return { picture, frame, objects: [] };
}
