import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assemble, type Clip } from '@faascam/clip/assemble';
import { lookThrough } from '@faascam/clip/look';
import type { SegmentFile } from '@faascam/clip/segment';
import { clipSettings } from '@faascam/core/clip-settings';
import { benchClipFunction } from './clip-function.ts';
import { atMost, median, type Figure } from './figures.ts';

const RUNS = 5;
const SEGMENT_SECONDS = 2;
const noAbort = new AbortController().signal;
const bare = clipSettings.parse({ preview: { enabled: false }, strip: { enabled: false } });

/**
 * What a clip of 30 s of 1280x720 at 4 Mbit/s costs beside ffmpeg's plain copy of the same segments, how long the clip
 * function takes for it, and how much memory it takes for ten minutes.
 */
export async function benchClips(scratch: string): Promise<Figure[]> {
  const short = footage(scratch, 30);
  const list = join(short.directory, 'list.ffconcat');
  const lines = short.segments.map(({ path }) => `file '${path}'`);
  writeFileSync(list, ['ffconcat version 1.0', ...lines, ''].join('\n'));
  const times = {
    copy: [] as number[],
    assembly: [] as number[],
    proof: [] as number[],
    pictures: [] as number[],
  };
  for (let run = 0; run < RUNS; run++) {
    const folder = await mkdtemp(join(scratch, 'clip-'));
    times.copy.push(await msOf(() => plainCopy(list, join(folder, 'plain.mp4'))));
    let clip: Clip | undefined;
    times.assembly.push(
      await msOf(async () => {
        [clip] = (await assemble(short.segments, folder, noAbort)).clips;
      }),
    );
    if (clip === undefined) throw new Error('the footage gave no clip');
    const made = clip;
    times.proof.push(await msOf(() => lookThrough(made, folder, bare, noAbort)));
    times.pictures.push(await msOf(() => lookThrough(made, folder, clipSettings.parse(undefined), noAbort)));
    await rm(folder, { recursive: true });
  }
  const copyMs = median(times.copy);
  const assemblyMs = median(times.assembly);
  return [
    { name: 'ffmpeg -c copy of 15 segments, 30 s of 1280x720', value: copyMs, unit: 'ms' },
    { name: 'assembly, compared packet by packet', value: assemblyMs, unit: 'ms' },
    atMost('assembly / ffmpeg -c copy', assemblyMs / copyMs, 'x', 1.5),
    {
      name: 'and decoded to its end / ffmpeg -c copy',
      value: (assemblyMs + median(times.proof)) / copyMs,
      unit: 'x',
    },
    { name: 'decoding it to its end', value: median(times.proof), unit: 'ms' },
    { name: 'likewise, with preview and strip', value: median(times.pictures), unit: 'ms' },
    ...(await benchClipFunction(scratch, short.segments, footage(scratch, 600).segments)),
  ];
}

async function msOf(work: () => unknown): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

function plainCopy(list: string, output: string): void {
  const from = ['-v', 'error', '-nostdin', '-f', 'concat', '-safe', '0', '-i', list];
  execFileSync('ffmpeg', [...from, '-map', '0', '-c', 'copy', '-movflags', '+faststart', output]);
}

/** Segments as an agent cuts them: half a minute of noisy pictures at 4 Mbit/s with AAC, over and over. */
function footage(scratch: string, seconds: number): { directory: string; segments: SegmentFile[] } {
  const directory = mkdtempSync(join(scratch, `footage-${seconds}-`));
  const camera = join(scratch, 'clip-camera.mp4');
  const kept = join(directory, 'segments');
  mkdirSync(kept);
  const encode =
    '-c:v libx264 -preset ultrafast -g 50 -bf 0 -b:v 4M -maxrate 4M -bufsize 8M -pix_fmt yuv420p -c:a aac';
  const inputs = [
    ...['-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=25:duration=30'],
    ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=16000:duration=30'],
    ...['-vf', 'noise=alls=12:allf=t'],
  ];
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...inputs, ...encode.split(' '), camera]);
  const loops = ['-stream_loop', String(Math.ceil(seconds / 30) - 1)];
  const cut = `-map 0 -c copy -f segment -segment_format matroska -segment_time ${SEGMENT_SECONDS}`.split(
    ' ',
  );
  execFileSync('ffmpeg', ['-v', 'error', ...loops, '-i', camera, ...cut, join(kept, '%04d.mkv')]);
  rmSync(camera);
  const originUs = 1_767_323_045_000_000;
  const segments = readdirSync(kept)
    .sort()
    .map((name, index): SegmentFile => {
      const path = join(kept, name);
      const bytes = readFileSync(path);
      const durationUs = SEGMENT_SECONDS * 1_000_000;
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const ref = {
        object: name,
        sha256,
        sizeBytes: bytes.length,
        startUs: originUs + index * durationUs,
        durationUs,
      };
      return { path, ref };
    });
  return { directory, segments };
}
