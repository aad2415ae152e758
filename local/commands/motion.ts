import { mkdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import type { Box } from '@faascam/core/box';
import { FaascamError, systemCodeOf, UsageError } from '@faascam/core/errors';
import { cameraIdFrom } from '@faascam/core/ids';
import { requireProgram } from '@faascam/core/programs';
import { motionSettings } from '@faascam/core/settings';
import { probeRecording } from '@faascam/edge-agent/capture/recording';
import { watchMotion, type Seen } from '@faascam/motion/watch';
import { writeJson } from '../json-output.ts';
import { print, progress, tell } from '../terminal.ts';
import { eachFrame } from '../video-frames.ts';

export interface MotionCommand {
  json?: string | undefined;
  masks?: string | undefined;
}

interface MotionFrame {
  frame: number;
  /** From the recording's start. */
  timeMs: number;
  moving: boolean;
  /** Share of the picture in motion. */
  score: number;
  /** Fractions of the picture. */
  boxes: Box[];
}

/** Frame time begins here: the model takes 0 for "never". */
const START_US = 1_000_000;

/** `faascam motion`: what the motion function sees in each frame of a recording, on frame time. */
export async function motion(video: string, command: MotionCommand, signal: AbortSignal): Promise<void> {
  await requireFile(video);
  await requireProgram('ffmpeg');
  await requireProgram('ffprobe');
  const { durationMs } = await probeRecording(video, cameraIdFrom(basename(video)));
  if (command.masks !== undefined) await makeFolder(command.masks);
  const bar = progress(`Looking at ${video}`, 's');
  const watch = watchMotion(motionSettings.parse(undefined));
  const frames: MotionFrame[] = [];
  let size = { width: 0, height: 0 };
  let grid = size;
  try {
    await eachFrame(
      video,
      async ({ index, timeUs, jpeg }) => {
        if (index === 0) size = await sizeOf(jpeg);
        const seen = await watch(jpeg, START_US + timeUs);
        grid = { width: seen.width, height: seen.height };
        if (command.masks !== undefined) await writeMask(command.masks, index, seen);
        const { kind, score, boxes } = seen.said;
        frames.push({ frame: index, timeMs: timeUs / 1000, moving: kind === 'moving', score, boxes });
        bar.update(timeUs / 1e6, durationMs / 1000);
      },
      signal,
    );
  } finally {
    bar.end();
  }
  if (command.json !== undefined) {
    await writeJson({ v: 1, video, ...size, grid, frames }, command.json);
    return;
  }
  for (const [fromMs, toMs] of stretches(frames)) {
    print(`moving  ${(fromMs / 1000).toFixed(2)} s to ${(toMs / 1000).toFixed(2)} s`);
  }
  tell(`${frames.filter(({ moving }) => moving).length} of ${frames.length} frames have motion.`);
}

/** Runs of moving frames, in ms. */
function stretches(frames: readonly MotionFrame[]): [number, number][] {
  const found: [number, number][] = [];
  let open: [number, number] | undefined;
  for (const { moving, timeMs } of frames) {
    if (!moving) open = undefined;
    else if (open === undefined) found.push((open = [timeMs, timeMs]));
    else open[1] = timeMs;
  }
  return found;
}

async function sizeOf(jpeg: Buffer): Promise<{ width: number; height: number }> {
  const { width, height } = await sharp(jpeg).metadata();
  return { width, height };
}

async function writeMask(folder: string, index: number, { mask, width, height }: Seen): Promise<void> {
  const path = join(folder, `${String(index).padStart(6, '0')}.png`);
  const pixels = Buffer.from(mask.map((cell) => cell * 255));
  try {
    await sharp(pixels, { raw: { width, height, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toFile(path);
  } catch (cause) {
    throw new FaascamError('mask-not-written', `The mask ${path} cannot be written: check the free space.`, {
      cause,
    });
  }
}

async function requireFile(path: string): Promise<void> {
  try {
    if ((await stat(path)).isFile()) return;
  } catch (cause) {
    const why = systemCodeOf(cause) === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new FaascamError('no-recording', `The recording ${path} ${why}: check the path.`, { cause });
  }
  throw new UsageError('no-recording', `${path} is no file: give the path of a recording.`);
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw new FaascamError(
      'no-folder',
      `The folder ${path} cannot be made (${systemCodeOf(cause) ?? 'unknown fault'}): choose another with --masks.`,
      { cause },
    );
  }
}
