import { setTimeout as wait } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import type { Clock } from '@faascam/core/clock';
import type { LivePacket, LiveStream, LiveTaker } from './live-stream.ts';
import { newestGroup } from './newest-group.ts';

const stream: LiveStream = {
  head: Buffer.alloc(0),
  video: {
    ...{ number: 1, kind: 'video', codecId: 'V_MJPEG', codecPrivate: Buffer.alloc(0), width: 2, height: 2 },
    ...{ sampleRate: 0, channels: 0, defaultDurationUs: 0, delayUs: 0 },
  },
  audio: undefined,
  capturedAtUs: () => undefined,
};
const packets: LivePacket[] = [0, 1, 2].map((n) => ({
  ...{ kind: 'video', streamUs: n * 1000, keyframe: n === 0, data: Buffer.alloc(1) },
}));

function tapped(): { subscribe: (taker: LiveTaker) => () => void; takers: Set<LiveTaker> } {
  const takers = new Set<LiveTaker>();
  return { takers, subscribe: (taker) => (takers.add(taker), () => takers.delete(taker)) };
}

/** Its sleep ends by the hand or by the signal. */
function handClock(): Clock & { ring: () => void } {
  let ring = (): void => undefined;
  return {
    nowUs: () => 0,
    sleep: (_ms, signal) =>
      new Promise((resolve, reject) => {
        ring = resolve;
        signal?.addEventListener('abort', () => reject(new Error('aborted')));
      }),
    ring: () => ring(),
  };
}

test('it is the stream, and the packets that are handed over with its beginning', async () => {
  const tap = tapped();
  const found = newestGroup(tap, { timeoutMs: 1000, clock: handClock() });
  await wait(1);
  for (const taker of tap.takers) {
    taker.begin(stream);
    for (const packet of packets) taker.packet(packet);
  }
  expect(await found).toEqual({ stream, packets });
  expect(tap.takers.size).toBe(0);
});

test('it is nothing when nothing came in time, or nobody waits any more, and nothing is left behind', async () => {
  const tap = tapped();
  const clock = handClock();
  const late = newestGroup(tap, { timeoutMs: 1000, clock });
  clock.ring();
  expect(await late).toBeUndefined();
  const stop = new AbortController();
  const given = newestGroup(tap, { timeoutMs: 1000, signal: stop.signal, clock: handClock() });
  expect(tap.takers.size).toBe(1);
  stop.abort();
  expect(await given).toBeUndefined();
  await vi.waitFor(() => expect(tap.takers.size).toBe(0));
});
