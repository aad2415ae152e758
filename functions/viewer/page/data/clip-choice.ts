import type { ClipView, EventView } from '../api.ts';

/** Which clip of an event is played. */
export interface ClipChoice {
  part: number;
  kind: string;
}

/** The clip that was chosen; another of its part where there is none of the kind. Pure. */
export function chosenClip(clips: readonly ClipView[], { part, kind }: ClipChoice): ClipView | undefined {
  return clips.find((clip) => clip.part === part && clip.kind === kind) ?? ofPart(clips, part)[0];
}

/** How the part can be had: as the camera sent it, and where there is such as H.264. Pure. */
export function ofPart(clips: readonly ClipView[], part: number): ClipView[] {
  return clips.filter((clip) => clip.part === part);
}

/** The parts in order of time, from 1. Pure. */
export function partsOf(clips: readonly ClipView[]): number[] {
  return [...new Set(clips.map(({ part }) => part))].sort((a, b) => a - b);
}

/** As the camera sent it, where this browser may play that, else as H.264, where there is that. Pure, but for `plays`. */
export function playableKind(
  clips: readonly ClipView[],
  part: number,
  plays: (codec: string) => boolean,
): string {
  const found = ofPart(clips, part);
  return (found.find(({ codec }) => plays(codec)) ?? found[0])?.kind ?? 'original';
}

/** A profile and level that cameras often send, for the question whether a browser plays the codec (RFC 6381). */
const types: Record<string, string> = {
  h264: 'avc1.640028',
  hevc: 'hvc1.1.6.L120.90',
  av1: 'av01.0.08M.08',
  vp9: 'vp09.00.41.08',
  mpeg4: 'mp4v.20.9',
};

/** Whether this browser may play a codec, as ffprobe names it. */
export function plays(codec: string): boolean {
  const type = types[codec];
  if (type === undefined) return false;
  return document.createElement('video').canPlayType(`video/mp4; codecs="${type}"`) !== '';
}

type Strip = NonNullable<EventView['strip']>;

/** As many parts as a strip shows one after the other; of more, it leaves some out. */
const MOST_PARTS = 8;

/**
 * Where in a strip the picture of a time lies, in pixels from its corner: `ms` from the beginning of the part. The strip goes
 * through all parts, one after the other. Undefined where that cannot be told. Pure.
 */
export function tileAt(
  strip: Strip,
  clips: readonly ClipView[],
  part: number,
  ms: number,
): { x: number; y: number } | undefined {
  const originals = clips.filter(({ kind }) => kind === 'original');
  if (originals.length > MOST_PARTS) return undefined;
  const before = originals
    .filter((clip) => clip.part < part)
    .reduce((sum, { durationMs }) => sum + durationMs, 0);
  const index = Math.min(strip.count - 1, Math.max(0, Math.round((before + ms) / strip.everyMs)));
  return {
    x: (index % strip.columns) * strip.tileWidth,
    y: Math.floor(index / strip.columns) * strip.tileHeight,
  };
}

/** That a clip was loaded anew, by its address in the viewer. */
export interface Loaded {
  url: string;
  atMs: number;
}

/** Where the viewer leads to stays good for longer than this, by far. */
const FRESH_MS = 60_000;

/**
 * Whether a clip that failed `now` is worth loading anew: where it lies may have had its time. What was loaded anew right
 * `before` has failed for another reason. Pure.
 */
export function mayLieElsewhere(before: Loaded | undefined, now: Loaded): boolean {
  return before?.url !== now.url || now.atMs - before.atMs > FRESH_MS;
}
