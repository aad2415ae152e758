import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { demoVideo } from '@faascam/local/demo/video';
import { checkout } from './checkout.ts';

/** Rendered once a checkout, which takes a while. */
const kept = join(checkout, '.cache/faults');

/** The demo's scene: four visits a minute, which the demo detector sees. */
export async function visits(): Promise<string> {
  return await demoVideo(kept);
}

/** A place where nothing happens, with a sensor's noise: footage for events that the suite itself asks for. */
export function quiet(scratch: string): string {
  const path = join(scratch, 'quiet.mp4');
  if (existsSync(path)) return path;
  const picture = 'color=0x607080:size=320x180:rate=10:duration=20,noise=alls=12:allf=t';
  const encode = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 10 -bf 0 -b:v 400k'.split(' ');
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', picture, ...encode, path]);
  return path;
}
