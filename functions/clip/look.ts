import { readFile, stat } from 'node:fs/promises';
import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { ClipSettings } from '@faascam/core/clip-settings';
import type { Manifest } from '@faascam/core/clip-messages';
import { messageOf, ProgramError } from '@faascam/core/errors';
import sharp from 'sharp';
import type { Clip, Damage } from './assemble.ts';
import { decode, runFfmpeg, type FfmpegReport } from './ffmpeg.ts';
import { readMp4 } from './mp4.ts';
import { faultOf, findBroken } from './proof.ts';

/** Pictures of a clip that lie beside it, and what the receipt says of them, but for their keys. */
export interface Look {
  preview?: { path: string; facts: Omit<NonNullable<Manifest['preview']>, 'key'> };
  strip?: { path: string; facts: Omit<NonNullable<Manifest['strip']>, 'key'> };
  damaged: Damage[];
  /** How many pictures the clip decodes to. */
  pictures: number;
  /** Why there is no preview or strip although it was asked for. */
  failed?: string;
}

/**
 * Decodes a clip to its end, once: as the proof that it can be, and for its preview and its strip of thumbnails, which
 * go to `preview.mp4` and `strip.jpg` in `directory`. Segments that do not decode are named; that neither preview nor
 * strip could be made is told, and costs nothing else. Throws `ProgramError` `clip-wrong` when the joining is at fault.
 */
export async function lookThrough(
  clip: Clip,
  directory: string,
  wanted: Pick<ClipSettings, 'preview' | 'strip'>,
  signal: AbortSignal,
  onTime?: (clipUs: number) => void,
): Promise<Look> {
  const plan = planOf(clip, directory, wanted);
  let report: FfmpegReport | undefined;
  let failed: string | undefined;
  if (plan.outputs.length > 0) {
    try {
      report = await runFfmpeg(withPictures(clip, plan, onTime), 'make the preview', signal);
    } catch (error) {
      failed = whyFailed(error);
    }
  }
  // A complaint may be of the preview's encoder as well: then the clip is decoded alone.
  if (report === undefined || faultOf(report, clip.segments) !== undefined) {
    report = await decode(clip.path, signal);
  }
  const complaint = faultOf(report, clip.segments);
  const broken = complaint === undefined ? [] : await findBroken(complaint, clip.segments, signal);
  const damaged = broken.map(({ segment, why }) => ({ ref: segment.ref, why }));
  const proof = { damaged, pictures: report.frames };
  if (failed !== undefined) return { ...proof, failed };
  return { ...proof, ...(await picturesOf(plan)) };
}

/** So many parts are shown: each costs a decoder. */
const MOST_PARTS = 8;

/**
 * Preview and strip of several clips, laid end to end: the eight longest, if there are more, in order of time, in a frame
 * of the first one's shape. Each of them decodes to at least one picture. That neither could be made is told.
 */
export async function lookAtParts(
  clips: readonly Clip[],
  directory: string,
  wanted: Pick<ClipSettings, 'preview' | 'strip'>,
  signal: AbortSignal,
): Promise<Pick<Look, 'preview' | 'strip' | 'failed'>> {
  const longest = [...clips].sort((a, b) => b.durationMs - a.durationMs).slice(0, MOST_PARTS);
  const shown = clips.filter((clip) => longest.includes(clip));
  const durationMs = shown.reduce((sum, clip) => sum + clip.durationMs, 0);
  const plan = planOf({ durationMs }, directory, wanted);
  const [first, ...further] = shown;
  if (first === undefined || plan.outputs.length === 0) return {};
  const size = sizeWithin(first.video, Math.max(wanted.preview.width, wanted.strip.tileWidth));
  const fit =
    `scale=${size}:force_original_aspect_ratio=decrease:force_divisible_by=2,` +
    `pad=${size}:-1:-1,setsar=1,format=yuv420p`;
  const filters = [
    ...shown.map((_, part) => `[${part}:v:0]${fit}[part${part}]`),
    `${shown.map((_, part) => `[part${part}]`).join('')}concat=n=${shown.length},` +
      `split=${plan.outputs.length}${inputsOf(plan)}`,
  ];
  try {
    await runFfmpeg(
      {
        input: first.path,
        furtherInputs: further.map(({ path }) => path),
        ...outputsOf(plan, filters, []),
      },
      'make the preview',
      signal,
    );
  } catch (error) {
    return { failed: whyFailed(error) };
  }
  return await picturesOf(plan);
}

/** Throws what is no fault of the pictures. */
function whyFailed(error: unknown): string {
  const isFault = error instanceof ProgramError && FAULTS.has(error.code);
  if (!isFault) throw error;
  return messageOf(error);
}

const FAULTS = new Set(['ffmpeg-failed', 'ffmpeg-killed']);

/** For ffmpeg's filters: even numbers of pixels, as wide as this at most. */
function sizeWithin({ width, height }: Clip['video'], most: number): string {
  const scale = Math.min(1, most / width);
  const even = (pixels: number): number => Math.max(2, 2 * Math.floor((pixels * scale) / 2));
  return `${even(width)}:${even(height)}`;
}

interface Plan {
  /** ffmpeg's filters and options for each picture that is wanted. */
  outputs: { filter: string; options: string[]; path: string }[];
  preview?: string;
  strip?: { path: string; columns: number; count: number; everyMs: number };
}

function planOf(
  { durationMs }: Pick<Clip, 'durationMs'>,
  directory: string,
  { preview, strip }: Pick<ClipSettings, 'preview' | 'strip'>,
): Plan {
  const plan: Plan = { outputs: [] };
  if (preview.enabled) {
    const path = join(directory, 'preview.mp4');
    const speed = Math.max(1, durationMs / (preview.seconds * 1000));
    // A hair less, as times are rounded.
    const stepS = (speed / preview.fps - 0.002).toFixed(6);
    plan.preview = path;
    plan.outputs.push({
      path,
      filter:
        `select='isnan(prev_selected_t)+gte(t-prev_selected_t,${stepS})',` +
        `setpts=(PTS-STARTPTS)/${speed.toFixed(6)},scale='trunc(min(${preview.width},iw)/2)*2':-2,format=yuv420p`,
      options: [
        ...['-fps_mode', 'passthrough', '-enc_time_base', '1/90000', '-threads', '1'],
        ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '30', '-flags:v', '+bitexact'],
        ...['-map_metadata', '-1', '-fflags', '+bitexact', '-movflags', '+faststart', '-f', 'mp4'],
      ],
    });
  }
  if (strip.enabled) {
    const path = join(directory, 'strip.jpg');
    const everyMs = Math.max(strip.everyMs, Math.ceil(durationMs / strip.most));
    const count = Math.max(1, Math.round(durationMs / everyMs));
    const columns = Math.min(count, STRIP_COLUMNS);
    plan.strip = { path, columns, count, everyMs };
    plan.outputs.push({
      path,
      filter:
        `fps=fps=1000/${everyMs}:start_time=0:round=near,tpad=stop_mode=clone:stop=2,scale=${strip.tileWidth}:-2,` +
        `tile=${columns}x${Math.ceil(count / columns)}:nb_frames=${count},scale=out_range=pc,format=yuvj420p`,
      options: [
        '-frames:v',
        '1',
        '-update',
        '1',
        '-c:v',
        'mjpeg',
        '-q:v',
        '5',
        '-threads',
        '1',
        '-f',
        'image2',
      ],
    });
  }
  return plan;
}

/** So many tiles side by side, then the next row: no row is wider than a decoder likes. */
const STRIP_COLUMNS = 10;

function withPictures(clip: Clip, plan: Plan, onTime: ((us: number) => void) | undefined) {
  const split = `[0:v:0]split=${plan.outputs.length + 1}[all]${inputsOf(plan)}`;
  const all = ['-map', '[all]', '-fps_mode', 'passthrough', '-f', 'null', '-'];
  return { input: clip.path, ...outputsOf(plan, [split], all), onTime };
}

function inputsOf({ outputs }: Plan): string {
  return outputs.map((_, index) => `[in${index}]`).join('');
}

/** What makes a plan's files of the pictures that `filters` give as `inputsOf` names them; `before` are outputs of their own. */
function outputsOf({ outputs }: Plan, filters: string[], before: string[]) {
  const own = outputs.map(({ filter }, index) => `[in${index}]${filter}[out${index}]`);
  const outputOptions = ['-filter_complex', [...filters, ...own].join(';'), ...before];
  const last = outputs.length - 1;
  for (const [index, output] of outputs.entries()) {
    outputOptions.push('-map', `[out${index}]`, '-an', ...output.options);
    if (index < last) outputOptions.push('-y', output.path);
  }
  return { outputOptions, output: outputs[last]?.path ?? '' };
}

/** What ffmpeg has made, once it is looked at. */
async function picturesOf(plan: Plan): Promise<Pick<Look, 'preview' | 'strip' | 'failed'>> {
  try {
    return await readPictures(plan);
  } catch (error) {
    return { failed: messageOf(error) };
  }
}

async function readPictures({ preview, strip }: Plan): Promise<Pick<Look, 'preview' | 'strip'>> {
  const look: Pick<Look, 'preview' | 'strip'> = {};
  if (preview !== undefined) {
    const { tracks } = await readMp4(preview);
    const [track] = tracks;
    if (track === undefined || track.sizes.length === 0) throw new Error('the preview has no picture');
    const facts = { ...(await digestOf(preview)), width: track.width, height: track.height };
    look.preview = { path: preview, facts };
  }
  if (strip !== undefined) {
    const { width, height } = await sharp(strip.path).metadata();
    const { path, columns, count, everyMs } = strip;
    const rows = Math.ceil(count / columns);
    const tile = { tileWidth: Math.floor(width / columns), tileHeight: Math.floor(height / rows) };
    look.strip = { path, facts: { ...(await digestOf(path)), columns, count, everyMs, ...tile } };
  }
  return look;
}

async function digestOf(path: string): Promise<{ sha256: string; sizeBytes: number }> {
  // Small by their making.
  return { sha256: hash('sha256', await readFile(path)), sizeBytes: (await stat(path)).size };
}
