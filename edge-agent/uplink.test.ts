import { createLogger } from '@faascam/core/log';
import { expect, test } from 'vitest';
import { Uplink } from './uplink.ts';

test('the connection to NATS is told with since when, and how often it was lost', async () => {
  let nowUs = 1_000_000;
  let again = 0;
  const clock = { nowUs: () => nowUs, sleep: () => Promise.resolve() };
  const uplink = new Uplink(clock, createLogger('test'), () => again++);
  const seen = [uplink.state];
  async function* status() {
    for (const type of ['disconnect', 'disconnect', 'reconnect', 'disconnect'] as const) {
      nowUs += 1_000_000;
      yield { type, server: 'nats' };
      seen.push(uplink.state);
      await Promise.resolve();
    }
  }
  await uplink.watch({ nc: { status } }, new AbortController().signal);
  expect(seen).toEqual([
    { state: 'connected', sinceUs: 1_000_000, losses: 0 },
    { state: 'reconnecting', sinceUs: 2_000_000, losses: 1 },
    { state: 'reconnecting', sinceUs: 2_000_000, losses: 1 },
    { state: 'connected', sinceUs: 4_000_000, losses: 1 },
    { state: 'reconnecting', sinceUs: 5_000_000, losses: 2 },
  ]);
  expect(again).toBe(1);
});

test('a connection at which nothing happens is let go with the signal', async () => {
  const clock = { nowUs: () => 0, sleep: () => Promise.resolve() };
  const uplink = new Uplink(clock, createLogger('test'), () => undefined);
  const stop = new AbortController();
  async function* silent(): AsyncGenerator<never> {
    yield* [];
    await new Promise(() => undefined);
  }
  const watching = uplink.watch({ nc: { status: silent } }, stop.signal);
  stop.abort();
  await watching;
  expect(uplink.state.state).toBe('connected');
});
