import { createServer, type Server } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { freePort } from '@faascam/core/ports';
import { afterEach, describe, expect, test } from 'vitest';
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

describe('waiting for a camera', () => {
  test('ends when a camera that was away answers again, however long the wait was to be', async () => {
    const port = await freePort();
    const reach = { kind: 'tcp', host: '127.0.0.1', port } as const;
    const returned = waitForReturn({ waitMs: HOUR_MS, reach, clock: systemClock, signal: never });
    await systemClock.sleep(1500);
    await listen(port);
    await returned;
    expect(await answers(reach)).toBe(true);
  });

  test('a camera that answers all the time is tried after the wait', async () => {
    const port = await freePort();
    await listen(port);
    const begunUs = systemClock.nowUs();
    const reach = { kind: 'tcp', host: '127.0.0.1', port } as const;
    await waitForReturn({ waitMs: 1500, reach, clock: systemClock, signal: never });
    expect(systemClock.nowUs() - begunUs).toBeGreaterThan(1_400_000);
  });

  test('a device that is plugged in again ends the wait', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'faascam-device-'));
    try {
      const path = join(directory, 'video0');
      const returned = waitForReturn({
        ...{ waitMs: HOUR_MS, reach: { kind: 'path', path }, clock: systemClock, signal: never },
      });
      await systemClock.sleep(1500);
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
