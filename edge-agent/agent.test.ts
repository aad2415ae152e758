import { freePort } from '@faascam/core/ports';
import { freeze } from '@faascam/test-servers/children';
import { startRtspCamera, type RtspCamera } from '@faascam/test-servers/rtsp-camera';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { openAgentTest, SECOND_US, soon, type AgentTest } from './test-agent.ts';

let camera: RtspCamera | undefined;
let given: AgentTest;

beforeAll(async () => {
  given = await openAgentTest();
});

afterEach(async () => {
  await given.stopAll();
  await camera?.stop();
  camera = undefined;
});

afterAll(async () => {
  await given.close();
});

describe('agent', () => {
  test('a live file gives frames in real time, a whole clip, health, and a last word', async () => {
    const frames = await given.watchFrames('file');
    const agent = given.start({ file: `file:${given.video}` });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(30), soon);

    const beginUs = frames[3]?.atUs ?? 0;
    const wanted = await given.want('file', beginUs, beginUs + 4 * SECOND_US);
    const ready = await given.offerOf(wanted);
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
    await given.store(wanted);
    await vi.waitFor(async () => expect(await given.openRequests('file')).toBe(0), soon);

    await vi.waitFor(async () => {
      const { file } = await given.health();
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
    expect((await given.health())['file']?.state).toBe('stopped');
  });

  test('an RTSP camera with digest authentication and reordered pictures streams', async () => {
    camera = await startRtspCamera({ video: given.video, user: 'cam', password: 's3cret/pass word' });
    const frames = await given.watchFrames('rtsp');
    given.start({ rtsp: camera.url });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(25), soon);
    const beginUs = frames[1]?.atUs ?? 0;
    const ready = await given.offerOf(await given.want('rtsp', beginUs, beginUs + 3 * SECOND_US));
    expect(ready.gaps).toEqual([]);
    expect(ready.segments.length).toBeGreaterThan(1);
  });

  test('what is wrong with a camera is said in its health, without the password', async () => {
    camera = await startRtspCamera({ user: 'cam', password: 's3cret' });
    given.start({
      password: camera.url.replace('s3cret', 'geheim'),
      path: `${camera.url}/nowhere`,
      nobody: `rtsp://cam:geheim@127.0.0.1:${await freePort()}/cam`,
      text: `file:${new URL(import.meta.url).pathname}`,
      missing: 'file:/nowhere/video.mp4',
    });
    await vi.waitFor(async () => {
      const cameras = await given.health();
      expect(cameras['password']?.cause).toContain('refused the login');
      expect(cameras['path']?.cause).toContain('no stream under this path');
      expect(cameras['nobody']?.cause).toContain('does not listen on this port');
      expect(cameras['text']?.cause).toContain('not a video');
      expect(cameras['missing']?.cause).toContain('no such file');
      expect(JSON.stringify(cameras)).not.toMatch(/geheim|s3cret/);
    }, soon);
  });

  test('a camera that dies is said to be lost, and recorded again when it is back', async () => {
    camera = await startRtspCamera({ video: given.video });
    const { port, url } = camera;
    const frames = await given.watchFrames('dies');
    given.start({ dies: url }, { lostMs: 2000 });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(15), soon);
    await camera.kill('SIGKILL');
    await vi.waitFor(() => expect(frames.at(-1)?.kind).toBe('lost'), soon);
    const lostUs = frames.at(-1)?.atUs ?? 0;
    await vi.waitFor(async () => {
      const { dies } = await given.health();
      expect(dies?.state).toBe('waiting');
      // Whether it noticed the end, or has tried again since.
      expect(dies?.cause).toMatch(/ended its stream|does not listen on this port/);
    }, soon);
    await camera.stop();

    camera = await startRtspCamera({ video: given.video, port });
    const before = frames.length;
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(before + 20), soon);
    expect(frames.filter(({ kind }) => kind === 'lost').length).toBe(1);
    const backUs = frames[before]?.atUs ?? 0;
    expect(backUs).toBeGreaterThan(lostUs);
    const ready = await given.offerOf(await given.want('dies', lostUs - 2 * SECOND_US, backUs + SECOND_US));
    expect(ready.gaps.map(({ cause }) => cause)).toEqual(['camera-lost']);
    const [gap] = ready.gaps;
    expect(Math.abs((gap?.fromUs ?? 0) - lostUs)).toBeLessThan(1.5 * SECOND_US);
    expect(Math.abs((gap?.toUs ?? 0) - backUs)).toBeLessThan(1.5 * SECOND_US);
  });

  test('a camera that freezes with its connection open is noticed by its missing pictures', async () => {
    camera = await startRtspCamera({ video: given.video });
    const frames = await given.watchFrames('freezes');
    given.start({ freezes: camera.url }, { stallMs: 1500, lostMs: 3000 });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(15), soon);
    await freeze(camera.feederPid);
    await vi.waitFor(() => expect(frames.at(-1)?.kind).toBe('lost'), soon);
    await vi.waitFor(
      async () => expect((await given.health())['freezes']?.restarts).toBeGreaterThan(0),
      soon,
    );
    process.kill(camera.feederPid, 'SIGCONT');
    const before = frames.length;
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(before + 5), soon);
    expect(frames.at(-1)?.kind).toBe('image');
  });

  test('a request outlives the agent: its footage is kept, and the time without agent is named', async () => {
    const frames = await given.watchFrames('outlives');
    const first = given.start({ outlives: `file:${given.video}` });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(20), soon);
    const beginUs = frames[5]?.atUs ?? 0;
    const endUs = frames.at(-1)?.atUs ?? 0;
    const wanted = await given.want('outlives', beginUs, endUs + 10 * SECOND_US);
    await vi.waitFor(async () => expect(await given.openRequests('outlives')).toBe(1), soon);
    await first.stop();
    const stoppedUs = frames.at(-1)?.atUs ?? 0;
    await vi.waitFor(() => expect(Date.now() * 1000).toBeGreaterThan(stoppedUs + 2 * SECOND_US), soon);

    const before = frames.length;
    given.start({ outlives: `file:${given.video}` });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(before + 10), soon);
    const backUs = frames[before]?.atUs ?? 0;
    const ready = await given.offerOf(wanted);
    expect(ready.segments[0]?.startUs).toBeLessThanOrEqual(beginUs);
    expect(ready.gaps.length).toBe(1);
    expect(ready.gaps[0]?.cause).toBe('agent-stopped');
    expect(Math.abs((ready.gaps[0]?.fromUs ?? 0) - stoppedUs)).toBeLessThan(SECOND_US);
    expect(Math.abs((ready.gaps[0]?.toUs ?? 0) - backUs)).toBeLessThan(SECOND_US);
    await given.store(wanted);
    await vi.waitFor(async () => expect(await given.openRequests('outlives')).toBe(0), soon);
  });

  test('a request for what was never recorded is answered with the reason', async () => {
    const frames = await given.watchFrames('early');
    given.start({ early: `file:${given.video}` });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(12), soon);
    const beginUs = frames[0]?.atUs ?? 0;
    const ready = await given.offerOf(
      await given.want('early', beginUs - 60 * SECOND_US, beginUs - 50 * SECOND_US),
    );
    expect(ready.segments).toEqual([]);
    expect(ready.gaps).toEqual([{ fromUs: ready.fromUs, toUs: ready.toUs, cause: 'before-start' }]);
    const both = await given.offerOf(await given.want('early', beginUs - 5 * SECOND_US, beginUs + SECOND_US));
    expect(both.segments.length).toBeGreaterThan(0);
    expect(both.gaps).toMatchObject([{ fromUs: both.fromUs, cause: 'before-start' }]);
    expect(Math.abs((both.gaps[0]?.toUs ?? 0) - beginUs)).toBeLessThan(2000);
  });
});
