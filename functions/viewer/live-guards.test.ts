import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LiveGuards } from './live-guards.ts';

const yard = { camera: 'yard', session: 'a' };
const HOUR_MS = 3_600_000;

let guards: LiveGuards;
beforeEach(() => {
  vi.useFakeTimers();
  guards = new LiveGuards();
});
afterEach(() => {
  guards.close();
  vi.useRealTimers();
});

const always = (): Promise<boolean> => Promise.resolve(true);
const never = (): Promise<boolean> => Promise.resolve(false);

it('tries to end a session until its agent has heard of it, and no more then', async () => {
  let tries = 0;
  guards.add(yard, never, () =>
    ++tries < 4 ? Promise.reject(new Error('NATS is away')) : Promise.resolve(),
  );
  await vi.advanceTimersByTimeAsync(60_000);
  expect(tries).toBe(4);
});

it('lets a session be that is allowed, and one that has ended', async () => {
  let ended = 0;
  const end = (): Promise<number> => Promise.resolve(ended++);
  guards.add(yard, always, end);
  guards.add({ camera: 'door', session: 'b' }, never, end);
  guards.drop({ camera: 'door', session: 'b' });
  await vi.advanceTimersByTimeAsync(HOUR_MS);
  expect(ended).toBe(0);
});

it('a word about another camera takes no guard away', async () => {
  let ended = 0;
  guards.add(yard, never, () => Promise.resolve(ended++));
  guards.drop({ camera: 'door', session: yard.session });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ended).toBe(1);
});

it('ends the oldest where there are too many', async () => {
  const ended: number[] = [];
  for (let n = 0; n < 502; n++)
    guards.add({ camera: 'yard', session: String(n) }, always, () => Promise.resolve(ended.push(n)));
  await vi.advanceTimersByTimeAsync(1000);
  expect(ended).toEqual([0, 1]);
});

it('ends a session of half a day, whose watcher begins anew', async () => {
  let ended = 0;
  guards.add(yard, always, () => Promise.resolve(ended++));
  await vi.advanceTimersByTimeAsync(12 * HOUR_MS);
  expect(ended).toBe(1);
});
