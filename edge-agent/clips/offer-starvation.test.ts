import { setMaxListeners } from 'node:events';
import { systemClock } from '@faascam/core/clock';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MOST_OFFERED, OfferSchedule } from './offer-schedule.ts';

const WAITS_MS = [15_000, 30_000, 60_000, 120_000, 300_000];
/** The first wait, and the fifth that it may be longer. */
const SLICE_MS = 1.2 * 15_000;
const MINUTE_MS = 60_000;
/** What a clip function takes for an event, of the time that passes as the test says. */
const STORED_AFTER_MS = 2000;

/** Time passes only as the test says. */
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Event {
  waitedMs?: number;
  /** When it was offered. */
  offersMs: number[];
}

/** Events on their way through one schedule, to a clip function that calls back when an event is stored. */
function uplink(storeLater: (event: Event, stored: () => void) => void) {
  const schedule = new OfferSchedule(systemClock);
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  let order = 1e15;

  async function bring(event: Event): Promise<void> {
    const stored = new AbortController();
    const isOver = (): boolean => stored.signal.aborted;
    over.signal.addEventListener('abort', () => stored.abort());
    const beganMs = Date.now();
    const itsOrder = (order += 1e6);
    while (!isOver()) {
      const place = await schedule.enter(itsOrder, event.offersMs.length, stored.signal);
      event.waitedMs ??= Date.now() - beganMs;
      event.offersMs.push(Date.now());
      storeLater(event, () => {
        schedule.answered(Date.now() - (event.offersMs.at(-1) ?? 0));
        stored.abort();
      });
      try {
        await place.wait(WAITS_MS, event.offersMs.length, stored.signal);
      } finally {
        place.leave(isOver() ? 'stored' : 'unanswered');
      }
    }
  }
  return {
    begin: (): Event => {
      const event: Event = { offersMs: [] };
      bring(event).catch(() => undefined);
      return event;
    },
    end: () => over.abort(),
  };
}

describe('events that nobody stores', () => {
  test.each([1, 3, 12])('do not hold up others for longer than one slice: %i of them', async (count) => {
    const refused = new Set<Event>();
    const { begin, end } = uplink((event, stored) => {
      if (!refused.has(event)) setTimeout(stored, STORED_AFTER_MS);
    });
    for (let n = 0; n < count; n++) refused.add(begin());
    await vi.advanceTimersByTimeAsync(60 * MINUTE_MS);
    const others: Event[] = [];
    for (let n = 0; n < 40; n++) {
      others.push(begin());
      await vi.advanceTimersByTimeAsync(47_000);
    }
    end();
    expect(Math.max(...others.map(({ waitedMs = Infinity }) => waitedMs))).toBeLessThan(SLICE_MS + 100);
    expect(others.map(({ offersMs }) => offersMs.length)).toEqual(others.map(() => 1));
  });

  test('are offered again all the same, ever less often', async () => {
    const { begin, end } = uplink(() => undefined);
    const event = begin();
    await vi.advanceTimersByTimeAsync(60 * MINUTE_MS);
    end();
    const gaps = event.offersMs.slice(1).map((at, n) => at - (event.offersMs[n] ?? 0));
    expect(gaps.length).toBeGreaterThan(9);
    for (const [n, gap] of gaps.entries()) {
      expect(gap).toBeGreaterThan(0.79 * (WAITS_MS[n] ?? 300_000));
    }
  });

  test('are not offered sooner than their own wait because others come between', async () => {
    const refused = new Set<Event>();
    const { begin, end } = uplink((event, stored) => {
      if (!refused.has(event)) setTimeout(stored, STORED_AFTER_MS);
    });
    const event = begin();
    refused.add(event);
    for (let n = 0; n < 360; n++) {
      begin();
      await vi.advanceTimersByTimeAsync(10_000);
    }
    end();
    const gaps = event.offersMs.slice(1).map((at, n) => at - (event.offersMs[n] ?? 0));
    expect(gaps.length).toBeGreaterThan(9);
    for (const [n, gap] of gaps.entries()) {
      expect(gap).toBeGreaterThan(0.79 * (WAITS_MS[n] ?? 300_000));
    }
  });
});

describe('a clip function that is away', () => {
  test('is asked with each new event in its turn, and seldom with those that were offered', async () => {
    const { begin, end } = uplink(() => undefined);
    const events = Array.from({ length: 12 }, begin);
    await vi.advanceTimersByTimeAsync(12 * SLICE_MS);
    expect(events.every(({ waitedMs }) => waitedMs !== undefined)).toBe(true);
    const firstOf = events.map(({ offersMs }) => offersMs[0] ?? 0);
    expect(firstOf).toEqual([...firstOf].sort((a, b) => b - a));

    const before = events.flatMap(({ offersMs }) => offersMs).length;
    await vi.advanceTimersByTimeAsync(60 * MINUTE_MS);
    end();
    const again = events.flatMap(({ offersMs }) => offersMs).length - before;
    expect(again).toBeGreaterThan(5);
    expect(again).toBeLessThan(20);
  });
});

describe('a slow clip function', () => {
  test('is not given more than it can make, and gets all', async () => {
    const made = new Set<Event>();
    const waiting: { event: Event; stored: () => void }[] = [];
    let most = 0;
    const { begin, end } = uplink((event, stored) => {
      waiting.push({ event, stored });
      most = Math.max(most, new Set(waiting.map((job) => job.event)).size);
    });
    const events = Array.from({ length: 60 }, begin);
    // One after the other, in the order of their first offers, 40 s each.
    for (let n = 0; n < 240; n++) {
      await vi.advanceTimersByTimeAsync(40_000);
      const done = waiting[0]?.event;
      if (done === undefined) continue;
      for (const { stored } of waiting.filter(({ event }) => event === done)) stored();
      waiting.splice(0, waiting.length, ...waiting.filter(({ event }) => event !== done));
      made.add(done);
    }
    end();
    expect(made.size).toBe(events.length);
    expect(most).toBeLessThanOrEqual(MOST_OFFERED + 1);
  });
});
