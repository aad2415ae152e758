import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeliverPolicy } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { Msg } from '@nats-io/transport-node';
import {
  agentHealth,
  clipReady,
  parseMessage,
  type AgentHealth,
  type ClipReady,
  type ClipWanted,
} from '@faascam/core/messages';
import { freePort } from '@faascam/core/ports';
import type { CameraSettings } from '@faascam/core/settings';
import { buckets, headers, streams, subjects } from '@faascam/core/subjects';
import { startRtspCamera, type RtspCamera } from '@faascam/test-servers/rtsp-camera';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { runAgent, type AgentOptions, type RunningAgent as AgentItself } from './agent.ts';
import type { CameraChanges } from './camera-changes.ts';
import { makeVideo } from './capture/test-video.ts';
import {
  capturedAtUs,
  openTestSite,
  settingsOf,
  storedClip,
  wantedClip,
  type TestSite,
} from './test-site.ts';

const SECOND_US = 1_000_000;
const soon = { timeout: 40_000, interval: 100 };

let site: TestSite;
let video: string;
let camera: RtspCamera | undefined;
let running: RunningAgent[] = [];

beforeAll(async () => {
  site = await openTestSite();
  video = join(site.directory, 'video.mp4');
  // A keyframe a second, and pictures stored in another order than they are shown.
  const picture = 'testsrc2=size=320x240:rate=10:duration=20';
  await makeVideo('-f', 'lavfi', '-i', picture, '-g', '10', '-bf', '2', '-pix_fmt', 'yuv420p', video);
});

afterEach(async () => {
  for (const agent of running) await agent.stop();
  running = [];
  await camera?.stop();
  camera = undefined;
});

afterAll(async () => {
  await site.close();
});

interface RunningAgent {
  stop(): Promise<void>;
  apply(cameras: Record<string, CameraSettings>): Promise<CameraChanges>;
}

function start(cameras: Record<string, string>, timing: AgentOptions['timing'] = {}): RunningAgent {
  const stop = new AbortController();
  let setRunning: (agent: AgentItself) => void = () => undefined;
  const started = new Promise<AgentItself>((resolve) => (setRunning = resolve));
  const agent = runAgent({
    id: 'edge',
    configRevision: 'r1',
    onRunning: setRunning,
    dataDirectory: join(site.directory, 'data'),
    cameras: Object.fromEntries(Object.entries(cameras).map(([id, source]) => [id, settingsOf(source)])),
    messaging: site.messaging,
    log: site.log,
    signal: stop.signal,
    timing: { random: () => 0.5, ackWaitMs: 3000, offerWaitsMs: [1000], graceMs: 3000, ...timing },
  });
  const stopped = {
    stop: async () => {
      stop.abort();
      await agent;
    },
    apply: async (cameras: Record<string, CameraSettings>) => await (await started).apply({ cameras }),
  };
  running.push(stopped);
  return stopped;
}

interface SeenFrame {
  kind: string;
  atUs: number;
  seq: number;
}

/** Every message on a camera's frames from now on. */
async function watchFrames(id: string): Promise<SeenFrame[]> {
  const seen: SeenFrame[] = [];
  site.messaging.nc.subscribe(subjects.frames(id), {
    callback: (_error, frame: Msg) => {
      const kind = frame.headers?.get(headers.kind) ?? '';
      seen.push({ kind, atUs: capturedAtUs(frame), seq: Number(frame.headers?.get(headers.seq)) });
    },
  });
  await site.messaging.nc.flush();
  return seen;
}

async function health(): Promise<AgentHealth['cameras']> {
  const bucket = await new Kvm(site.messaging.nc).open(buckets.agents);
  const entry = await bucket.get('edge');
  return entry === null ? {} : parseMessage(agentHealth, entry.value, 'health').cameras;
}

async function want(id: string, fromUs: number, toUs: number): Promise<ClipWanted> {
  const wanted = wantedClip(id, fromUs, toUs);
  await site.messaging.js.publish(subjects.clipsWanted(id), JSON.stringify(wanted));
  return wanted;
}

/** Waits for the offer of a wanted clip. */
async function offerOf(wanted: ClipWanted): Promise<ClipReady> {
  const consumer = await site.messaging.js.consumers.get(streams.clips, {
    filter_subjects: subjects.clipsReady(wanted.camera),
    deliver_policy: DeliverPolicy.All,
  });
  for (let tries = 0; tries < 20; tries++) {
    const message = await consumer.next({ expires: 30_000 });
    if (message === null) break;
    const ready = parseMessage(clipReady, message.data, message.subject);
    if (ready.eventId === wanted.eventId) return ready;
  }
  throw new Error(`no offer came for ${wanted.eventId}`);
}

async function store(wanted: ClipWanted): Promise<void> {
  await site.messaging.js.publish(subjects.clipsStored(wanted.camera), JSON.stringify(storedClip(wanted)));
}

async function openRequests(id: string): Promise<number> {
  const info = await site.messaging.jsm.consumers.info(streams.clips, `edge-agent-${id}`);
  return info.num_ack_pending + info.num_pending;
}

describe('agent', () => {
  test('a live file gives frames in real time, a whole clip, health, and a last word', async () => {
    const frames = await watchFrames('file');
    const agent = start({ file: `file:${video}` });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(30), soon);

    const beginUs = frames[3]?.atUs ?? 0;
    const wanted = await want('file', beginUs, beginUs + 4 * SECOND_US);
    const ready = await offerOf(wanted);
    expect(ready.gaps).toEqual([]);
    expect(ready.codec).toEqual({ video: 'h264' });
    expect(ready.segments[0]?.startUs).toBeLessThanOrEqual(beginUs);
    const last = ready.segments.at(-1);
    expect((last?.startUs ?? 0) + (last?.durationUs ?? 0)).toBeGreaterThanOrEqual(wanted.toUs);
    // Frames and segments tell the same time: a segment begins with a picture that was sampled.
    for (const { startUs } of ready.segments) {
      const nearest = Math.min(...frames.map(({ atUs }) => Math.abs(atUs - startUs)));
      expect(nearest).toBeLessThanOrEqual(2000);
    }
    await store(wanted);
    await vi.waitFor(async () => expect(await openRequests('file')).toBe(0), soon);

    await vi.waitFor(async () => {
      const { file } = await health();
      expect(file).toMatchObject({ state: 'streaming', restarts: 0, framesDropped: 0 });
      expect(file?.framesPublished).toBeGreaterThan(30);
      expect(file?.ring.segments).toBeGreaterThan(2);
    }, soon);

    await agent.stop();
    const images = frames.filter(({ kind }) => kind === 'image');
    expect(frames.at(-1)?.kind).toBe('lost');
    expect(frames.at(-1)?.atUs).toBe((images.at(-1)?.atUs ?? 0) + 200_000);
    for (const [i, { atUs, seq }] of frames.entries()) {
      expect(seq).toBe(i + 1);
      const before = frames[i - 1]?.atUs;
      if (before !== undefined) expect(atUs - before).toBeGreaterThan(150_000);
    }
    // Real time: as much of the picture's time passed as of ours.
    expect(Math.abs((images.at(-1)?.atUs ?? 0) - Date.now() * 1000)).toBeLessThan(20 * SECOND_US);
    expect((await health())['file']?.state).toBe('stopped');
  });

  test('an RTSP camera with digest authentication and reordered pictures streams', async () => {
    camera = await startRtspCamera({ video, user: 'cam', password: 's3cret/pass word' });
    const frames = await watchFrames('rtsp');
    start({ rtsp: camera.url });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(25), soon);
    const beginUs = frames[1]?.atUs ?? 0;
    const ready = await offerOf(await want('rtsp', beginUs, beginUs + 3 * SECOND_US));
    expect(ready.gaps).toEqual([]);
    expect(ready.segments.length).toBeGreaterThan(1);
  });

  test('what is wrong with a camera is said in its health, without the password', async () => {
    camera = await startRtspCamera({ user: 'cam', password: 's3cret' });
    start({
      password: camera.url.replace('s3cret', 'geheim'),
      path: `${camera.url}/nowhere`,
      nobody: `rtsp://cam:geheim@127.0.0.1:${await freePort()}/cam`,
      text: `file:${new URL(import.meta.url).pathname}`,
      missing: 'file:/nowhere/video.mp4',
    });
    await vi.waitFor(async () => {
      const cameras = await health();
      expect(cameras['password']?.cause).toContain('refused the login');
      expect(cameras['path']?.cause).toContain('no stream under this path');
      expect(cameras['nobody']?.cause).toContain('does not listen on this port');
      expect(cameras['text']?.cause).toContain('not a video');
      expect(cameras['missing']?.cause).toContain('no such file');
      expect(JSON.stringify(cameras)).not.toMatch(/geheim|s3cret/);
    }, soon);
  });

  test('a camera that dies is said to be lost, and recorded again when it is back', async () => {
    camera = await startRtspCamera({ video });
    const { port, url } = camera;
    const frames = await watchFrames('dies');
    start({ dies: url }, { lostMs: 2000 });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(15), soon);
    await camera.kill('SIGKILL');
    await vi.waitFor(() => expect(frames.at(-1)?.kind).toBe('lost'), soon);
    const lostUs = frames.at(-1)?.atUs ?? 0;
    await vi.waitFor(async () => {
      const { dies } = await health();
      expect(dies?.state).toBe('waiting');
      // Whether it noticed the end, or has tried again since.
      expect(dies?.cause).toMatch(/ended its stream|does not listen on this port/);
    }, soon);
    await camera.stop();

    camera = await startRtspCamera({ video, port });
    const before = frames.length;
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(before + 20), soon);
    expect(frames.filter(({ kind }) => kind === 'lost').length).toBe(1);
    const backUs = frames[before]?.atUs ?? 0;
    expect(backUs).toBeGreaterThan(lostUs);
    const ready = await offerOf(await want('dies', lostUs - 2 * SECOND_US, backUs + SECOND_US));
    expect(ready.gaps.map(({ cause }) => cause)).toEqual(['camera-lost']);
    const [gap] = ready.gaps;
    expect(Math.abs((gap?.fromUs ?? 0) - lostUs)).toBeLessThan(1.5 * SECOND_US);
    expect(Math.abs((gap?.toUs ?? 0) - backUs)).toBeLessThan(1.5 * SECOND_US);
  });

  test('a camera that freezes with its connection open is noticed by its missing pictures', async () => {
    camera = await startRtspCamera({ video });
    const frames = await watchFrames('freezes');
    start({ freezes: camera.url }, { stallMs: 1500, lostMs: 3000 });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(15), soon);
    process.kill(camera.feederPid, 'SIGSTOP');
    await vi.waitFor(() => expect(frames.at(-1)?.kind).toBe('lost'), soon);
    await vi.waitFor(async () => expect((await health())['freezes']?.restarts).toBeGreaterThan(0), soon);
    process.kill(camera.feederPid, 'SIGCONT');
    const before = frames.length;
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(before + 5), soon);
    expect(frames.at(-1)?.kind).toBe('image');
  });

  test('a request outlives the agent: its footage is kept, and the time without agent is named', async () => {
    const frames = await watchFrames('outlives');
    const first = start({ outlives: `file:${video}` });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(20), soon);
    const beginUs = frames[5]?.atUs ?? 0;
    const endUs = frames.at(-1)?.atUs ?? 0;
    const wanted = await want('outlives', beginUs, endUs + 10 * SECOND_US);
    await vi.waitFor(async () => expect(await openRequests('outlives')).toBe(1), soon);
    await first.stop();
    const stoppedUs = frames.at(-1)?.atUs ?? 0;
    await vi.waitFor(() => expect(Date.now() * 1000).toBeGreaterThan(stoppedUs + 2 * SECOND_US), soon);

    const before = frames.length;
    start({ outlives: `file:${video}` });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(before + 10), soon);
    const backUs = frames[before]?.atUs ?? 0;
    const ready = await offerOf(wanted);
    expect(ready.segments[0]?.startUs).toBeLessThanOrEqual(beginUs);
    expect(ready.gaps.length).toBe(1);
    expect(ready.gaps[0]?.cause).toBe('agent-stopped');
    expect(Math.abs((ready.gaps[0]?.fromUs ?? 0) - stoppedUs)).toBeLessThan(SECOND_US);
    expect(Math.abs((ready.gaps[0]?.toUs ?? 0) - backUs)).toBeLessThan(SECOND_US);
    await store(wanted);
    await vi.waitFor(async () => expect(await openRequests('outlives')).toBe(0), soon);
  });

  test('a request for what was never recorded is answered with the reason', async () => {
    const frames = await watchFrames('early');
    start({ early: `file:${video}` });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(12), soon);
    const beginUs = frames[0]?.atUs ?? 0;
    const ready = await offerOf(await want('early', beginUs - 60 * SECOND_US, beginUs - 50 * SECOND_US));
    expect(ready.segments).toEqual([]);
    expect(ready.gaps).toEqual([{ fromUs: ready.fromUs, toUs: ready.toUs, cause: 'before-start' }]);
    const both = await offerOf(await want('early', beginUs - 5 * SECOND_US, beginUs + SECOND_US));
    expect(both.segments.length).toBeGreaterThan(0);
    expect(both.gaps).toMatchObject([{ fromUs: both.fromUs, cause: 'before-start' }]);
    expect(Math.abs((both.gaps[0]?.toUs ?? 0) - beginUs)).toBeLessThan(2000);
  });

  test('a camera whose settings are wrong says so, and the others run', async () => {
    const frames = await watchFrames('right');
    const blocked = join(site.directory, 'data', 'ring', 'blocked');
    await mkdir(join(site.directory, 'data', 'ring'), { recursive: true });
    await writeFile(blocked, 'a file where a folder should be');
    start({ odd: 'gopher://cam:geheim@10.0.0.7', blocked: `file:${video}`, right: `file:${video}` });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(10), soon);
    await vi.waitFor(async () => {
      const { odd, blocked, right } = await health();
      expect(odd).toMatchObject({ state: 'failed', causeCode: 'bad-source' });
      expect(odd?.cause).toMatch(/gopher: is not supported/);
      expect(odd?.cause).not.toContain('geheim');
      expect(blocked).toMatchObject({ state: 'waiting', causeCode: 'EEXIST' });
      expect(right).toMatchObject({ state: 'streaming', restarts: 0 });
    }, soon);
    // What stood in the way is gone: it is tried again.
    await rm(blocked);
    await vi.waitFor(async () => expect((await health())['blocked']?.state).toBe('streaming'), soon);
  });

  test('a new order touches only the cameras that differ', async () => {
    const stays = await watchFrames('stays');
    const turns = await watchFrames('turns');
    const goes = await watchFrames('goes');
    const comes = await watchFrames('comes');
    const source = `file:${video}`;
    const agent = start({ stays: source, turns: source, goes: source });
    await vi.waitFor(() => {
      for (const frames of [stays, turns, goes]) expect(frames.length).toBeGreaterThan(10);
    }, soon);
    const untouched = ffmpegOf('stays');
    expect(untouched).toHaveLength(1);
    const endedUs = goes.at(-1)?.atUs ?? 0;
    const wanted = wantedClip('goes', endedUs - SECOND_US, endedUs + 60 * SECOND_US);

    const changes = await agent.apply({
      stays: settingsOf(source, { ring: { minutes: 5 } }),
      turns: settingsOf(source, { frames: { width: 160 } }),
      comes: settingsOf(source),
    });
    expect(changes).toEqual({
      added: ['comes'],
      removed: ['goes'],
      changed: [
        { camera: 'stays', keys: ['ring.minutes'] },
        { camera: 'turns', keys: ['frames.width'] },
      ],
    });
    // Who goes or begins anew had its last word, and its recording is closed.
    expect(goes.at(-1)?.kind).toBe('lost');
    expect(turns.map(({ kind }) => kind)).toContain('lost');
    const before = stays.length;
    await vi.waitFor(() => expect(comes.length).toBeGreaterThan(10), soon);
    await vi.waitFor(() => expect(turns.at(-1)?.kind).toBe('image'), soon);
    expect(stays.length).toBeGreaterThan(before);
    expect(stays.map(({ kind }) => kind)).not.toContain('lost');
    expect(ffmpegOf('stays')).toEqual(untouched);
    expect(ffmpegOf('goes')).toEqual([]);
    await vi.waitFor(async () => {
      expect(Object.keys(await health()).sort()).toEqual(['comes', 'stays', 'turns']);
    }, soon);
    // The clip of its last event is still served, without waiting for what will not come.
    await site.messaging.js.publish(subjects.clipsWanted('goes'), JSON.stringify(wanted));
    const ready = await offerOf(wanted);
    expect(ready.segments.length).toBeGreaterThan(0);
    expect(ready.gaps.map(({ cause }) => cause)).toEqual(['camera-lost']);

    // Taken in again, it goes on where it was.
    const length = goes.length;
    await agent.apply({ goes: settingsOf(source) });
    await vi.waitFor(() => expect(goes.length).toBeGreaterThan(length + 5), soon);
    for (const [i, { seq }] of goes.entries()) expect(seq).toBe(i + 1);
  });

  test('health tells what each camera costs, and of the agent itself', async () => {
    const frames = await watchFrames('told');
    start({ told: `file:${video}` });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(20), soon);
    await vi.waitFor(async () => {
      const bucket = await new Kvm(site.messaging.nc).open(buckets.agents);
      const entry = await bucket.get('edge');
      const whole = parseMessage(agentHealth, entry?.value ?? '', 'health');
      expect(whole.versions?.node).toBe(process.versions.node);
      expect(whole.versions?.ffmpeg).toMatch(/^\d+\.\d+|unknown/);
      expect(whole.uplink).toMatchObject({ state: 'connected', losses: 0 });
      expect(whole.host?.memoryBytes).toBeGreaterThan(1e6);
      expect(whole.configRevision).toBe('r1');
      const told = whole.cameras['told'];
      expect(told?.bytesSent).toBeGreaterThan(1000);
      expect(told?.bytesSentLastHour).toBe(told?.bytesSent);
      expect(told?.ring.bytesWrittenLastHour).toBe(told?.ring.bytes);
      expect(told?.ring.bytes).toBeGreaterThan(1000);
      expect(Math.abs((told?.lastSegmentAtUs ?? 0) - Date.now() * 1000)).toBeLessThan(30 * SECOND_US);
    }, soon);
  });
});

/** The processes that record a camera. */
function ffmpegOf(id: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      return line.startsWith('ffmpeg\0') && line.includes(join(site.directory, 'data', 'ring', id))
        ? [Number(name)]
        : [];
    } catch {
      return []; // no process, or it ended while we looked
    }
  });
}
