import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { demoScene } from '@faascam/local/demo/demo-scene';
import { demoVideo } from '@faascam/local/demo/video';
import { objectsAt, renderFrame, sceneHeight, sceneWidth, type Scene } from '@faascam/local/demo/scene';
import { codedHeight, codedPicture, codedWidth } from './agent-time-code.ts';
import { sharedFolder } from './hard-cases-footage.ts';

/** As cameras send it: 25 frames a second, a keyframe every two seconds, no pictures out of order. */
const FPS = 25;
const ENCODE =
  '-c:v libx264 -preset veryfast -g 50 -keyint_min 50 -sc_threshold 0 -bf 0 -pix_fmt yuv420p'.split(' ');

/** Longer than any measurement, so that no recording ends within one. */
const RECORDING_S = 105;

/** 1280x720 in which someone is about most of the time: real footage where it lies beside the checkout, else the demo. */
export async function busyRecording(scratch: string): Promise<string> {
  const path = join(scratch, 'busy.mp4');
  if (existsSync(path)) return path;
  const real = join(sharedFolder, 'videos/one-by-one-person-detection.mp4');
  const source = existsSync(real) ? real : await demoVideo(scratch);
  const input = ['-v', 'error', '-y', '-stream_loop', '-1', '-i', source, '-t', String(RECORDING_S)];
  const filter = ['-r', String(FPS), '-vf', 'scale=1280:720,noise=alls=3:allf=t'];
  execFileSync('ffmpeg', [...input, ...filter, '-an', ...ENCODE, path]);
  return path;
}

/** Someone crosses the picture from here on, for six seconds: a tenth of a minute. */
const VISIT = { fromMs: 32_000, toMs: 38_000 };
/** Of someone who comes in, this much must be in the picture before anyone would say so. */
const VISIBLE = 0.3;

export interface VisitRecording {
  path: string;
  /** Seconds from its start in which someone can be seen. */
  visit: readonly [from: number, to: number];
}

/** A yard at 1280x720 in which nothing but the sensor's noise moves, and one visit of six seconds. */
export async function visitRecording(scratch: string): Promise<VisitRecording> {
  const path = join(scratch, 'visit.mp4');
  const scene = visitScene();
  const seen = Array.from({ length: RECORDING_S * FPS }, (_, frame) => frame / FPS).filter((s) =>
    objectsAt(scene, s * 1000).some(({ visible }) => visible >= VISIBLE),
  );
  const visit = [seen[0] ?? NaN, seen.at(-1) ?? NaN] as const;
  if (!existsSync(path)) {
    // Grey levels of a sensor at dusk: 5 / sqrt(3) is a standard deviation of 2.9.
    await encode(
      path,
      ['rgb24', sceneWidth, sceneHeight],
      'scale=1280:720:flags=bicubic,noise=alls=5:allf=t',
      picturesOf(scene),
    );
  }
  return { path, visit };
}

function visitScene(): Scene {
  const { backdrop, ambient, shadowDepth, actors } = demoScene;
  const walker = actors.find(({ kind }) => kind === 'person');
  if (walker?.kind !== 'person') throw new TypeError('nobody walks in the demo');
  const point = (atMs: number, x: number) => ({ atMs, x, y: 330, pixelsPerMetre: 84 });
  const path = [point(VISIT.fromMs, -45), point(VISIT.toMs, 690)];
  return {
    ...{ backdrop, ambient, shadowDepth, clouds: [], durationMs: RECORDING_S * 1000 },
    noise: { seed: 1, sigma: 0 },
    actors: [{ ...walker, path }],
  };
}

function* picturesOf(scene: Scene): Generator<Buffer> {
  const empty = Buffer.alloc(sceneWidth * sceneHeight * 3);
  renderFrame(scene, 0, empty);
  for (let frame = 0; frame < RECORDING_S * FPS; frame++) {
    const atMs = (frame * 1000) / FPS;
    if (atMs < VISIT.fromMs || atMs >= VISIT.toMs) {
      yield empty;
    } else {
      const picture = Buffer.alloc(empty.length);
      renderFrame(scene, atMs, picture);
      yield picture;
    }
  }
}

/** A recording of 640x360 whose pictures carry their number as a code. */
export async function numberedRecording(scratch: string, fps: number, seconds: number): Promise<string> {
  const path = join(scratch, `numbered-${fps}-${seconds}.mp4`);
  const numbers = function* (): Generator<Buffer> {
    for (let frame = 0; frame < fps * seconds; frame++) yield codedPicture(frame);
  };
  if (!existsSync(path))
    await encode(path, ['yuv420p', codedWidth, codedHeight], 'null', numbers(), fps, fps);
  return path;
}

/**
 * A small recording of what moves, for cameras of which only the connection counts: an MP4 file, or MPEG-TS for those
 * that send it by RTP, since a bitstream filter of ffmpeg 5.1 does not outlive the end of a file that is looped.
 */
export function testRecording(
  scratch: string,
  codec: 'h264' | 'hevc',
  size: string,
  fps: number,
  container: 'mp4' | 'ts' = 'mp4',
): string {
  const path = join(scratch, `test-${codec}-${size}-${fps}.${container}`);
  if (existsSync(path)) return path;
  const source = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${fps}:duration=20`];
  const encoder =
    codec === 'h264'
      ? ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '0', '-sc_threshold', '0']
      : ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'bframes=0:log-level=error'];
  const rest = ['-g', String(fps), '-keyint_min', String(fps), '-pix_fmt', 'yuv420p', path];
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...source, ...encoder, ...rest], { stdio: 'ignore' });
  return path;
}

async function encode(
  path: string,
  [format, width, height]: readonly [string, number, number],
  filter: string,
  pictures: Iterable<Buffer>,
  fps = FPS,
  keyframes = 2 * FPS,
): Promise<void> {
  const raw = ['-f', 'rawvideo', '-pix_fmt', format, '-s', `${width}x${height}`, '-r', String(fps)];
  const args = ['-v', 'error', '-y', ...raw, '-i', 'pipe:0', '-vf', filter, ...ENCODE];
  const ffmpeg = spawn('ffmpeg', [...args, '-g', String(keyframes), '-keyint_min', String(keyframes), path], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(ffmpeg, 'exit');
  for (const picture of pictures) {
    if (!ffmpeg.stdin.write(picture)) await Promise.race([once(ffmpeg.stdin, 'drain'), ended]);
  }
  ffmpeg.stdin.end();
  await ended;
  if (ffmpeg.exitCode !== 0) throw new Error(`ffmpeg could not write ${path}`);
}
