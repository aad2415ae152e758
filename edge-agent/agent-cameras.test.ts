import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kvm } from '@nats-io/kv';
import { agentHealth, parseMessage } from '@faascam/core/messages';
import { buckets, subjects } from '@faascam/core/subjects';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { openAgentTest, SECOND_US, soon, type AgentTest } from './test-agent.ts';
import { settingsOf, wantedClip } from './test-site.ts';

let given: AgentTest;

beforeAll(async () => {
  given = await openAgentTest();
});

afterEach(async () => {
  await given.stopAll();
});

afterAll(async () => {
  await given.close();
});

describe('cameras of an agent', () => {
  test('a camera whose settings are wrong says so, and the others run', async () => {
    const frames = await given.watchFrames('right');
    const blocked = join(given.site.directory, 'data', 'ring', 'blocked');
    await mkdir(join(given.site.directory, 'data', 'ring'), { recursive: true });
    await writeFile(blocked, 'a file where a folder should be');
    given.start({
      odd: 'gopher://cam:geheim@10.0.0.7',
      blocked: `file:${given.video}`,
      right: `file:${given.video}`,
    });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(10), soon);
    await vi.waitFor(async () => {
      const { odd, blocked, right } = await given.health();
      expect(odd).toMatchObject({ state: 'failed', causeCode: 'bad-source' });
      expect(odd?.cause).toMatch(/gopher: is not supported/);
      expect(odd?.cause).not.toContain('geheim');
      expect(blocked).toMatchObject({ state: 'waiting', causeCode: 'EEXIST' });
      expect(right).toMatchObject({ state: 'streaming', restarts: 0 });
    }, soon);
    // What stood in the way is gone: it is tried again.
    await rm(blocked);
    await vi.waitFor(async () => expect((await given.health())['blocked']?.state).toBe('streaming'), soon);
  });

  test('a new order touches only the cameras that differ', async () => {
    const stays = await given.watchFrames('stays');
    const turns = await given.watchFrames('turns');
    const goes = await given.watchFrames('goes');
    const comes = await given.watchFrames('comes');
    const source = `file:${given.video}`;
    const agent = given.start({ stays: source, turns: source, goes: source });
    await vi.waitFor(() => {
      for (const frames of [stays, turns, goes]) expect(frames.length).toBeGreaterThan(10);
    }, soon);
    const untouched = given.ffmpegOf('stays');
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
    expect(given.ffmpegOf('stays')).toEqual(untouched);
    expect(given.ffmpegOf('goes')).toEqual([]);
    await vi.waitFor(async () => {
      expect(Object.keys(await given.health()).sort()).toEqual(['comes', 'stays', 'turns']);
    }, soon);
    // The clip of its last event is still served, without waiting for what will not come.
    await given.site.messaging.js.publish(subjects.clipsWanted('goes'), JSON.stringify(wanted));
    const ready = await given.offerOf(wanted);
    expect(ready.segments.length).toBeGreaterThan(0);
    expect(ready.gaps.map(({ cause }) => cause)).toEqual(['camera-lost']);

    // Taken in again, it goes on where it was.
    const length = goes.length;
    await agent.apply({ goes: settingsOf(source) });
    await vi.waitFor(() => expect(goes.length).toBeGreaterThan(length + 5), soon);
    for (const [i, { seq }] of goes.entries()) expect(seq).toBe(i + 1);
  });

  test('health tells what each camera costs, and of the agent itself', async () => {
    const frames = await given.watchFrames('told');
    given.start({ told: `file:${given.video}` });
    await vi.waitFor(() => expect(frames.length).toBeGreaterThan(20), soon);
    await vi.waitFor(async () => {
      const bucket = await new Kvm(given.site.messaging.nc).open(buckets.agents);
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
