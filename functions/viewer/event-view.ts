import { isoTime } from '@faascam/core/clock';
import type { Manifest } from '@faascam/core/clip-messages';
import type { Began, Ended } from '@faascam/core/messages';
import type { BeganView, ClipView, EndedView, EventView } from './api/event-schema.ts';

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
    clips: clipViewsOf(receipt, base),
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

const CLIP = /^(clip|clip-h264)(?:-(\d+))?\.mp4$/;

/** All clips of an event, whose objects lie below the address `base`. Pure. */
export function clipViewsOf(receipt: Manifest, base: string): ClipView[] {
  const { clip, parts, requested, delivered = requested, renditions = [] } = receipt;
  const originals = parts ?? (clip === undefined ? [] : [{ ...clip, delivered }]);
  return [...originals, ...renditions].flatMap(({ key, durationMs, video }) => {
    const name = key.slice(key.lastIndexOf('/') + 1);
    const [, kind, number = '1'] = CLIP.exec(name) ?? [];
    const part = Number(number);
    const shows = originals[part - 1]?.delivered;
    if (kind === undefined || shows === undefined) return [];
    const { codec, width, height, packets } = video;
    return {
      kind: kind === 'clip' ? ('original' as const) : ('h264' as const),
      ...{ part, codec, width, height, durationMs, frameMs: durationMs / Math.max(1, packets) },
      ...{ fromUs: shows.fromUs, toUs: shows.toUs, url: `${base}/${name}` },
    };
  });
}

function beganViewOf({ rule, label, zone, sightings, medianScore }: Began): BeganView {
  return { rule, label, zone, sights: sightings.length, medianScore };
}

function endedViewOf({ rule, quietMs }: Ended): EndedView {
  return { rule, quietMs };
}
