import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@faascam/core/clock';
import { isWithoutAgent } from '@faascam/core/clip-messages';
import type { ClipSettings } from '@faascam/core/clip-settings';
import { messageOf, ProgramError, systemCodeOf } from '@faascam/core/errors';
import { eventKey } from '@faascam/core/ids';
import type { Logger } from '@faascam/core/log';
import type { Messaging } from '@faascam/core/messaging';
import type { ObjectStore } from '@faascam/core/store';
import { assemble, type Clip, type Damage } from './assemble.ts';
import { eventFileName } from './clip-names.ts';
import { findReceipt, storeEvent, wasRemoved, type EventFile, type StoredReceipt } from './clip-store.ts';
import { ffmpegVersion, tempFull } from './ffmpeg.ts';
import { lookAtParts, lookThrough, type Look } from './look.ts';
import type { Offer } from './offer.ts';
import { Progress } from './progress.ts';
import { manifestOf, type Fault, type Made } from './receipt.ts';
import { encodeH264 } from './rendition.ts';
import { downloadSegments } from './segment-download.ts';
import type { SegmentPatience } from './segment-patience.ts';
import { takeSnapshot } from './snapshot-choice.ts';
import { makeJobFolder } from './temporary-folder.ts';

export interface ClipParts {
  nc: Messaging['nc'];
  store: ObjectStore;
  clock: Clock;
  log: Logger;
  settings: ClipSettings;
  /** One for all jobs. */
  patience: SegmentPatience;
}

export type JobResult =
  { outcome: 'stored' | 'already-stored'; receipt: StoredReceipt } | { outcome: 'removed' };

/**
 * Makes and stores an event's clips, pictures and receipt from the segments that its agent offers, and gives the
 * receipt; of an event that is stored already, that one; of one that was removed on purpose, none. Without segments the receipt alone is stored, and says why.
 * Temporary files are gone when it returns or throws.
 */
export async function runClipJob(
  offer: Offer,
  parts: ClipParts,
  signal: AbortSignal,
  progress = new Progress(offer.ready.eventId, parts),
): Promise<JobResult> {
  const { store, clock } = parts;
  const { eventId } = offer.ready;
  const earlier = await findReceipt(store, eventId);
  if (earlier !== undefined && !isWithoutAgent(earlier.manifest))
    return { receipt: earlier, outcome: 'already-stored' };
  if (await wasRemoved(store, eventId)) return { outcome: 'removed' };

  const directory = await makeJobFolder();
  try {
    const made = await make(offer, parts, directory, progress, signal);
    signal.throwIfAborted();
    progress.at('storing');
    const manifest = manifestOf(offer.ready, made, clock.nowUs());
    const files = filesOf(made, directory);
    const { receipt, isOurs } = await storeEvent(store, offer.ready, manifest, files, offer.original);
    return { receipt, outcome: isOurs ? 'stored' : 'already-stored' };
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOSPC') throw error;
    throw tempFull(`make the clip of event ${eventId}`, error);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function make(
  { ready, segments, foreign, faults: before }: Offer,
  { nc, clock, log, settings, patience }: ClipParts,
  directory: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Made> {
  const startedAtUs = clock.nowUs();
  const segmentFolder = join(directory, 'segments');
  await mkdir(segmentFolder);
  const { files, lost } = await patience.during(ready.eventId, (isOver) =>
    downloadSegments(nc, segments, segmentFolder, isOver, signal, (count) =>
      progress.at('fetching segments', count / segments.length),
    ),
  );
  const fetchedAtUs = clock.nowUs();
  progress.at('joining');
  const { clips, damaged } = await assemble(files, directory, signal);
  damaged.unshift(...foreign, ...lost);
  const assembledAtUs = clock.nowUs();

  const faults = [...before];
  const [seen, snapshot] = await both(
    lookAtAll(clips, directory, settings, progress, signal),
    takeSnapshot(ready, clips, directory, snapshotFiles(directory), signal).catch((error: unknown) => {
      if (!isProgramFault(error)) throw error;
      faults.push({ of: 'snapshot', why: messageOf(error) });
      return undefined;
    }),
  );
  damaged.push(...seen.damaged);
  faults.push(...seen.faults);
  const renditions =
    settings.transcode === 'none'
      ? []
      : await encodeAll(ready.eventId, clips, seen.pictures, directory, faults, progress, signal);
  for (const { ref, why } of damaged) {
    log.warn({ event: ready.eventId, segment: ref.object, why }, 'damaged segment');
  }
  for (const fault of faults)
    log.warn({ event: ready.eventId, ...fault }, 'a part of the clip could not be made');
  return {
    clips,
    damaged,
    faults,
    renditions,
    look: seen.look,
    ...(snapshot === undefined ? {} : { snapshot }),
    timings: { startedAtUs, fetchedAtUs, assembledAtUs, checkedAtUs: clock.nowUs() },
    versions: { node: process.version, ffmpeg: await ffmpegVersion() },
  };
}

/** Waits for both also when one fails: none may work in a folder that is being removed. */
async function both<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return [await a, await b];
}

interface Seen {
  damaged: Damage[];
  /** How many each clip decodes to. */
  pictures: number[];
  faults: Fault[];
  look: Pick<Look, 'preview' | 'strip'>;
}

/**
 * Every clip is decoded to its end. Preview and strip are of them all: of a single one they are made on the way, of
 * several in a second pass.
 */
async function lookAtAll(
  clips: Clip[],
  directory: string,
  settings: ClipSettings,
  progress: Progress,
  signal: AbortSignal,
): Promise<Seen> {
  const found: Seen = { damaged: [], pictures: [], faults: [], look: {} };
  const tell = ({ failed, preview, strip }: Pick<Look, 'failed' | 'preview' | 'strip'>): void => {
    if (failed !== undefined) found.faults.push({ of: 'preview', why: failed });
    Object.assign(found.look, { preview, strip });
  };
  const none = {
    preview: { ...settings.preview, enabled: false },
    strip: { ...settings.strip, enabled: false },
  };
  for (const clip of clips) {
    const wanted = clips.length === 1 ? settings : none;
    const look = await lookThrough(clip, directory, wanted, signal, (us) =>
      progress.at('checking', us / 1000 / clip.durationMs),
    );
    found.damaged.push(...look.damaged);
    found.pictures.push(look.pictures);
    if (clips.length === 1) tell(look);
  }
  const shown = clips.filter((_, part) => (found.pictures[part] ?? 0) > 0);
  if (clips.length > 1 && shown.length > 0) {
    progress.at('making the preview');
    tell(await lookAtParts(shown, directory, settings, signal));
  }
  return found;
}

/** An H.264 of each clip that needs one; one that fails is told in `faults`. */
async function encodeAll(
  eventId: string,
  clips: Clip[],
  pictures: number[],
  directory: string,
  faults: Fault[],
  progress: Progress,
  signal: AbortSignal,
) {
  const renditions: NonNullable<Made['renditions']> = [];
  for (const [part, clip] of clips.entries()) {
    if (clip.playsEverywhere) continue;
    try {
      const file = await encodeH264({ clip, pictures: pictures[part] ?? 0 }, part, directory, signal, (us) =>
        progress.at('encoding as H.264', us / 1000 / clip.durationMs),
      );
      renditions.push({ part, file });
    } catch (error) {
      if (!isProgramFault(error)) throw error;
      faults.push({
        of: 'rendition',
        object: eventKey(eventId, eventFileName('clip-h264', part)),
        why: messageOf(error),
      });
    }
  }
  return renditions;
}

/** ffmpeg could not do it; the same again would end the same. */
function isProgramFault(error: unknown): boolean {
  return error instanceof ProgramError && error.code !== 'program-missing';
}

function snapshotFiles(directory: string) {
  return { framed: join(directory, 'snapshot.jpg'), clean: join(directory, 'snapshot-clean.jpg') };
}

function filesOf({ clips, renditions = [], look, snapshot }: Made, directory: string): EventFile[] {
  const files: EventFile[] = clips.map(({ path, sha256 }, part) => ({
    name: eventFileName('clip', part),
    path,
    sha256,
  }));
  for (const { part, file } of renditions)
    files.push({ name: eventFileName('clip-h264', part), path: file.path, sha256: file.facts.sha256 });
  if (look?.preview !== undefined) {
    files.push({ name: 'preview.mp4', path: look.preview.path, sha256: look.preview.facts.sha256 });
  }
  if (look?.strip !== undefined) {
    files.push({ name: 'strip.jpg', path: look.strip.path, sha256: look.strip.facts.sha256 });
  }
  if (snapshot !== undefined) {
    const { framed, clean } = snapshotFiles(directory);
    const { sha256, cleanSha256 } = snapshot;
    files.push({ name: 'snapshot.jpg', path: framed, sha256 });
    files.push({ name: 'snapshot-clean.jpg', path: clean, sha256: cleanSha256 });
  }
  return files;
}
