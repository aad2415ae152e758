import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import pino from 'pino';
import { Dispatcher, type Held } from './dispatcher.ts';
import { type Outcome, policyOf } from './policy.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const ok: Outcome = { kind: 'answered', status: 200, text: '' };
const failed: Outcome = { kind: 'answered', status: 500, text: 'no' };
const log = pino({ level: 'silent' });

function detection(
  subject: string,
  outcome: () => Outcome,
  done: string[],
  bury?: () => Promise<void>,
): Held {
  return {
    subject,
    freshness: 'ordered',
    kept: false,
    stale: false,
    policy: policyOf('DETECTIONS', 'newest'),
    heldSinceMs: performance.now(),
    publishedAtMs: Date.now(),
    settle: (how) => void done.push(`${how} ${subject}`),
    bury: bury ?? (() => Promise.resolve()),
    call: () => Promise.resolve(outcome()),
  };
}

describe('a dispatcher', () => {
  it('parks a message that fails on while the function answers the other cameras, and its camera goes on', async () => {
    const dispatcher = new Dispatcher({ functionName: 'events', maxConcurrent: 4, log });
    const done: string[] = [];
    dispatcher.accept(detection('detections.bad', () => failed, done));
    dispatcher.accept(detection('detections.bad', () => ok, done));
    for (let second = 0; second < 60; second++) {
      dispatcher.accept(detection('detections.good', () => ok, done));
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(done.filter((line) => line.endsWith('bad'))).toEqual([
      'term detections.bad',
      'ack detections.bad',
    ]);
    expect(dispatcher.stats).toEqual({ delivered: 61, dropped: 0, retried: 7, parked: 1 });
  });

  it('keeps trying while the function fails for everybody, for as long as a message is worth it', async () => {
    const dispatcher = new Dispatcher({ functionName: 'events', maxConcurrent: 4, log });
    const done: string[] = [];
    for (const subject of ['detections.a', 'detections.b']) {
      dispatcher.accept(detection(subject, () => failed, done));
      dispatcher.accept(detection(subject, () => failed, done));
    }
    await vi.advanceTimersByTimeAsync(59 * 60_000);
    expect(done).toEqual([]);
    await vi.advanceTimersByTimeAsync(3 * 60_000);
    expect(dispatcher.stats.parked).toBe(4);
  });

  it('tries at once when it is told that the gateway is back', async () => {
    const dispatcher = new Dispatcher({ functionName: 'events', maxConcurrent: 4, log });
    const done: string[] = [];
    let back = false;
    dispatcher.accept(
      detection('detections.a', () => (back ? ok : { kind: 'unreachable', cause: 'refused' }), done),
    );
    await vi.advanceTimersByTimeAsync(30 * 60_000);
    back = true;
    dispatcher.wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(done).toEqual(['ack detections.a']);
  });

  it('goes on with the next message when calls are allowed again and nobody said so', async () => {
    let allowed = true;
    const dispatcher = new Dispatcher({
      functionName: 'events',
      maxConcurrent: 4,
      log,
      allowed: () => allowed,
    });
    const done: string[] = [];
    const forbidMore = () => {
      allowed = false;
      return ok;
    };
    dispatcher.accept(detection('detections.a', forbidMore, done));
    dispatcher.accept(detection('detections.a', () => ok, done));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(done).toHaveLength(1);
    allowed = true;
    dispatcher.accept(detection('detections.a', () => ok, done));
    await vi.advanceTimersByTimeAsync(0);
    expect(done).toHaveLength(3);
  });

  it('does not let go of a message before its dead letter is stored', async () => {
    const dispatcher = new Dispatcher({ functionName: 'events', maxConcurrent: 4, log });
    const done: string[] = [];
    let full = true;
    const bury = () => (full ? Promise.reject(new Error('no space')) : Promise.resolve());
    const refused: Outcome = { kind: 'answered', status: 400, text: 'malformed' };
    dispatcher.accept(detection('detections.a', () => refused, done, bury));
    await vi.advanceTimersByTimeAsync(5000);
    expect(done).toEqual([]);
    full = false;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(done).toEqual(['term detections.a']);
  });

  it('leaves what waits unsettled when it stops, and cuts off calls that do not end', async () => {
    const dispatcher = new Dispatcher({ functionName: 'events', maxConcurrent: 4, log });
    const done: string[] = [];
    const endless: Held = {
      ...detection('detections.a', () => ok, done),
      call: (signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ kind: 'unreachable', cause: 'cut off' }));
        }),
    };
    dispatcher.accept(endless);
    dispatcher.accept(detection('detections.a', () => ok, done));
    const stopped = dispatcher.stop(1000);
    await vi.advanceTimersByTimeAsync(1000);
    await stopped;
    expect(done).toEqual([]);
  });
});
