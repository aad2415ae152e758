import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { activityHour, activityKey, levelsIn, slotOf } from '@faascam/core/activity';
import { systemClock } from '@faascam/core/clock';
import type { FunctionMessaging } from '@faascam/core/function-messaging';
import { createLogger, type Logger } from '@faascam/core/log';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { openActivity } from '@faascam/core/site-buckets';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { ActivityLog } from './activity-log.ts';

const WAIT = { timeout: 30_000, interval: 20 };
const HOUR_US = 3_600_000_000;
/** The begin of an hour. */
const NOON_US = 1_700_000_000_000_000 - 800_000_000;
const directory = mkdtempSync(join(tmpdir(), 'faascam-activity-'));
let server: NatsServer;
let messaging: Messaging;
/** While NATS cannot be reached. */
let away = false;
let nowUs = NOON_US;
let log: Logger;
let activity: ActivityLog;

beforeAll(async () => {
  server = await startNatsServer({ directory });
  messaging = await connectNats(server.url, 'test');
});

beforeEach(() => {
  [away, nowUs] = [false, NOON_US];
  log = createLogger('test');
  const link: FunctionMessaging = {
    get: () => (away ? Promise.reject(new Error('no server answers')) : Promise.resolve(messaging)),
    close: () => Promise.resolve(),
  };
  activity = new ActivityLog(link, { ...systemClock, nowUs: () => nowUs }, log);
});

afterAll(async () => {
  await messaging.nc.close();
  await server.stop();
  rmSync(directory, { recursive: true });
});

/** The level of a time, as it is kept. */
async function kept(camera: string, us: number): Promise<number | undefined> {
  const entry = await (await openActivity(messaging)).get(activityKey(camera, us));
  return entry === null ? undefined : levelsIn(activityHour.parse(entry.json()).levels)[slotOf(us)];
}

async function failToKeep(camera: string): Promise<void> {
  away = true;
  const warned = vi.spyOn(log, 'warn');
  activity.note(camera, NOON_US, 1);
  await vi.waitFor(() => expect(warned.mock.lastCall?.join()).toContain('no server answers'), WAIT);
  away = false;
}

test('what could not be written in one hour is written with what moves in the next, whatever camera sees it', async () => {
  await failToKeep('yard');
  nowUs += HOUR_US;
  activity.note('barn', nowUs, 1);
  await vi.waitFor(async () => expect(await kept('yard', NOON_US)).toBe(9), WAIT);
  expect(await kept('barn', nowUs)).toBe(9);
});

test('what could not be written is written at the end', async () => {
  await failToKeep('gate');
  await activity.close();
  expect(await kept('gate', NOON_US)).toBe(9);
});

test('what moves in the moment in which a write ends is written too', async () => {
  await failToKeep('door');
  nowUs += 60_000_000;
  const told = vi.spyOn(log, 'info').mockImplementationOnce(() => activity.note('door', nowUs, 1));
  activity.note('door', NOON_US + 30_000_000, 1);
  await vi.waitFor(async () => expect(await kept('door', nowUs)).toBe(9), WAIT);
  expect(told).toHaveBeenCalled();
});
