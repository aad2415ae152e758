import { canonicalSha256 } from '@faascam/core/canonical-json';
import { isoTime } from '@faascam/core/clock';
import { eventKey } from '@faascam/core/ids';
import type { ClipReady, ClipStored, Manifest } from '@faascam/core/clip-messages';
import type { DetectedObject } from '@faascam/core/messages';
import { software } from '@faascam/core/version';
import type { Assembly } from './assemble.ts';
import { gapsOf } from './coverage.ts';

/** A camera's pictures come unevenly: what is shorter than this, or than two of its intervals, is no gap. */
const SHORTEST_GAP_US = 250_000;

export interface Snapshot {
  /** When the picture was captured. */
  atUs: number;
  width: number;
  height: number;
  /** The objects framed in it. */
  objects: DetectedObject[];
}

/** The event's receipt: what was asked, what there is, what is missing and why. */
export function manifestOf(
  ready: ClipReady,
  { clip, damaged }: Assembly,
  snapshot: Snapshot | undefined,
  storedAtUs: number,
): Manifest {
  const requested = { fromUs: ready.fromUs, toUs: ready.toUs };
  const gaps = gapsOf({
    requested,
    delivered: clip?.delivered ?? [],
    declared: ready.gaps,
    damaged: damaged.map(({ file: { ref } }) => ({
      fromUs: ref.startUs,
      toUs: ref.startUs + ref.durationUs,
    })),
    toleranceUs: Math.max(SHORTEST_GAP_US, 2 * (clip?.longestIntervalUs ?? 0)),
  });
  const base = {
    v: 1,
    event: ready.event,
    agent: ready.agent,
    requested,
    complete: clip !== undefined && gaps.length === 0,
    gaps,
    segments: ready.segments,
    storedAtUs,
    software,
  } as const;
  if (clip === undefined) return base;
  return {
    ...base,
    delivered: {
      fromUs: Math.min(...clip.delivered.map((span) => span.fromUs)),
      toUs: Math.max(...clip.delivered.map((span) => span.toUs)),
    },
    clip: {
      key: eventKey(ready.eventId, 'clip.mp4'),
      sha256: clip.sha256,
      sizeBytes: clip.sizeBytes,
      durationMs: clip.durationMs,
      video: clip.video,
      ...(clip.audio === undefined ? {} : { audio: clip.audio }),
    },
    ...(snapshot === undefined
      ? {}
      : {
          snapshot: {
            key: eventKey(ready.eventId, 'snapshot.jpg'),
            cleanKey: eventKey(ready.eventId, 'snapshot-clean.jpg'),
            ...snapshot,
          },
        }),
  };
}

/** What is announced of an event whose receipt lies in the store. */
export function storedOf(manifest: Manifest): ClipStored {
  const { event, clip, snapshot, requested, delivered, gaps, complete } = manifest;
  return {
    v: 1,
    eventId: event.id,
    camera: event.camera,
    keys: {
      manifest: eventKey(event.id, 'event.json'),
      ...(clip === undefined ? {} : { clip: clip.key }),
      ...(snapshot === undefined ? {} : { snapshot: snapshot.key }),
      ...(snapshot?.cleanKey === undefined ? {} : { cleanSnapshot: snapshot.cleanKey }),
    },
    ...(clip === undefined ? {} : { clipSha256: clip.sha256 }),
    receiptSha256: canonicalSha256(manifest),
    requested,
    ...(delivered === undefined ? {} : { delivered }),
    gaps,
    complete,
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
