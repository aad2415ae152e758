import { copyFile, mkdir, mkdtemp, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { ringSettings } from '@faascam/core/camera-settings';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeVideo } from '../capture/test-video.ts';
import type { Dates } from '../timebase.ts';
import { Footage, type FootageOptions } from './footage.ts';
import { noteOffset } from './recovery.ts';
import { Room } from './room.ts';

const EPOCH_US = 1_700_000_000_000_000;
const SECOND_US = 1_000_000;

let directory: string;
let nowUs: number;
const signal = new AbortController().signal;

/** Time stands still but for `nowUs`; waiting takes a moment, so that others can act. */
const clock: Clock = {
  nowUs: () => nowUs,
  sleep: (_ms, aborted) =>
    new Promise((resolve, reject) => {
      aborted?.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
      setTimeout(resolve, 2);
    }),
};

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-footage-'));
  nowUs = EPOCH_US;
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

function openFootage(options: Partial<FootageOptions> = {}): Promise<Footage> {
  return Footage.open({
    directory: join(directory, 'yard'),
    ring: ringSettings.parse({}),
    pace: 'live',
    log: createLogger('test'),
    clock,
    ...options,
  });
}

async function record(footage: Footage, from: number, to: number, joinsPrevious = true): Promise<void> {
  const file = join(directory, 'closed.mkv');
  await writeFile(file, 'x');
  await footage.add(file, {
    startUs: EPOCH_US + from * SECOND_US,
    endUs: EPOCH_US + to * SECOND_US,
    joinsPrevious,
  });
}

function outagesOf(footage: Footage): [number, number, string][] {
  const second = (us: number) => (us === 0 ? Number.NEGATIVE_INFINITY : (us - EPOCH_US) / SECOND_US);
  return footage
    .outages()
    .map(({ fromUs, toUs, cause }) => [second(fromUs), Math.min(1e6, second(toUs)), cause]);
}

describe('footage', () => {
  test('knows why it is missing, also after a restart', async () => {
    const footage = await openFootage();
    expect(outagesOf(footage)).toEqual([[Number.NEGATIVE_INFINITY, 1e6, 'before-start']]);
    await record(footage, 2, 4, false);
    await record(footage, 4, 6);
    await record(footage, 20, 22, false);
    const seen: [number, number, string][] = [
      [Number.NEGATIVE_INFINITY, 2, 'before-start'],
      [6, 20, 'camera-lost'],
    ];
    expect(outagesOf(footage)).toEqual([...seen, [22, 1e6, 'camera-lost']]);

    nowUs = EPOCH_US + 60 * SECOND_US;
    const again = await openFootage();
    expect(outagesOf(again)).toEqual([...seen, [22, 60, 'agent-stopped'], [60, 1e6, 'camera-lost']]);
    await record(again, 64, 66, false);
    expect(outagesOf(again).slice(0, -1)).toEqual([...seen, [22, 64, 'agent-stopped']]);
  });

  test('what is missing because the disk was full says so, and what is missing later does not', async () => {
    const footage = await openFootage();
    await record(footage, 0, 2, false);
    nowUs = EPOCH_US + 4 * SECOND_US;
    footage.ranOutOfRoom();
    expect(outagesOf(footage).slice(1)).toEqual([[2, 1e6, 'disk-full']]);
    nowUs = EPOCH_US + 30 * SECOND_US;
    expect(await footage.openSession()).toBeDefined();
    nowUs = EPOCH_US + 33 * SECOND_US;
    await record(footage, 31, 33, false);
    await record(footage, 50, 52, false);
    expect(outagesOf(footage).slice(1, -1)).toEqual([
      [2, 31, 'disk-full'],
      [33, 50, 'camera-lost'],
    ]);
  });

  test('a camera that falls silent within a session leaves an outage too', async () => {
    const footage = await openFootage();
    await record(footage, 0, 2, false);
    await record(footage, 2.1, 4);
    await record(footage, 9, 11);
    expect(outagesOf(footage).slice(1, -1)).toEqual([[4, 9, 'camera-lost']]);
  });

  test('a window far ahead holds no request up for an hour', async () => {
    nowUs = EPOCH_US + 3600 * SECOND_US;
    await record(await openFootage(), 3598, 3600, false);
    nowUs = EPOCH_US;
    const again = await openFootage();
    let over = false;
    const until = again.until(EPOCH_US + 3606 * SECOND_US, signal).finally(() => (over = true));
    nowUs += 60 * SECOND_US;
    await clock.sleep(0);
    expect(over).toBe(false);
    nowUs += 20 * SECOND_US;
    expect(await until).toBe('final');
  });

  describe('when the clock of its host is set', () => {
    /** Dates of a clock that is set by hand. */
    const datesOf = (epoch: number): Dates => ({
      ...{ epoch, beganUs: epoch === 0 ? undefined : nowUs, epochEnds: signal },
      nowUs: () => nowUs,
      dateOf: (us) => us,
    });
    const hours = (count: number) => count * 3600;
    const at = (second: number) => EPOCH_US + second * SECOND_US;
    const window = (from: number, to: number) => ({ fromUs: at(from), toUs: at(to) });

    test('footage of two epochs may claim the same time, and a window has that of its own', async () => {
      nowUs = at(hours(1));
      const dates = { ...datesOf(0) };
      const footage = await openFootage({ dates, ring: ringSettings.parse({ minutes: 120 }) });
      await record(footage, hours(1) - 2, hours(1), false);
      expect(footage.epochOf(window(hours(1) - 2, hours(1)))).toBe(0);
      nowUs = at(0);
      Object.assign(dates, datesOf(1));
      // A request that comes only now is still of the footage before.
      expect(footage.epochOf(window(hours(1) - 2, hours(1)))).toBe(0);
      expect(footage.epochOf(window(-5, 5))).toBe(1);
      await record(footage, 2, 4, false);
      nowUs = at(hours(1));
      expect(footage.epochOf(window(hours(1) - 2, hours(1)))).toBe(1);
      await record(footage, hours(1) - 2, hours(1), false);
      for (const epoch of [0, 1]) {
        const found = footage.ring.overlapping(at(hours(1) - 1), at(hours(1)), epoch);
        expect(found.map((segment) => segment.epoch)).toEqual([epoch]);
      }
      expect(await footage.until(at(hours(2)), signal, 0)).toBe('final');
      // The same after a restart.
      const again = await openFootage({ dates });
      expect(again.ring.segments.map(({ epoch }) => epoch)).toEqual([0, 1, 1]);
      expect(again.outages(0).at(-1)).toMatchObject({ fromUs: at(hours(1)), cause: 'clock-stepped' });
      expect(again.outages(1)[0]).toEqual({ fromUs: 0, toUs: at(2), cause: 'clock-stepped' });
    });

    test('what was dropped first was written first, whatever its date', async () => {
      nowUs = at(hours(1));
      const dates = { ...datesOf(0) };
      const footage = await openFootage({ dates, ring: ringSettings.parse({ minutes: 1 }) });
      for (const second of [-60, -40, -20]) {
        await record(footage, hours(1) + second, hours(1) + second + 20);
      }
      nowUs = at(0);
      Object.assign(dates, datesOf(1));
      await record(footage, 0, 20, false);
      await record(footage, 20, 40);
      const left = footage.ring.segments.map(({ epoch, startUs }) => [
        epoch,
        (startUs - EPOCH_US) / SECOND_US,
      ]);
      expect(left).toEqual([
        [0, hours(1) - 20],
        [1, 0],
        [1, 20],
      ]);
      expect(footage.ring.stats.spanMs).toBe(60_000);
    });

    test('a request for what was recorded until then waits for the footage that is on its way', async () => {
      const dates = { ...datesOf(0) };
      const footage = await openFootage({ dates });
      await record(footage, -4, -2, false);
      const until = footage.until(at(5), signal, 0);
      nowUs = at(hours(-1));
      Object.assign(dates, datesOf(1));
      await clock.sleep(0);
      const file = join(directory, 'closed.mkv');
      await writeFile(file, 'x');
      await footage.add(file, { ...{ startUs: at(-2), endUs: at(0) }, joinsPrevious: true, epoch: 0 });
      footage.begins();
      footage.stopped();
      expect(await until).toBe('final');
      expect(footage.ring.overlapping(at(-10), at(10), 0).length).toBe(2);
    });
  });

  test('a clock that was set forward an hour before a restart gives what was recorded, at once', async () => {
    await record(await openFootage(), 0, 2, false);
    nowUs = EPOCH_US + 3600 * SECOND_US;
    const again = await openFootage();
    expect(await again.until(EPOCH_US + 5 * SECOND_US, signal)).toBe('final');
    expect(outagesOf(again).slice(-2)).toEqual([
      [2, 3600, 'agent-stopped'],
      [3600, 1e6, 'camera-lost'],
    ]);
  });

  test('a request waits until its last moment is recorded', async () => {
    const footage = await openFootage();
    await record(footage, 0, 2, false);
    const until = footage.until(EPOCH_US + 5 * SECOND_US, signal);
    await record(footage, 2, 4);
    await record(footage, 4, 6);
    expect(await until).toBe('final');
  });

  test('a request waits no longer than the camera can be late', async () => {
    const footage = await openFootage();
    await record(footage, 0, 2, false);
    let outcome: string | undefined;
    void footage.until(EPOCH_US + 5 * SECOND_US, signal).then((how) => (outcome = how));
    let seconds = 0;
    for (; outcome === undefined; seconds += 1) {
      nowUs += SECOND_US;
      await clock.sleep(0);
    }
    expect(seconds).toBeGreaterThanOrEqual(5 + 17);
    expect(seconds).toBeLessThan(60);
  });

  test('after a minute in which nothing ran, a request still waits for the footage that comes late', async () => {
    const footage = await openFootage();
    await record(footage, 0, 2, false);
    let over = false;
    const until = footage.until(EPOCH_US + 5 * SECOND_US, signal).finally(() => (over = true));
    const askedThen = footage.until(EPOCH_US + 4 * SECOND_US, signal);
    nowUs += 62 * SECOND_US;
    for (let looks = 0; looks < 3; looks += 1) await clock.sleep(0);
    expect(over).toBe(false);
    await record(footage, 2, 6);
    expect([await until, await askedThen]).toEqual(['final', 'final']);
    expect(
      footage
        .outages()
        .filter(({ cause }) => cause !== 'before-start')
        .slice(0, -1),
    ).toEqual([]);
  });

  test('when the camera is lost, it waits until the asked time is over and no longer', async () => {
    const footage = await openFootage();
    await record(footage, 0, 2, false);
    footage.lost();
    let done = false;
    const until = footage.until(EPOCH_US + 5 * SECOND_US, signal).then(() => (done = true));
    await clock.sleep(1);
    await clock.sleep(1);
    expect(done).toBe(false);
    nowUs = EPOCH_US + 5 * SECOND_US;
    await until;
    expect(footage.state).toEqual({ kind: 'lost' });
    await record(footage, 8, 10, false);
    expect(footage.state).toEqual({ kind: 'recording' });
  });

  test('when the agent stops, what is covered is final and the rest waits for the next start', async () => {
    const footage = await openFootage();
    await record(footage, 0, 2, false);
    footage.stopped();
    expect(await footage.until(EPOCH_US + 1 * SECOND_US, signal)).toBe('final');
    expect(await footage.until(EPOCH_US + 5 * SECOND_US, signal)).toBe('stopped');
  });

  test('a replay is waited for to its end, whatever the clock says', async () => {
    nowUs = EPOCH_US + 1e9 * SECOND_US;
    const footage = await openFootage({ pace: 'replay' });
    await record(footage, 0, 2, false);
    let done = false;
    const until = footage.until(EPOCH_US + 5 * SECOND_US, signal).then(() => (done = true));
    await clock.sleep(1);
    await clock.sleep(1);
    expect(done).toBe(false);
    footage.ended(EPOCH_US + 2 * SECOND_US);
    await until;
    expect(outagesOf(footage).at(-1)).toEqual([2, 1e6, 'end-of-recording']);
  });

  test('nothing of a window outside a replayed recording is missing', async () => {
    const footage = await openFootage({ pace: 'replay' });
    await record(footage, 2, 4, false);
    const window = (from: number, to: number) => {
      const { fromUs, toUs } = footage.clamp(EPOCH_US + from * SECOND_US, EPOCH_US + to * SECOND_US);
      return [(fromUs - EPOCH_US) / SECOND_US, (toUs - EPOCH_US) / SECOND_US];
    };
    expect(window(-3, 3)).toEqual([2, 3]);
    footage.ended(EPOCH_US + 4 * SECOND_US);
    expect(window(-3, 9)).toEqual([2, 4]);
    expect(window(2.5, 3.5)).toEqual([2.5, 3.5]);
    expect(window(6, 9)).toEqual([4, 4]);
  });

  test('a waiting request can be given up', async () => {
    const footage = await openFootage();
    const giveUp = new AbortController();
    const until = footage.until(EPOCH_US + 5 * SECOND_US, giveUp.signal);
    giveUp.abort(new Error('enough'));
    await expect(until).rejects.toThrow('enough');
  });

  test('what a crash left, a torn file among it, is recovered', async () => {
    const footage = await openFootage();
    const session = (await footage.openSession()) ?? '';
    await noteOffset(session, EPOCH_US);
    const video = join(directory, 'whole.mkv');
    await makeVideo(
      ...['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=10:duration=4', '-g', '10'],
      ...['-cluster_time_limit', '500', video],
    );
    await copyFile(video, join(session, '000000.mkv'));
    await copyFile(video, join(session, '000001.mkv'));
    const torn = await open(join(session, '000001.mkv'), 'r+');
    await torn.truncate(Math.round((await stat(video)).size / 2));
    await torn.close();
    await writeFile(join(session, '000002.mkv'), 'no video');

    const again = await openFootage();
    const [first] = again.ring.overlapping(0, Number.MAX_SAFE_INTEGER);
    expect(first).toMatchObject({ startUs: EPOCH_US });
    const lengths = (await readdir(join(directory, 'yard'))).flatMap((name) =>
      name.endsWith('.mkv') ? [Number(/-(\d+)\.mkv/.exec(name)?.[1]) / SECOND_US] : [],
    );
    expect(Math.max(...lengths)).toBe(4);
    expect(Math.min(...lengths)).toBeGreaterThan(0.5);
    expect(Math.min(...lengths)).toBeLessThan(4);
    expect(await readdir(join(directory, 'yard', 'incoming'))).toEqual([]);
  });
});

test('a footage that could not be opened leaves nothing behind that drops what events hold', async () => {
  let freeBytes = 1e12;
  const disk = () => Promise.resolve({ freeBytes, sizeBytes: 2e12 });
  const room = new Room({ directory, log: createLogger('test'), clock, reserveBytes: 1e9, disk });
  const before = await openFootage();
  for (const second of [0, 2, 4]) await record(before, second, second + 2);
  const journal = join(directory, 'yard', 'outages.json');
  await rm(journal);
  await mkdir(journal);
  await expect(openFootage({ room })).rejects.toMatchObject({ code: 'EISDIR' });
  await rm(journal, { recursive: true });

  const footage = await openFootage({ room });
  await footage.ring.pin('yard-20231114t221320-000000', EPOCH_US, EPOCH_US + SECOND_US);
  freeBytes = 0;
  await room.makeRoom();
  const [held, ...others] = footage.ring.segments;
  expect([held?.startUs, others.length]).toEqual([EPOCH_US, 1]);
  expect((await stat(held?.path ?? '')).size).toBe(1);
});
