import { spawn } from 'node:child_process';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, ProgramError, systemCodeOf } from '@faascam/core/errors';
import { requireProgram } from '@faascam/core/programs';
import { demoFps, demoScene, demoVersion } from './demo-scene.ts';
import { renderFrame, sceneHeight, sceneWidth } from './scene.ts';

export interface DemoVideoOptions {
  /** Stops the rendering; what was written so far is removed. */
  signal?: AbortSignal;
  onProgress?: (renderedFrames: number, frames: number) => void;
}

const frames = (demoScene.durationMs / 1000) * demoFps;

/**
 * The path of the demo's video in `directory`, rendered if it is not there yet: one minute of H.264, 640x360 at 10 fps,
 * a keyframe every second and no B-frames, as cameras send it. It appears under its name only when it is complete.
 * Throws `ProgramError` when ffmpeg is missing or fails, and the signal's reason when it is aborted.
 */
export async function demoVideo(directory: string, options: DemoVideoOptions = {}): Promise<string> {
  const path = join(directory, `demo-${demoVersion}.mp4`);
  if (await exists(path)) return path;
  options.signal?.throwIfAborted();
  await requireProgram('ffmpeg');
  await mkdir(directory, { recursive: true });
  const unfinished = join(directory, `.demo-${demoVersion}-${process.pid}-${Date.now()}.part`);
  try {
    await encode(unfinished, options);
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
  return path;
}

async function encode(path: string, { signal, onProgress }: DemoVideoOptions): Promise<void> {
  const ffmpeg = spawn('ffmpeg', ffmpegArguments(path), {
    stdio: ['pipe', 'ignore', 'pipe'],
    killSignal: 'SIGKILL',
    ...(signal ? { signal } : {}),
  });
  let complaint = '';
  ffmpeg.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => (complaint = (complaint + text).slice(-4000)));
  // An abort is told by the signal below, whatever else it breaks.
  ffmpeg.on('error', (error) => (complaint += `\n${messageOf(error)}`));
  const ended = new Promise<number | null>((resolve) => ffmpeg.once('close', resolve));
  // If ffmpeg ends before it has read all, its own words say more than the broken pipe.
  const fed = pipeline(Readable.from(renderAll(onProgress), { objectMode: false }), ffmpeg.stdin).then(
    () => undefined,
    (error: unknown) => error,
  );
  const [code, failure] = await Promise.all([ended, fed]);
  signal?.throwIfAborted();
  if (code === 0 && failure === undefined) return;
  const reason = complaint.trim().split('\n').at(-1);
  throw new ProgramError(
    'demo-not-rendered',
    `ffmpeg could not write the demo's video (${reason === undefined || reason === '' ? messageOf(failure) : reason}): ` +
      'see that there is space left and that "ffmpeg -encoders" lists libx264.',
    { cause: failure },
  );
}

function* renderAll(onProgress: DemoVideoOptions['onProgress']): Generator<Buffer> {
  for (let frame = 0; frame < frames; frame += 1) {
    // The stream keeps what it has not written yet, so each frame has memory of its own.
    const picture = Buffer.allocUnsafe(sceneWidth * sceneHeight * 3);
    renderFrame(demoScene, (frame * 1000) / demoFps, picture);
    yield picture;
    onProgress?.(frame + 1, frames);
  }
}

function ffmpegArguments(path: string): string[] {
  const input = [
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgb24',
    '-s',
    `${sceneWidth}x${sceneHeight}`,
    '-r',
    String(demoFps),
  ];
  const keyframes = ['-g', String(demoFps), '-keyint_min', String(demoFps), '-sc_threshold', '0', '-bf', '0'];
  return [
    ...['-hide_banner', '-loglevel', 'error', '-y', ...input, '-i', 'pipe:0', '-an'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '25', '-pix_fmt', 'yuv420p', ...keyframes],
    ...['-movflags', '+faststart', '-f', 'mp4', path],
  ];
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
