import { describe, expect, it } from 'vitest';
import { enqueue, type Queued } from './lane.ts';
import { type Attempt, backoffMs, decide, maySpeakAgainst, type Outcome, policyOf } from './policy.ts';
import { consumerName, isSubject, topicsOf } from './topics.ts';

const first: Attempt = {
  attempts: 1,
  heldMs: 50,
  kept: false,
  newerWaits: false,
  othersSucceeded: 0,
  faults: 1,
};
const answered = (status: number, text = ''): Outcome => ({ kind: 'answered', status, text });
const frames = policyOf('FRAMES', 'newest');
const detections = policyOf('DETECTIONS', 'newest');
const clips = policyOf('CLIPS', 'newest');

describe('a lane', () => {
  const image = (id: number) => ({ id, freshness: 'newest' as const, kept: false });
  const lost = (id: number) => ({ id, freshness: 'newest' as const, kept: true });
  const ordered = (id: number) => ({ id, freshness: 'ordered' as const, kept: false });
  const run = (arrivals: (Queued & { id: number })[]) => {
    let waiting: (Queued & { id: number })[] = [];
    const gone: number[] = [];
    for (const arrival of arrivals) {
      const after = enqueue(waiting, arrival);
      waiting = after.waiting;
      gone.push(...after.dropped.map(({ id }) => id));
    }
    return { waiting: waiting.map(({ id }) => id), gone };
  };

  it('keeps the newest image only', () => {
    expect(run([image(1), image(2), image(3)])).toEqual({ waiting: [3], gone: [1, 2] });
  });

  it('never drops what must be delivered, and lets nothing overtake it', () => {
    expect(run([image(1), lost(2), image(3), image(4), lost(5), lost(6), image(7), image(8)])).toEqual({
      waiting: [1, 2, 4, 5, 6, 8],
      gone: [3, 7],
    });
  });

  it('keeps all of an ordered stream, in order', () => {
    expect(run([ordered(1), ordered(2), ordered(3)])).toEqual({ waiting: [1, 2, 3], gone: [] });
  });
});

describe('what follows from a call', () => {
  it('is done after any 2xx', () => {
    expect([200, 202, 204].map((status) => decide(clips, answered(status), first).kind)).toEqual([
      'done',
      'done',
      'done',
    ]);
  });

  it('is another try of ordered work after 408, 425, 429, any 5xx, a timeout or no connection', () => {
    const outcomes: Outcome[] = [
      ...[408, 425, 429, 500, 502, 503, 504].map((status) => answered(status)),
      { kind: 'timeout', afterMs: 10 },
      { kind: 'unreachable', cause: 'refused' },
    ];
    for (const outcome of outcomes)
      expect(decide(detections, outcome, first)).toMatchObject({ kind: 'retry' });
  });

  it('is parking with the reason after any other answer, for no other try can change it', () => {
    for (const status of [301, 400, 404, 413, 422]) {
      expect(decide(detections, answered(status, 'the words of the function'), first)).toEqual({
        kind: 'park',
        status,
        reason: `status ${status}: the words of the function`,
      });
    }
  });

  it("is another try after the gateway's own 404 while a function is being replaced", () => {
    const gone = answered(404, 'error finding function events.openfaas-fn: not found');
    expect(decide(detections, gone, first)).toMatchObject({ kind: 'retry' });
  });

  it('waits longer and longer, a minute at most, and never long when the function is only busy', () => {
    expect([1, 2, 3, 8, 9, 10, 100].map((attempts) => backoffMs(attempts))).toEqual([
      200, 400, 800, 25_600, 51_200, 60_000, 60_000,
    ]);
    expect(decide(clips, answered(429), { ...first, attempts: 100 })).toMatchObject({ delayMs: 2000 });
    expect(decide(clips, answered(500), { ...first, attempts: 100 })).toMatchObject({ delayMs: 60_000 });
  });

  it('is parking of ordered work that could not be delivered for too long', () => {
    const dayMs = 24 * 3_600_000;
    expect(decide(clips, answered(500), { ...first, attempts: 9, heldMs: dayMs - 1 }).kind).toBe('retry');
    expect(decide(clips, answered(500), { ...first, attempts: 9, heldMs: dayMs })).toEqual({
      kind: 'park',
      status: 500,
      reason: 'status 500 (given up after 9 calls)',
    });
    expect(decide(detections, answered(500), { ...first, heldMs: 3_600_000 }).kind).toBe('park');
  });

  it('is parking of what fails again and again while the function does the rest', () => {
    const poisonous = { ...first, attempts: 30, faults: 8, othersSucceeded: 20 };
    expect(decide(detections, answered(500), poisonous).kind).toBe('park');
    expect(decide(detections, answered(500), { ...poisonous, faults: 7 }).kind).toBe('retry');
    expect(decide(detections, answered(500), { ...poisonous, othersSucceeded: 19 }).kind).toBe('retry');
  });

  it('speaks against the message only where somebody may have looked at it', () => {
    const against: Outcome[] = [
      ...[408, 500, 502, 504].map((status) => answered(status)),
      { kind: 'timeout', afterMs: 10 },
    ];
    const silent: Outcome[] = [
      ...[425, 429, 503].map((status) => answered(status)),
      answered(404, 'error finding function events.openfaas-fn: not found'),
      { kind: 'unreachable', cause: 'refused' },
    ];
    expect(against.every(maySpeakAgainst)).toBe(true);
    expect(silent.some(maySpeakAgainst)).toBe(false);
  });

  it('asks a function that is not ready again within ten seconds', () => {
    expect(decide(clips, answered(503), { ...first, attempts: 100 })).toMatchObject({ delayMs: 10_000 });
  });

  it('is one more try for an image, and only while it is fresh and the newest', () => {
    expect(decide(frames, answered(503), first)).toMatchObject({ kind: 'retry' });
    expect(decide(frames, answered(503), { ...first, attempts: 2 }).kind).toBe('drop');
    expect(decide(frames, answered(503), { ...first, newerWaits: true }).kind).toBe('drop');
    expect(decide(frames, answered(503), { ...first, heldMs: 900 }).kind).toBe('drop');
    expect(decide(frames, answered(400), first).kind).toBe('drop');
  });

  it('treats the message of a lost camera, and all frames of a replay, as ordered work', () => {
    const late = { ...first, attempts: 5, newerWaits: true, heldMs: 5000 };
    expect(decide(frames, answered(503), { ...late, kept: true }).kind).toBe('retry');
    expect(decide(policyOf('FRAMES', 'ordered'), answered(503), late).kind).toBe('retry');
    expect(decide(policyOf('MOTION', 'ordered'), answered(400), first).kind).toBe('park');
  });
});

describe('topics', () => {
  it('are separated by commas, each once', () => {
    expect(topicsOf(' frames.*, clips.ready.* ,frames.*,')).toEqual(['frames.*', 'clips.ready.*']);
    expect(topicsOf(undefined)).toEqual([]);
  });

  it('are NATS subjects or not', () => {
    expect(['frames.*', 'a.>', '>', '*', 'a.b-c_d'].every(isSubject)).toBe(true);
    expect(['', 'a..b', 'a.>.b', 'a b', 'fr*', 'a.'].some(isSubject)).toBe(false);
  });

  it('give the same consumer name every time, and each its own', () => {
    const name = consumerName('motion', 'frames.*');
    expect(name).toBe(consumerName('motion', 'frames.*'));
    expect(name).toMatch(/^motion-frames_-[0-9a-f]{8}$/);
    const others = [
      consumerName('motion', 'frames.>'),
      consumerName('motion-frames', '*'),
      consumerName('m', 'a._'),
    ];
    expect(new Set([name, ...others]).size).toBe(4);
    expect(consumerName('f', 'a.'.repeat(100))).toMatch(/^[A-Za-z0-9_-]{1,100}$/);
  });
});
