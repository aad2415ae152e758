import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { runAgent } from './agent.ts';
import type { UnitTiming } from './camera-unit.ts';
import { openAgentTest, type AgentTest, type SeenFrame } from './test-agent.ts';
import { settingsOf } from './test-site.ts';

const soon = { timeout: 60_000, interval: 100 };
const SECOND_US = 1_000_000;
const HOUR_US = 3600 * SECOND_US;
/** How far a frame's time may be from the host's on a machine that is busy. */
const NEAR_US = 30 * SECOND_US;

let given: AgentTest;
/** How wrong the host's clock is. */
let wrongByUs = 0;
const hostUs = (): number => Date.now() * 1000 + wrongByUs;

beforeAll(async () => {
  given = await openAgentTest();
});

afterAll(async () => {
  await given.close();
});

function start(video = given.video, timing: UnitTiming = {}): { stop(): Promise<void> } {
  const { site } = given;
  const stop = new AbortController();
  const agent = runAgent({
    ...{ id: 'edge', dataDirectory: join(site.directory, 'data'), connect: () => site.connect() },
    ...{ cameras: { yard: settingsOf(`file:${video}`) }, hostUs, log: site.log, signal: stop.signal },
    timing: { random: () => 0.5, ackWaitMs: 3000, offerWaitsMs: [1000], graceMs: 3000, ...timing },
  });
  return {
    stop: async () => {
      stop.abort();
      await agent;
    },
  };
}

/** The frames that come from now on, once there are some of the host's present time; they never go back in time. */
async function presentFrames(frames: SeenFrame[]): Promise<SeenFrame[]> {
  const from = frames.length;
  const present = (): SeenFrame[] =>
    frames.slice(from).filter(({ kind, atUs }) => kind === 'image' && Math.abs(atUs - hostUs()) < NEAR_US);
  await vi.waitFor(() => expect(present().length).toBeGreaterThan(15), soon);
  const times = present().map(({ atUs }) => atUs);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  return present();
}

const ends = (frames: SeenFrame[]): [number, number] => [frames[0]?.atUs ?? 0, frames.at(-1)?.atUs ?? 0];

test('frames and footage follow the clock of the host, and what a step costs an event is named', async () => {
  const offerOf = async (fromUs: number, toUs: number) => {
    const wanted = await given.want('yard', fromUs, toUs);
    const offer = await given.offerOf(wanted);
    await given.store(wanted);
    return offer;
  };
  const frames = await given.watchFrames('yard');

  // A host without a battery begins with an old time, until its time service has an answer.
  wrongByUs = -72 * HOUR_US;
  let agent = start();
  const [bootUs, bootedUs] = ends(await presentFrames(frames));
  wrongByUs = 0;
  const [trueUs] = ends(await presentFrames(frames));
  expect(frames.filter(({ kind }) => kind === 'lost').length).toBe(1);
  const spanning = await offerOf(bootUs + SECOND_US, bootedUs + 20 * SECOND_US);
  expect(spanning.segments.length).toBeGreaterThan(0);
  expect(spanning.gaps.map(({ cause }) => cause)).toEqual(['clock-stepped']);
  expect((await offerOf(trueUs + SECOND_US, trueUs + 3 * SECOND_US)).gaps).toEqual([]);

  // It is set back while the agent runs.
  const beforeUs = frames.at(-1)?.atUs ?? 0;
  wrongByUs = -HOUR_US;
  const [backUs] = ends(await presentFrames(frames));
  const before = await offerOf(beforeUs - 3 * SECOND_US, beforeUs - SECOND_US);
  expect([before.gaps, before.segments.length > 0]).toEqual([[], true]);
  const after = await offerOf(backUs - 10 * SECOND_US, backUs + 2 * SECOND_US);
  expect(after.segments.length).toBeGreaterThan(0);
  expect(after.gaps).toMatchObject([{ fromUs: after.fromUs, cause: 'clock-stepped' }]);

  // It is set back while the agent does not run.
  await agent.stop();
  wrongByUs = -2 * HOUR_US;
  agent = start();
  const [againUs] = ends(await presentFrames(frames));
  expect((await offerOf(againUs + SECOND_US, againUs + 3 * SECOND_US)).gaps).toEqual([]);
  const old = await offerOf(backUs + SECOND_US, backUs + 2 * SECOND_US);
  expect([old.gaps, old.segments.length > 0]).toEqual([[], true]);

  // And again, while the camera is away too: it is said to be lost at the time that its last frame had.
  const losses = (): SeenFrame[] => frames.filter(({ kind }) => kind === 'lost');
  const told = losses().length;
  await agent.stop();
  await vi.waitFor(() => expect(losses().length).toBe(told + 1), soon);
  wrongByUs = -3 * HOUR_US;
  const later = join(given.site.directory, 'later.mp4');
  agent = start(later, { lostMs: 4000 });
  await vi.waitFor(() => expect(losses().length).toBe(told + 2), soon);
  expect(losses().at(-1)?.atUs).toBeGreaterThan(hostUs() + HOUR_US / 2);
  await copyFile(given.video, later);
  await presentFrames(frames);
  await agent.stop();
});
