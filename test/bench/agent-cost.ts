import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { busyRecording } from './agent-footage.ts';
import { endOf, openBenchSite, pidOf, until, watchFrames } from './agent-site.ts';
import { atMost, type Figure } from './figures.ts';
import { cpuTimeOf, memoryOf, usageBelow } from './processes.ts';

const SECONDS = 60;
const MORE_CAMERAS = 4;

/**
 * What the agent costs beside what ffmpeg alone would cost: one camera at 5 frames a second, everything decoded, and at
 * the same time an ffmpeg with the very arguments of the agent's own, its pipes replaced by files; and a second agent
 * with four cameras, for what each more takes. All meet the same noise of the machine.
 */
export async function benchAgentCost(scratch: string): Promise<Figure[]> {
  const video = await busyRecording(scratch);
  const site = await openBenchSite(join(scratch, 'cost'));
  const bare: ChildProcess[] = [];
  try {
    const camera = { source: `file:${video}`, decode: 'all', frames: { fps: 5, idleFps: 5 } };
    const seen = new Map<string, number>();
    watchFrames(site.messaging, '*', ({ camera: name }) => seen.set(name, (seen.get(name) ?? 0) + 1));
    const one = await site.agent('one', { yard: camera });
    const more = await site.agent(
      'more',
      Object.fromEntries(Array.from({ length: MORE_CAMERAS }, (_, n) => [`yard-${n}`, camera])),
    );
    await until('frames of all cameras', 30_000, () => seen.size === 1 + MORE_CAMERAS);

    const args = await ffmpegArgsOf(one.pid);
    const folder = join(site.scratch, 'bare');
    mkdirSync(folder);
    bare.push(spawn('ffmpeg', intoFiles(args, join(folder, 'same')), { stdio: 'ignore' }));
    bare.push(spawn('ffmpeg', plainArgs(video, join(folder, 'plain')), { stdio: 'ignore' }));
    // What a start costs is another matter: it is done with after half a minute.
    await wait(30_000);

    const [same, plain] = bare.map(pidOf);
    if (same === undefined || plain === undefined) throw new TypeError('two ffmpegs run');
    const read = () => ({
      agent: cpuTimeOf(one.pid),
      more: cpuTimeOf(more.pid),
      same: cpuTimeOf(same),
      plain: cpuTimeOf(plain),
      frames: seen.get('yard') ?? 0,
    });
    const before = read();
    await wait(SECONDS * 1000);
    const after = read();
    const agent = after.agent.allSeconds - before.agent.allSeconds;
    const own = after.agent.ownSeconds - before.agent.ownSeconds;
    const sameCpu = after.same.allSeconds - before.same.allSeconds;
    const plainCpu = after.plain.allSeconds - before.plain.allSeconds;
    const ownOfMore = (after.more.ownSeconds - before.more.ownSeconds) / MORE_CAMERAS;
    const [memory, memoryOfMore] = [memoryOf(one.pid), memoryOf(more.pid)];
    const fps = (after.frames - before.frames) / SECONDS;
    return [
      { name: 'frames published', value: fps, unit: '/s' },
      { name: 'agent with its ffmpeg: CPU a minute', value: agent, unit: 's' },
      { name: 'its ffmpeg alone, into files: CPU a minute', value: sameCpu, unit: 's' },
      atMost('agent / the same ffmpeg into files', agent / sameCpu, 'x', 1.1),
      { name: 'agent / a plain ffmpeg: fps=5, JPEG files', value: agent / plainCpu, unit: 'x' },
      atMost('node itself, one camera: CPU a minute', own, 's', 0.3),
      atMost(`node itself, a camera of ${MORE_CAMERAS}: CPU a minute`, ownOfMore, 's', 0.3),
      atMost('node memory, one camera', memory, 'MB', 60),
      atMost(
        `node memory, each more camera (of ${MORE_CAMERAS})`,
        (memoryOfMore - memory) / (MORE_CAMERAS - 1),
        'MB',
        12,
      ),
    ];
  } finally {
    await Promise.all(bare.map(endOf));
    await site.close();
  }
}

/** The arguments of the ffmpeg that runs below a process. */
async function ffmpegArgsOf(pid: number): Promise<string[]> {
  let found: string[] = [];
  await until('the ffmpeg of the agent', 10_000, () => {
    const ffmpeg = usageBelow(pid).find(({ name }) => name === 'ffmpeg');
    if (ffmpeg !== undefined)
      found = readFileSync(`/proc/${ffmpeg.pid}/cmdline`, 'utf8').split('\0').slice(1, -1);
    return found.length > 0;
  });
  return found;
}

/** The same work into files: each pipe is one, and segments go to a folder of their own. */
function intoFiles(args: readonly string[], folder: string): string[] {
  mkdirSync(folder);
  return [
    '-nostdin',
    '-y',
    ...args.map((arg) =>
      arg
        .replace(/^\/.*\/([^/]*%\d*d[^/]*)$/, join(folder, '$1'))
        .replaceAll(/pipe\\*:(\d)/g, (_pipe, number: string) => join(folder, `pipe-${number}`)),
    ),
  ];
}

/** What anyone would write who wants segments and five JPEGs a second. */
function plainArgs(video: string, folder: string): string[] {
  mkdirSync(folder);
  return [
    ...['-nostdin', '-v', 'error', '-re', '-stream_loop', '-1', '-i', video],
    ...['-map', '0:v', '-c', 'copy', '-f', 'segment', '-segment_time', '2', join(folder, '%06d.mkv')],
    ...['-map', '0:v', '-vf', 'fps=5', '-q:v', '5', '-threads', '1', join(folder, '%06d.jpg')],
  ];
}
