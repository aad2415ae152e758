import { isoTime } from '@faascam/core/clock';
import type { Manifest } from '@faascam/core/clip-messages';
import type { Began, Ended } from '@faascam/core/messages';
import type { BeganView, EndedView, EventView } from './api/event-schema.ts';

/** An event as the page shows it, from its `event.json`. Pure. */
export function eventViewOf(receipt: Manifest, kept: boolean): EventView {
  const { event, complete, gaps, clip, snapshot, preview, strip, requested, storedAtUs } = receipt;
  const base = `api/events/${event.id}`;
  return {
    id: event.id,
    camera: event.camera,
    labels: [...new Set(event.labels)],
    startUs: event.startUs,
    startIso: isoTime(event.startUs),
    endUs: event.endUs,
    endIso: isoTime(event.endUs),
    eventMs: Math.max(0, event.endUs - event.startUs) / 1000,
    clipMs: clip?.durationMs,
    score: event.bestScore,
    zones: event.zones,
    endReason: event.endReason,
    began: event.began === undefined ? undefined : beganViewOf(event.began),
    ended: event.ended === undefined ? undefined : endedViewOf(event.ended),
    crossings: (event.crossings ?? []).map(({ line, direction }) => ({ line, direction })),
    complete,
    gaps: gaps.map(({ fromUs, toUs, cause }) => ({
      fromUs,
      toUs,
      ms: Math.max(0, toUs - fromUs) / 1000,
      cause,
    })),
    requested: { fromUs: requested.fromUs, toUs: requested.toUs },
    model: event.model.name,
    demo: event.model.demo,
    videoCodec: clip?.video.codec,
    exported: event.exported,
    storedAtUs,
    kept,
    strip: strip && {
      columns: strip.columns,
      count: strip.count,
      tileWidth: strip.tileWidth,
      tileHeight: strip.tileHeight,
      everyMs: strip.everyMs,
    },
    urls: {
      snapshot: snapshot === undefined ? undefined : `${base}/snapshot.jpg`,
      cleanSnapshot: snapshot?.cleanKey === undefined ? undefined : `${base}/snapshot-clean.jpg`,
      clip: clip === undefined ? undefined : `${base}/clip.mp4`,
      preview: preview === undefined ? undefined : `${base}/preview.mp4`,
      strip: strip === undefined ? undefined : `${base}/strip.jpg`,
      manifest: `${base}/event.json`,
    },
  };
}

function beganViewOf({ rule, label, zone, sightings, medianScore }: Began): BeganView {
  return { rule, label, zone, sights: sightings.length, medianScore };
}

function endedViewOf({ rule, quietMs }: Ended): EndedView {
  return { rule, quietMs };
}
