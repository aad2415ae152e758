import { execFileSync } from 'node:child_process';
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { demoVideo } from '@faascam/local/demo/video';
import { checkout } from './checkout.ts';

/** Rendered once a checkout, which takes a while. */
const kept = join(checkout, '.cache/faults');

/** Between one round of visits and the next nothing happens for so long, so that the suite's own events have their turn. */
const REST_SECONDS = 45;

/** The demo's scene, in which the demo detector sees four visits, and a rest. */
export async function visits(): Promise<string> {
  const demo = await demoVideo(kept);
  const path = `${demo.replace(/\.mp4$/, '')}-rest.mp4`;
  if (existsSync(path)) return path;
  encode(['-i', demo, '-vf', `tpad=stop_mode=clone:stop_duration=${REST_SECONDS}`, '-crf', '26'], path);
  return path;
}

/** A place where nothing happens, with a sensor's noise: footage for events that the suite itself asks for. */
export function quiet(scratch: string): string {
  const path = join(scratch, 'quiet.mp4');
  if (existsSync(path)) return path;
  const picture = 'color=0x607080:size=320x180:rate=10:duration=20,noise=alls=12:allf=t';
  encode(['-f', 'lavfi', '-i', picture, '-b:v', '150k'], path);
  return path;
}

/** A keyframe a second and no picture that is reordered, as cameras send it. */
function encode(args: readonly string[], path: string): void {
  const codec = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 10 -bf 0'.split(' ');
  const unfinished = `${path}.part`;
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...args, ...codec, '-f', 'mp4', unfinished]);
  renameSync(unfinished, path);
}
