import { isoTime } from '@faascam/core/clock';
import { eventKey } from '@faascam/core/ids';
import type { ClipReady, ClipStored, Manifest } from '@faascam/core/clip-messages';
import type { DetectedObject } from '@faascam/core/messages';
import { software } from '@faascam/core/version';
import type { Clip, Damage } from './assemble.ts';
import { eventFileName } from './clip-names.ts';
import type { StoredReceipt } from './clip-store.ts';
import { gapsOf, toleranceUsOf, type Span } from './coverage.ts';
import type { Look } from './look.ts';
import type { Rendition } from './rendition.ts';

/** A camera's pictures come unevenly: what is shorter than this, or than two of its intervals, is no gap. */
const SHORTEST_GAP_US = 250_000;

export interface Snapshot {
  /** When the picture was captured. */
  atUs: number;
  width: number;
  height: number;
  /** The objects framed in it. */
  objects: DetectedObject[];
  /** Of the picture with its objects framed, and of that without. */
  sha256: string;
  cleanSha256: string;
}

export type Fault = NonNullable<Manifest['faults']>[number];

/** What was made of an event's footage. */
export interface Made {
  clips: Clip[];
  /** Segments that are not, or not whole, in the clips. */
  damaged: Damage[];
  renditions?: { part: number; file: Rendition }[];
  look?: Pick<Look, 'preview' | 'strip'>;
  snapshot?: Snapshot;
  /** What else went wrong. */
  faults?: Fault[];
  timings?: Manifest['timings'];
  versions?: { node: string; ffmpeg: string };
}

/** The event's receipt: what was asked, what there is, what is missing and why. */
export function manifestOf(ready: ClipReady, made: Made, storedAtUs: number): Manifest {
  const { clips, damaged, timings, versions, snapshot, look } = made;
  const { offer, madeBy } = ready;
  const requested = { fromUs: ready.fromUs, toUs: ready.toUs };
  const gaps = gapsOf({
    requested,
    delivered: clips.flatMap(({ delivered }) => delivered),
    declared: ready.gaps,
    damaged: damaged.map(({ ref }) => ({ fromUs: ref.startUs, toUs: ref.startUs + ref.durationUs })),
    toleranceUs: Math.max(SHORTEST_GAP_US, ...clips.map(toleranceUsOf)),
  });
  const faults = [
    ...(made.faults ?? []),
    ...damaged.map(({ ref, why }): Fault => ({ of: 'segment', object: ref.object, why })),
  ].map((fault) => ({ ...fault, why: plain(fault.why) }));
  return {
    v: 1,
    event: ready.event,
    agent: ready.agent,
    requested,
    complete: clips.length > 0 && gaps.length === 0,
    gaps,
    segments: ready.segments,
    ...filesOf(ready.eventId, made),
    ...(snapshot === undefined
      ? {}
      : {
          snapshot: {
            key: eventKey(ready.eventId, 'snapshot.jpg'),
            cleanKey: eventKey(ready.eventId, 'snapshot-clean.jpg'),
            ...snapshot,
          },
        }),
    ...(look?.preview === undefined
      ? {}
      : { preview: { key: eventKey(ready.eventId, 'preview.mp4'), ...look.preview.facts } }),
    ...(look?.strip === undefined
      ? {}
      : { strip: { key: eventKey(ready.eventId, 'strip.jpg'), ...look.strip.facts } }),
    ...(ready.attestation === undefined ? {} : { attestation: ready.attestation }),
    ...(faults.length === 0 ? {} : { faults }),
    storedAtUs,
    software,
    ...(versions === undefined
      ? {}
      : {
          madeBy: {
            ...(madeBy === undefined ? {} : { agent: madeBy.software }),
            ...(madeBy?.configRevision === undefined ? {} : { configRevision: madeBy.configRevision }),
            ...versions,
          },
        }),
    timings: {
      ...(offer === undefined ? {} : { wantedAtUs: offer.wantedAtUs, offeredAtUs: offer.offeredAtUs }),
      ...(offer?.pinnedAtUs === undefined ? {} : { pinnedAtUs: offer.pinnedAtUs }),
      ...timings,
    },
    ...(offer === undefined ? {} : { attempts: offer.attempt }),
  };
}

function filesOf(
  id: string,
  { clips, renditions = [] }: Made,
): Pick<Manifest, 'delivered' | 'clip' | 'parts' | 'renditions'> {
  const files = clips.map((clip, part) => ({
    key: eventKey(id, eventFileName('clip', part)),
    sha256: clip.sha256,
    sizeBytes: clip.sizeBytes,
    durationMs: clip.durationMs,
    video: clip.video,
    ...(clip.audio === undefined ? {} : { audio: clip.audio }),
  }));
  const windows = clips.map(windowOf);
  const [clip] = files;
  if (clip === undefined) return {};
  const delivered = windowOf({ delivered: windows });
  return {
    delivered,
    clip,
    ...(files.length === 1
      ? {}
      : { parts: files.map((file, part) => ({ ...file, delivered: windows[part] ?? delivered })) }),
    ...(renditions.length === 0
      ? {}
      : {
          renditions: renditions.map(({ part, file }) => ({
            key: eventKey(id, eventFileName('clip-h264', part)),
            ...file.facts,
          })),
        }),
  };
}

function windowOf({ delivered }: Pick<Clip, 'delivered'>): Span {
  return {
    fromUs: Math.min(...delivered.map(({ fromUs }) => fromUs)),
    toUs: Math.max(...delivered.map(({ toUs }) => toUs)),
  };
}

const LONGEST_WHY = 300;

/** One line, without the folders in which the files lay when they were worked on. */
function plain(why: string): string {
  const line = why.replaceAll(/(\/[^\s/:']+)+\/(?=[^\s/])/g, '').replaceAll(/\s+/g, ' ');
  // By characters, not by halves of them.
  return Array.from(line).slice(0, LONGEST_WHY).join('');
}

/** What is announced of an event whose receipt lies in the store. */
export function storedOf({ manifest, sha256 }: StoredReceipt): ClipStored {
  const { event, clip, parts, snapshot, preview, strip, requested, delivered, gaps, complete } = manifest;
  return {
    v: 1,
    eventId: event.id,
    camera: event.camera,
    keys: {
      manifest: eventKey(event.id, 'event.json'),
      ...(clip === undefined ? {} : { clip: clip.key }),
      ...(parts === undefined ? {} : { parts: parts.map(({ key }) => key) }),
      ...(snapshot === undefined ? {} : { snapshot: snapshot.key }),
      ...(snapshot?.cleanKey === undefined ? {} : { cleanSnapshot: snapshot.cleanKey }),
      ...(preview === undefined ? {} : { preview: preview.key }),
      ...(strip === undefined ? {} : { strip: strip.key }),
    },
    ...(clip === undefined ? {} : { clipSha256: clip.sha256 }),
    receiptSha256: sha256,
    requested,
    ...(delivered === undefined ? {} : { delivered }),
    gaps,
    complete,
    ...(event.exported === undefined ? {} : { exported: true }),
  };
}

/** What is announced of an event that was removed on purpose: its agent can let its footage go. */
export function removedOf({ eventId, camera, fromUs, toUs }: ClipReady): ClipStored {
  return {
    v: 1,
    eventId,
    camera,
    // Where it was: readers of an older version know no event without one.
    keys: { manifest: eventKey(eventId, 'event.json') },
    requested: { fromUs, toUs },
    gaps: [],
    complete: false,
    removed: true,
  };
}

/** What an object's metadata says, so that a bucket can be understood without its receipts. Plain ASCII. */
export function metadataOf({ event }: Pick<ClipReady, 'event'>, sha256: string): Record<string, string> {
  return {
    'event-id': event.id,
    camera: event.camera,
    labels: event.labels.map(encodeURIComponent).join(',').slice(0, 1024),
    start: isoTime(event.startUs),
    end: isoTime(event.endUs),
    sha256,
  };
}
