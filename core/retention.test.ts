import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dateOf } from './event-walk.ts';
import { daysKept, daysToSweep, expiresAtUs, sweepDecision } from './retention.ts';
import { retentionSettings, type RetentionSettings } from './retention-settings.ts';

const DAY_US = 86_400_000_000;
const HOUR_US = 3_600_000_000;
const NOW_US = Date.UTC(2026, 10, 21, 18, 30) * 1000;

const settingsOf = (value: unknown): RetentionSettings => retentionSettings.parse(value);

describe('how long an event is kept', () => {
  const settings = settingsOf({
    days: 30,
    labels: { person: 90, car: 7 },
    cameras: { yard: { days: 60, labels: { car: 14, cat: 0 } } },
  });

  it.each([
    ['gate', ['person'], 90],
    ['gate', ['car'], 7],
    ['gate', ['dog'], 30],
    ['gate', ['car', 'person'], 90],
    ['gate', ['car', 'dog'], 30],
    ['yard', ['dog'], 60],
    ['yard', ['car'], 14],
    ['yard', ['person'], 90],
    ['yard', ['cat', 'car'], Infinity],
    ['gate', undefined, 90],
    ['yard', undefined, Infinity],
  ])('at %s with labels %j it is %s days', (camera, labels, days) => {
    expect(daysKept(settings, camera, labels)).toBe(days);
  });

  it('is a month where nothing is said, and for ever with 0', () => {
    expect(daysKept(settingsOf(undefined), 'gate', ['person'])).toBe(30);
    expect(daysKept(settingsOf({ days: 0 }), 'gate', ['person'])).toBe(Infinity);
  });

  it('counts from when it was stored, if that was later than it happened', () => {
    const event = { camera: 'gate', labels: ['dog'], startUs: 0, storedAtUs: NOW_US };
    expect(expiresAtUs(settings, event)).toBe(NOW_US + 30 * DAY_US);
    expect(expiresAtUs(settings, { ...event, startUs: NOW_US, storedAtUs: 0 })).toBe(NOW_US + 30 * DAY_US);
  });
});

const someDays = fc.oneof(fc.integer({ min: 0, max: 400 }), fc.double({ min: 0, max: 400, noNaN: true }));
const someLabels = fc.dictionary(fc.constantFrom('person', 'car', 'dog', 'cat'), someDays);
const someSettings = fc
  .record({
    days: someDays,
    labels: someLabels,
    cameras: fc.dictionary(
      fc.constantFrom('yard', 'gate'),
      fc.record({ days: someDays, labels: someLabels }, { requiredKeys: ['labels'] }),
    ),
  })
  .map(settingsOf);
const someEvent = fc.record({
  camera: fc.constantFrom('yard', 'gate', 'hall'),
  labels: fc.uniqueArray(fc.constantFrom('person', 'car', 'dog', 'bus'), { minLength: 1 }),
  ageUs: fc.integer({ min: 0, max: 500 * DAY_US }),
});

const isWithin = (date: string, days: { first?: string; last: string }[]): boolean =>
  days.some(({ first = '', last }) => date >= first && date <= last);

describe('whatever the settings', () => {
  it('an event of several labels stays at least as long as for each of them alone', () => {
    fc.assert(
      fc.property(someSettings, someEvent, (settings, { camera, labels }) => {
        const all = daysKept(settings, camera, labels);
        for (const label of labels) expect(all).toBeGreaterThanOrEqual(daysKept(settings, camera, [label]));
        expect(daysKept(settings, camera, undefined)).toBeGreaterThanOrEqual(all);
      }),
    );
  });

  it('a full look reaches the day of every event whose time is over', () => {
    fc.assert(
      fc.property(someSettings, someEvent, (settings, { camera, labels, ageUs }) => {
        const startUs = NOW_US - ageUs;
        const expired = expiresAtUs(settings, { camera, labels, startUs, storedAtUs: startUs }) <= NOW_US;
        fc.pre(expired);
        expect(isWithin(dateOf(startUs), daysToSweep(settings, camera, NOW_US, true))).toBe(true);
      }),
    );
  });

  it('a look at some days reaches every event whose time ended since a full look that day', () => {
    fc.assert(
      fc.property(
        someSettings,
        someEvent,
        fc.integer({ min: 0, max: DAY_US }),
        (settings, event, sinceUs) => {
          const { camera, labels } = event;
          const days = daysKept(settings, camera, labels);
          fc.pre(Number.isFinite(days));
          const startUs = Math.round(NOW_US - days * DAY_US - sinceUs);
          expect(isWithin(dateOf(startUs), daysToSweep(settings, camera, NOW_US, false))).toBe(true);
        },
      ),
    );
  });

  it('a look at some days looks at no day twice', () => {
    fc.assert(
      fc.property(someSettings, fc.constantFrom('yard', 'gate', 'hall'), (settings, camera) => {
        const days = daysToSweep(settings, camera, NOW_US, false);
        for (const [index, { first, last }] of days.entries()) {
          expect(first !== undefined && first <= last).toBe(true);
          const before = days[index - 1];
          if (before !== undefined) expect(first).toSatisfy((date: string) => date > before.last);
        }
      }),
    );
  });
});

describe('a sweep', () => {
  const settings = 'a';
  const decide = (state: Parameters<typeof sweepDecision>[0], nowUs = NOW_US): unknown =>
    sweepDecision(state, { settings, nowUs });

  it('is only told the first time, after a change of settings, and when the clock may be wrong', () => {
    expect(decide(undefined)).toMatchObject({ kind: 'announce' });
    expect(decide({ settings: 'b', startedAtUs: NOW_US })).toMatchObject({ kind: 'announce' });
    expect(decide({ settings, startedAtUs: NOW_US + 2 * HOUR_US })).toMatchObject({ kind: 'announce' });
    expect(decide({ settings, startedAtUs: NOW_US - 8 * DAY_US })).toMatchObject({ kind: 'announce' });
  });

  it('is due an hour after the one before', () => {
    expect(decide({ settings, startedAtUs: NOW_US - HOUR_US + 1 })).toEqual({ kind: 'wait' });
    expect(decide({ settings, startedAtUs: NOW_US - HOUR_US })).toMatchObject({ kind: 'sweep' });
  });

  it('looks at all days once a day', () => {
    const state = { settings, startedAtUs: NOW_US - HOUR_US };
    expect(decide(state)).toEqual({ kind: 'sweep', full: true });
    expect(decide({ ...state, fullAtUs: NOW_US - HOUR_US })).toEqual({ kind: 'sweep', full: false });
    expect(decide({ ...state, fullAtUs: NOW_US - 23 * HOUR_US })).toEqual({ kind: 'sweep', full: true });
  });
});
