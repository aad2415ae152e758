import { setMaxListeners } from 'node:events';
import { systemClock, type Clock } from '@faascam/core/clock';
import { describe, expect, test, vi } from 'vitest';
import { ChunkLane } from './chunk-lane.ts';
import { makesRoom, type EventOnItsWay } from './clip-uplink.ts';
import {
  flowAfter,
  firstFlow,
  MOST_OFFERED,
  offerWaitMs,
  OfferSchedule,
  type Place,
} from './offer-schedule.ts';

const { signal } = new AbortController();
setMaxListeners(0, signal);

describe('the order of offers', () => {
  test('is newest first, whenever and for whichever camera an event came', async () => {
    const schedule = new OfferSchedule(systemClock);
    const order: number[] = [];
    const places: Place[] = [];
    const enter = (event: number) =>
      void schedule.enter(event, 0, signal).then((place) => {
        order.push(event);
        places.push(place);
      });
    for (let event = 0; event < 2 * MOST_OFFERED; event++) enter(event);
    await vi.waitFor(() => expect(order.length).toBe(2));
    enter(100);
    for (const admitted of [4, 6, 8]) {
      places.shift()?.leave('stored');
      await vi.waitFor(() => expect(order.length).toBe(admitted));
    }
    expect(order).toEqual([15, 14, 100, 13, 12, 11, 10, 9]);
  });

  test('has a single place while nobody stores anything, and all of them again as clips are stored', () => {
    let flow = flowAfter(flowAfter(firstFlow, 'unanswered'), 'failed');
    expect(flow).toMatchObject({ places: 1, unanswered: 1 });
    for (let stored = 0; stored < 3; stored++) flow = flowAfter(flow, 'stored');
    expect(flow).toMatchObject({ places: 4, unanswered: 0 });
    for (let stored = 0; stored < 30; stored++) flow = flowAfter(flow, 'stored');
    expect(flow).toMatchObject({ places: MOST_OFFERED, unanswered: 0 });
  });

  test('asks ever less often while nobody stores anything, but always again', () => {
    const waits = [10, 20, 40];
    const wait = (attempt: number, unanswered: number, random = 0.5) =>
      Math.round(offerWaitMs(waits, attempt, { ...firstFlow, places: 1, unanswered }, random));
    expect([wait(1, 0), wait(2, 0), wait(1, 2), wait(9, 9)]).toEqual([10, 20, 40, 40]);
    expect([wait(1, 0, 0), wait(1, 0, 1)]).toEqual([8, 12]);
  });

  test('an event that no longer waits holds nobody up', async () => {
    const schedule = new OfferSchedule(systemClock);
    const places = await Promise.all(
      Array.from({ length: firstFlow.places }, (_, event) => schedule.enter(event, 0, signal)),
    );
    const gone = new AbortController();
    const given = schedule.enter(200, 0, gone.signal);
    const next = schedule.enter(100, 0, signal);
    gone.abort();
    await expect(given).rejects.toThrow('no longer waiting');
    places[0]?.leave('stored');
    await next;
  });
});

describe('room in the object store', () => {
  const event = (id: string, order: number, stage: EventOnItsWay['stage'] = 'waits'): EventOnItsWay => ({
    ...{ id, order, stage, camera: 'yard' },
  });
  const stored = new Set(['a', 'b', 'c', 'other']);

  test('is made by the oldest event that waits, rather one that nobody is at work on', () => {
    const events = [event('a', 1, 'offered'), event('b', 2), event('c', 3), event('d', 0)];
    expect(makesRoom(events, stored, 9)?.id).toBe('b');
    expect(makesRoom([event('a', 1, 'offered')], stored, 9)?.id).toBe('a');
  });

  test('is never made by one whose objects are just being brought: its offer would name what is gone', () => {
    const events = [event('a', 1, 'brought'), event('b', 2, 'offered')];
    expect(makesRoom(events, stored, 9)?.id).toBe('b');
    expect(makesRoom([event('a', 1, 'brought')], stored, 9)).toBeUndefined();
  });

  test('is never made by a newer event', () => {
    expect(makesRoom([event('b', 2), event('c', 3)], stored, 2)).toBeUndefined();
  });
});

describe('the way of chunks', () => {
  /** Time passes only by waiting. */
  function virtualClock(): Clock & { advance(ms: number): void } {
    let nowUs = 1e15;
    return {
      nowUs: () => nowUs,
      sleep: (ms) => {
        nowUs += ms * 1000;
        return Promise.resolve();
      },
      advance: (ms) => (nowUs += ms * 1000),
    };
  }

  test('keeps within the limit, of all that is sent', async () => {
    const clock = virtualClock();
    const lane = new ChunkLane(clock, 100);
    const beganUs = clock.nowUs();
    let sent = 0;
    const send = async (order: number) => {
      for (let chunk = 0; chunk < 20; chunk++) {
        await lane.send(order, signal, (bytes) => {
          sent += bytes;
          return Promise.resolve([bytes, undefined]);
        });
      }
    };
    await Promise.all([send(1), send(2)]);
    const seconds = (clock.nowUs() - beganUs) / 1e6;
    expect(sent / 1024 / seconds).toBeGreaterThan(90);
    expect(sent / 1024 / seconds).toBeLessThan(110);
  });

  test('chunks are as large as the link takes in a tenth of a second', async () => {
    const clock = virtualClock();
    const lane = new ChunkLane(clock);
    const bytesAt = async (bytesPerSecond: number): Promise<number> => {
      let last = 0;
      for (let chunk = 0; chunk < 30; chunk++) {
        await lane.send(1, signal, (bytes) => {
          clock.advance((bytes / bytesPerSecond) * 1000);
          last = bytes;
          return Promise.resolve([bytes, undefined]);
        });
      }
      return last;
    };
    expect(await bytesAt(100e6)).toBe(256 * 1024);
    expect(Math.abs((await bytesAt(1e6)) - 100_000)).toBeLessThan(10_000);
    expect(await bytesAt(10_000)).toBe(16 * 1024);
  });

  test('the newest event sends all of its chunks before an older one goes on', async () => {
    const lane = new ChunkLane(systemClock);
    const order: number[] = [];
    let goOn = (): void => undefined;
    const othersWait = new Promise<void>((resolve) => (goOn = resolve));
    const send = async (event: number) => {
      for (let chunk = 0; chunk < 3; chunk++) {
        await lane.send(event, signal, async (bytes) => {
          order.push(event);
          await othersWait;
          return [bytes, undefined];
        });
      }
    };
    const older = send(1);
    await vi.waitFor(() => expect(order).toEqual([1]));
    const newer = [send(3), send(2)];
    goOn();
    await Promise.all([older, ...newer]);
    expect(order).toEqual([1, 3, 3, 3, 2, 2, 2, 1, 1]);
  });
});
