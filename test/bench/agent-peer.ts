import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { motionHeader } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import { cameraOf, headers, subjects } from '@faascam/core/subjects';
import { busyRecording, visitRecording } from './agent-footage.ts';
import { startFunction, type BenchFunction } from './agent-function.ts';
import { endOf, openBenchSite, pidOf, until, type BenchAgent, type BenchSite } from './agent-site.ts';
import { atMost, type Figure } from './figures.ts';
import { cpuTimeOf } from './processes.ts';

const SECONDS = 60;

/** Motion with less than this between is one event, as motion's `event_gap` below has it. */
const GAP_US = 2_000_000;

/**
 * The agent and the motion function against `motion` 4.5.1, on the same 1280x720@25 recordings in real time, all at the
 * same time. Counted are the agent, its ffmpegs, and the motion function's process; not NATS, nor the connector and the
 * gateway, which this process stands in for. Of `motion`: its one process, which passes footage on into files as well.
 */
export async function benchAgentPeer(scratch: string): Promise<Figure[]> {
  if (!hasMotion()) {
    process.stdout.write('  Skipped: motion is not installed: sudo apt-get install motion\n');
    return [];
  }
  const busy = await busyRecording(scratch);
  const { path: visit } = await visitRecording(scratch);
  const site = await openBenchSite(join(scratch, 'peer'));
  const ends: (() => Promise<void>)[] = [];
  try {
    const seen = new Moves(site.messaging);
    const peers: Record<string, ChildProcess> = {};
    for (const [name, video] of Object.entries({ busy, visit })) {
      const peer = startPeer(video, join(site.scratch, `motion-${name}`));
      peers[name] = peer;
      ends.push(() => endOf(peer));
    }
    const ours: Record<string, Ours> = {};
    for (const [name, video, decode] of [
      ['busy', busy, 'all'],
      ['visit-all', visit, 'all'],
      ['visit-auto', visit, 'auto'],
      ['visit-keyframes', visit, 'keyframes'],
    ] as const) {
      ours[name] = await startOurs(site, name, { source: `file:${video}`, decode });
      const { motion } = ours[name];
      ends.push(() => motion.stop());
    }
    await until('frames of all cameras', 30_000, () =>
      Object.keys(ours).every((name) => seen.first.has(name)),
    );
    await wait(2000);

    const read = (): Map<string, number> => {
      const found = new Map<string, number>();
      for (const [name, peer] of Object.entries(peers)) found.set(name, cpuTimeOf(pidOf(peer)).allSeconds);
      for (const [name, { agent, motion }] of Object.entries(ours)) {
        const [ffmpegs, node] = [cpuTimeOf(agent.pid).allSeconds, cpuTimeOf(agent.pid).ownSeconds];
        const function_ = cpuTimeOf(motion.pid).allSeconds;
        found
          .set(`our ${name}`, ffmpegs + function_)
          .set(`node ${name}`, node)
          .set(`function ${name}`, function_);
      }
      return found;
    };
    const before = read();
    await wait(SECONDS * 1000);
    const after = read();
    const cost = (name: string): number => (after.get(name) ?? NaN) - (before.get(name) ?? NaN);
    const against = (name: string, peer: string, limit?: number): Figure[] => [
      { name: `${name}: CPU a minute`, value: cost(`our ${name}`), unit: 's' },
      { name: `${name}: of it the agent's node`, value: cost(`node ${name}`), unit: 's' },
      { name: `${name}: of it the motion function`, value: cost(`function ${name}`), unit: 's' },
      limit === undefined
        ? { name: `${name} / motion`, value: cost(`our ${name}`) / cost(peer), unit: 'x' }
        : atMost(`${name} / motion`, cost(`our ${name}`) / cost(peer), 'x', limit),
    ];
    // An event ends some seconds after its last motion; then nobody has begun another in the recording.
    const events = (name: string): [number, number][] => seen.events(name);
    return [
      { name: 'motion, someone most of the time: CPU a minute', value: cost('busy'), unit: 's' },
      ...against('busy', 'busy', 0.9),
      { name: 'motion, a visit of 6 s: CPU a minute', value: cost('visit'), unit: 's' },
      ...against('visit-all', 'visit'),
      ...against('visit-keyframes', 'visit', 0.25),
      ...against('visit-auto', 'visit', 0.35),
      { name: 'events found by motion', value: filesIn(join(site.scratch, 'motion-visit')), unit: '' },
      { name: 'events found with all', value: events('visit-all').length, unit: '' },
      sameEvents('events found with auto, and like those', events('visit-auto'), events('visit-all')),
      { name: 'events found with keyframes', value: events('visit-keyframes').length, unit: '' },
      ...events('visit-all')
        .slice(0, 1)
        .map(([from]) => ({ name: 'event with all begins at', value: from, unit: 's' })),
      ...events('visit-auto')
        .slice(0, 1)
        .map(([from]) => ({ name: 'event with auto begins at', value: from, unit: 's' })),
    ];
  } finally {
    for (const end of ends) await end();
    await site.close();
  }
}

interface Ours {
  agent: BenchAgent;
  motion: BenchFunction;
}

async function startOurs(site: BenchSite, name: string, camera: object): Promise<Ours> {
  const motion = await startFunction('motion', { NATS_URL: site.server.url });
  motion.takeNewest(site.messaging, subjects.frames(name));
  return { motion, agent: await site.agent(name, { [name]: camera }) };
}

/** What the motion functions said, by camera: seconds from the camera's first frame. */
class Moves {
  readonly first = new Map<string, number>();
  readonly #moving = new Map<string, number[]>();

  constructor({ nc }: Messaging) {
    nc.subscribe(subjects.motion('*'), {
      callback: (_error, message) => {
        const camera = cameraOf(message.subject);
        const atUs = Number(message.headers?.get(headers.capturedAt));
        if (!this.first.has(camera)) this.first.set(camera, atUs);
        const said = motionHeader.parse(JSON.parse(message.headers?.get(headers.motion) ?? ''));
        if (said.kind !== 'moving') return;
        this.#moving.set(camera, [...(this.#moving.get(camera) ?? []), atUs]);
      },
    });
  }

  /** Stretches of motion in seconds, those of a single frame left out. */
  events(camera: string): [number, number][] {
    const found: [number, number][] = [];
    for (const atUs of [...(this.#moving.get(camera) ?? [])].sort((a, b) => a - b)) {
      const last = found.at(-1);
      if (last !== undefined && atUs - last[1] <= GAP_US) last[1] = atUs;
      else found.push([atUs, atUs]);
    }
    const seconds = (us: number): number => (us - (this.first.get(camera) ?? 0)) / 1e6;
    return found.filter(([from, to]) => to > from).map(([from, to]) => [seconds(from), seconds(to)]);
  }
}

/** As many events, each over most of the time of its like. */
function sameEvents(name: string, found: [number, number][], like: [number, number][]): Figure {
  const alike = found.filter(([from, to], index) => {
    const [a, b] = like[index] ?? [NaN, NaN];
    return Math.min(to, b) - Math.max(from, a) >= (b - a) / 2;
  });
  const met = found.length === like.length && alike.length === like.length;
  return { name, value: alike.length, unit: '', aim: `${like.length} of ${found.length}`, met };
}

function startPeer(video: string, folder: string): ChildProcess {
  mkdirSync(folder);
  const config = join(folder, 'motion.conf');
  const lines = {
    daemon: 'off',
    log_level: 4,
    netcam_url: `file://${video}`,
    ...{ width: 1280, height: 720, framerate: 25, threshold: 1500 },
    ...{ event_gap: GAP_US / 1e6, pre_capture: 2, post_capture: 10 },
    ...{ target_dir: folder, picture_output: 'off', movie_output: 'on', movie_passthrough: 'on' },
    ...{ movie_filename: 'event-%v', webcontrol_port: 0, stream_port: 0 },
  };
  const text = Object.entries(lines).map(([key, value]) => `${key} ${value}\n`);
  writeFileSync(config, text.join(''));
  return spawn('motion', ['-n', '-c', config], { stdio: 'ignore' });
}

function filesIn(folder: string): number {
  return readdirSync(folder).filter((name) => name.startsWith('event-')).length;
}

function hasMotion(): boolean {
  try {
    execFileSync('motion', ['-h'], { stdio: 'ignore' });
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
  }
  return true;
}
