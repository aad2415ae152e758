import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createRandom } from '@faascam/local/demo/random';
import { startBenchCamera, type BenchCamera } from './agent-camera.ts';
import { openBenchSite, until, watchFrames } from './agent-site.ts';
import { codesInVideo } from './agent-time-code.ts';
import { percentile, type Figure } from './figures.ts';
import { usageBelow } from './processes.ts';

const CAMERAS = 10;
const FPS = 10;
const STREAMED_MS = 6000;
/** A segment is as long as this and goes on to the next keyframe, of which there is one a second. */
const SEGMENT_MS = 2000;
const LONGEST_SEGMENT_MS = SEGMENT_MS + 1000;
/** A picture's way from its making into the file. */
const WAY_MS = 400;

/** Kills the ffmpegs of ten cameras while they write, and looks for each picture that the cameras made in the rings. */
export async function benchAgentTorn(scratch: string): Promise<Figure[]> {
  const site = await openBenchSite(join(scratch, 'torn'));
  const cameras: BenchCamera[] = [];
  try {
    const newestMs = new Map<string, number>();
    watchFrames(site.messaging, '*', ({ camera, kind, capturedAtUs }) => {
      if (kind === 'image') newestMs.set(camera, capturedAtUs / 1000);
    });
    for (let n = 0; n < CAMERAS; n++) cameras.push(await startBenchCamera({ picture: { fps: FPS } }));
    const names = cameras.map((_, n) => `torn-${n}`);
    const agent = await site.agent(
      'torn',
      Object.fromEntries(
        cameras.map(({ url }, n) => [
          `torn-${n}`,
          { source: url, decode: 'all', ring: { segmentMs: SEGMENT_MS } },
        ]),
      ),
    );
    await until('frames of all cameras', 60_000, () => newestMs.size === CAMERAS);
    await wait(STREAMED_MS);
    const random = createRandom(7);
    const killsMs: number[] = [];
    for (const { port } of cameras) {
      // At any moment of a segment.
      await wait(random.next() * SEGMENT_MS);
      const ffmpeg = await writerBelow(agent.pid, port);
      killsMs.push(Date.now());
      process.kill(ffmpeg, 'SIGKILL');
    }
    const killedMs = Date.now();
    await until('frames of all cameras after the kills', 60_000, () =>
      names.every((name) => (newestMs.get(name) ?? 0) > killedMs),
    );
    await wait(STREAMED_MS);
    await agent.stop();
    const found = await Promise.all(
      cameras.map(async ({ codes }, n) => {
        const held = await codesIn(join(agent.data, 'ring', `torn-${n}`));
        return lossOf(codes, held, (killsMs[n] ?? NaN) % 2 ** 32);
      }),
    );
    return figuresOf(found);
  } finally {
    await Promise.all(cameras.map((camera) => camera.kill()));
    await site.close();
  }
}

async function codesIn(folder: string): Promise<Set<number>> {
  const held = new Set<number>();
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.mkv'))) {
    for (const code of await codesInVideo(join(folder, name))) held.add(code);
  }
  return held;
}

interface Loss {
  /** From the last picture before the kill that is there to the kill. */
  beforeMs: number;
  /** From the kill to the first picture after it that is there. */
  afterMs: number;
  /** Pictures between the first and the last in the ring that are missing, but not around the kill. */
  elsewhere: number;
}

function lossOf(made: readonly number[], held: ReadonlySet<number>, kill: number): Loss {
  const kept = made.filter((code) => held.has(code));
  const last = kept.findLast((code) => code <= kill) ?? -Infinity;
  const next = kept.find((code) => code > kill) ?? Infinity;
  const elsewhere = made.filter(
    (code) =>
      !held.has(code) &&
      code > (kept[0] ?? Infinity) &&
      code < (kept.at(-1) ?? -Infinity) &&
      (code < last || code > next),
  );
  return { beforeMs: kill - last, afterMs: next - kill, elsewhere: elsewhere.length };
}

function figuresOf(found: readonly Loss[]): Figure[] {
  const whole = found.filter(({ beforeMs }) => beforeMs <= LONGEST_SEGMENT_MS + WAY_MS).length;
  const elsewhere = found.reduce((sum, loss) => sum + loss.elsewhere, 0);
  const [before, after] = [found.map(({ beforeMs }) => beforeMs), found.map(({ afterMs }) => afterMs)];
  const none = { aim: 'none', met: elsewhere === 0 };
  return [
    { name: 'ffmpeg killed: footage lost before it, p50', value: percentile(before, 50) / 1000, unit: 's' },
    { name: 'ffmpeg killed: footage lost before it, most', value: Math.max(...before) / 1000, unit: 's' },
    { name: 'ffmpeg killed: footage lost after it, most', value: Math.max(...after) / 1000, unit: 's' },
    {
      name: 'ffmpeg killed: no more lost before it than one segment',
      value: whole,
      unit: '',
      aim: `${found.length} of ${found.length}`,
      met: whole === found.length,
    },
    { name: 'ffmpeg killed: pictures lost elsewhere', value: elsewhere, unit: '', ...none },
  ];
}

/** The ffmpeg that writes the segments of the camera at this port. */
async function writerBelow(agent: number, port: number): Promise<number> {
  let found: number | undefined;
  await until('the ffmpeg that writes segments', 20_000, () => {
    found = usageBelow(agent).find(({ name, pid }) => name === 'ffmpeg' && writesSegments(pid, port))?.pid;
    return found !== undefined;
  });
  return found ?? NaN;
}

function writesSegments(pid: number, port: number): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return line.includes('\0segment\0') && line.includes(`:${port}/`);
  } catch {
    return false; // It has just ended.
  }
}
