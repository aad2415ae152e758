import { expect, it } from 'vitest';
import type { EventsAnswer, EventView } from '../api.ts';
import { withNewest, withOlder, type Timeline } from './timeline.ts';

const idAt = (second: number, camera = 'yard'): string =>
  `${camera}-20260304t1200${String(second).padStart(2, '0')}-000000`;

function event(id: string): EventView {
  return {
    id,
    camera: 'yard',
    labels: ['person'],
    startUs: 0,
    startIso: '',
    endUs: 0,
    endIso: '',
    eventMs: 0,
    clipMs: undefined,
    score: 1,
    zones: [],
    endReason: undefined,
    began: undefined,
    ended: undefined,
    crossings: [],
    complete: true,
    gaps: [],
    requested: { fromUs: 0, toUs: 0 },
    model: '',
    demo: false,
    videoCodec: undefined,
    storedAtUs: 0,
    clips: [],
    urls: { snapshot: undefined, cleanSnapshot: undefined, clip: undefined, manifest: '' },
  };
}

function answer(seconds: number[], before?: number): EventsAnswer {
  const [first] = seconds;
  return {
    events: seconds.map((second) => event(idAt(second))),
    before: before === undefined ? undefined : idAt(before),
    newest: first === undefined ? undefined : idAt(first),
  };
}

const secondsOf = ({ events }: Timeline): number[] => events.map(({ id }) => Number(id.slice(-9, -7)));

it('begins with the newest page', () => {
  expect(withNewest(undefined, answer([9, 8], 8))).toEqual(answer([9, 8], 8));
});

it('keeps older pages when newer events come', () => {
  const known = withOlder(withNewest(undefined, answer([9, 8, 7], 7)), idAt(7), answer([6, 5], 5));
  expect(secondsOf(known)).toEqual([9, 8, 7, 6, 5]);
  const next = withNewest(known, answer([11, 10, 9], 9));
  expect(secondsOf(next)).toEqual([11, 10, 9, 8, 7, 6, 5]);
  expect(next.before).toBe(idAt(5));
});

it('takes in an event that comes late, and lets go of one that was removed', () => {
  const known = withNewest(undefined, answer([9, 7, 5], 5));
  expect(secondsOf(withNewest(known, answer([9, 8, 7], 7)))).toEqual([9, 8, 7, 5]);
  expect(secondsOf(withNewest(known, answer([9, 5, 4], 4)))).toEqual([9, 5, 4]);
});

it('begins anew when more may have come in between than the newest page shows', () => {
  const known = withNewest(undefined, answer([3, 2], 2));
  const next = withNewest(known, answer([9, 8], 8));
  expect(secondsOf(next)).toEqual([9, 8]);
  expect(next.before).toBe(idAt(8));
});

it('keeps what was found further down when the newest page holds none of the label', () => {
  const known = withOlder({ events: [], before: idAt(6), newest: idAt(9) }, idAt(6), answer([3], 2));
  const next = withNewest(known, { events: [], before: idAt(7), newest: idAt(10) });
  expect(secondsOf(next)).toEqual([3]);
  expect(next.before).toBe(idAt(2));
});

it('is what the page says when that is all there is', () => {
  const known = withNewest(undefined, answer([9, 8, 7], 7));
  expect(withNewest(known, answer([8]))).toEqual(answer([8]));
});

it('drops an older page that was asked for from another place', () => {
  const known = withNewest(undefined, answer([9, 8], 8));
  expect(withOlder(known, idAt(5), answer([4]))).toBe(known);
});

it('sorts by time before camera', () => {
  const known: Timeline = {
    events: [event(idAt(9, 'ant')), event(idAt(3, 'zebra'))],
    before: idAt(3, 'zebra'),
    newest: idAt(9, 'ant'),
  };
  const page = {
    events: [event(idAt(9, 'ant')), event(idAt(5, 'bee'))],
    before: idAt(5, 'bee'),
    newest: idAt(9, 'ant'),
  };
  expect(withNewest(known, page).events.map(({ camera, id }) => `${camera} ${id}`)).toHaveLength(3);
});
