import { createServer, type Server } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type Clock } from '@faascam/core/clock';
import { freePort } from '@faascam/core/ports';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { answers, waitForReturn } from './camera-return.ts';

const never = new AbortController().signal;
const HOUR_MS = 3_600_000;
let server: Server | undefined;

afterEach(async () => {
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  server = undefined;
});

async function listen(port: number): Promise<void> {
  const made = createServer((socket) => socket.destroy());
  server = made;
  await new Promise<void>((resolve) => made.listen(port, '127.0.0.1', resolve));
}

/** A clock that says how often somebody went to sleep by it: before each look at the camera. */
function watchedClock() {
  let sleeps = 0;
  const clock: Clock = {
    ...systemClock,
    sleep: (ms, signal) => {
      sleeps += 1;
      return systemClock.sleep(ms, signal);
    },
  };
  const looked = (): Promise<void> =>
    vi.waitFor(() => expect(sleeps).toBeGreaterThan(1), { timeout: 20_000 });
  return { clock, looked };
}

/** A clock by which all sleep is over at once. */
function skippingClock(): Clock {
  let nowUs = 0;
  return {
    nowUs: () => nowUs,
    sleep: (ms) => {
      nowUs += ms * 1000;
      return Promise.resolve();
    },
  };
}

describe('waiting for a camera', () => {
  test('ends when a camera that was away answers again, however long the wait was to be', async () => {
    const port = await freePort();
    const reach = { kind: 'tcp', host: '127.0.0.1', port } as const;
    const { clock, looked } = watchedClock();
    const returned = waitForReturn({ waitMs: HOUR_MS, reach, clock, signal: never });
    await looked();
    await listen(port);
    await returned;
    expect(await answers(reach)).toBe(true);
  });

  test('a camera that answers all the time is tried after the wait', async () => {
    const port = await freePort();
    await listen(port);
    const clock = skippingClock();
    const reach = { kind: 'tcp', host: '127.0.0.1', port } as const;
    await waitForReturn({ waitMs: 10_000, reach, clock, signal: never });
    expect(clock.nowUs()).toBe(10_000_000);
  });

  test('a device that is plugged in again ends the wait', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'faascam-device-'));
    try {
      const path = join(directory, 'video0');
      const { clock, looked } = watchedClock();
      const returned = waitForReturn({
        ...{ waitMs: HOUR_MS, reach: { kind: 'path', path }, clock, signal: never },
      });
      await looked();
      await writeFile(path, '');
      await returned;
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('stops with its signal', async () => {
    const reach = { kind: 'tcp', host: '127.0.0.1', port: await freePort() } as const;
    const stop = new AbortController();
    const waiting = waitForReturn({ waitMs: HOUR_MS, reach, clock: systemClock, signal: stop.signal });
    stop.abort();
    await waiting;
  });
});
