import { describe, expect, it } from 'vitest';
import { notifySettings, type NotifySettings } from '@faascam/core/notify-settings';
import type { EventMessage } from '@faascam/core/messages';
import { eventOf, storedOf } from './testing/events.ts';
import { afterClip, afterEvent, decodeNotices, encodeNotices, outboxKey, withoutSent } from './visits.ts';

const START_US = 1_767_323_045_000_000;
const MINUTE_US = 60_000_000;
const house = { kind: 'webhook', url: 'http://192.168.1.5/hook' };

function settingsOf(rule: object, rest: object = {}): NotifySettings {
  return notifySettings.parse({
    targets: { house },
    rules: [{ name: 'door', to: ['house'], ...rule }],
    ...rest,
  });
}

/** Titles told by these messages, each heard as soon as it was said. */
function told(settings: NotifySettings, messages: readonly EventMessage[], lateUs = 0): string[] {
  let state = decodeNotices(undefined, 'yard');
  for (const message of messages) state = afterEvent(state, message, settings, message.endUs + lateUs);
  return state.outbox.map(({ title }) => title);
}

/** A visit from its first sight to its end, with an update each second. */
function visit(startUs: number, seconds: number, more: Parameters<typeof eventOf>[2] = {}): EventMessage[] {
  return Array.from({ length: seconds + 1 }, (_, second) =>
    eventOf('yard', startUs, {
      ...more,
      endUs: startUs + second * 1_000_000,
      phase: second === 0 ? 'start' : second === seconds ? 'end' : 'update',
    }),
  );
}

/** What goes on with `parent`, as a part of the same visit. */
function partAfter(parent: string | undefined, startUs: number): EventMessage {
  const part = eventOf('yard', startUs);
  return {
    ...part,
    began: {
      ...{ rule: 'split' as const, atUs: startUs, seq: 1, track: 1, label: 'person', sightings: [] },
      ...{ medianScore: 0.8, needed: { hits: 3, medianScore: 0.6 }, model: '0'.repeat(64) },
      after: parent,
    },
  };
}

describe('a rule', () => {
  it('tells a visit once, however many messages there are of it', () => {
    expect(told(settingsOf({}), visit(START_US, 30))).toEqual(['person at yard']);
  });

  it('tells a visit that is split into several events once, and the next visit again', () => {
    const first = visit(START_US, 300);
    const goesOn = partAfter(first[0]?.id, START_US + 300_000_000);
    const later = visit(START_US + 1_000_000_000, 3);
    expect(told(settingsOf({}), [...first, goesOn, ...later])).toHaveLength(2);
  });

  it('tells a visit as soon as it is what the rule asks for: label, zone, score', () => {
    const [start, ...more] = visit(START_US, 5);
    const grown = more.map((message, index) => ({
      ...message,
      labels: index >= 1 ? ['person', 'dog'] : ['person'],
      zones: index >= 2 ? ['gate'] : [],
      bestScore: index >= 3 ? 0.95 : 0.8,
    }));
    const settings = settingsOf({ labels: ['dog'], zones: ['gate', 'path'], minScore: 0.9, title: '{time}' });
    const messages = start === undefined ? [] : [start, ...grown];
    for (const count of [1, 2, 3, 4]) expect(told(settings, messages.slice(0, count))).toEqual([]);
    expect(told(settings, messages)).toHaveLength(1);
    expect(told(settingsOf({ cameras: ['door'] }), messages)).toEqual([]);
  });

  it('is silent for its cooldown after it told of the same label, and tells of another', () => {
    const settings = settingsOf({ cooldownMs: 120_000 });
    const dog = visit(START_US + MINUTE_US, 2, { label: 'dog' });
    const again = visit(START_US + 1.5 * MINUTE_US, 2);
    const after = visit(START_US + 2.1 * MINUTE_US, 2);
    expect(told(settings, [...visit(START_US, 2), ...dog, ...again, ...after])).toEqual([
      'person at yard',
      'dog at yard',
      'person at yard',
    ]);
  });

  it('tells nothing in quiet times, also not of the part of a visit that comes after them', () => {
    // 2026-01-02T03:04:05Z is a Friday; the visit begins in the quiet time and lasts beyond.
    const settings = settingsOf({ quiet: [{ days: ['fri'], from: '00:00', to: '03:05' }] });
    expect(told(settings, visit(START_US, 120))).toEqual([]);
    expect(told(settings, visit(START_US + 2 * MINUTE_US, 3))).toHaveLength(1);
  });

  it('tells nothing of what is heard of too late: after an outage, or at the first start', () => {
    expect(told(settingsOf({}, { maxAgeMs: 60_000 }), visit(START_US, 3), 61_000_000)).toEqual([]);
    expect(told(settingsOf({}, { maxAgeMs: 60_000 }), visit(START_US, 3), 59_000_000)).toHaveLength(1);
  });

  it('of clips tells when the clip is there, with what its event was', () => {
    const settings = settingsOf(
      { when: 'clip', labels: ['person'] },
      { pageUrl: 'https://cams.example/faascam/' },
    );
    const messages = visit(START_US, 3);
    let state = decodeNotices(undefined, 'yard');
    for (const message of messages) state = afterEvent(state, message, settings, message.endUs);
    expect(state.outbox).toEqual([]);
    const [{ id } = eventOf('yard', START_US)] = messages;
    const stored = storedOf(eventOf('yard', START_US));
    const after = afterClip(state, stored, settings, START_US + MINUTE_US);
    expect(after?.outbox).toMatchObject([
      {
        ...{ id: `door.${id}`, target: 'house', title: 'person at yard', clip: { complete: true } },
        url: `https://cams.example/faascam/?event=${id}`,
      },
    ]);
    expect(after && afterClip(after, stored, settings, START_US + MINUTE_US)?.outbox).toHaveLength(1);
    expect(afterClip(state, { ...stored, removed: true }, settings, START_US + MINUTE_US)?.outbox).toEqual(
      [],
    );
  });

  it('of clips tells of a visit that was split once, whichever part is stored first', () => {
    const settings = settingsOf({ when: 'clip', cooldownMs: 0 });
    const first = eventOf('yard', START_US, { phase: 'end', endUs: START_US + 300_000_000 });
    const second = partAfter(first.id, START_US + 300_000_000);
    const third = partAfter(second.id, START_US + 600_000_000);
    const parts = [first, second, third];
    for (const order of [
      [0, 1, 2],
      [1, 2, 0],
      [2, 0, 1],
    ]) {
      let state = decodeNotices(undefined, 'yard');
      for (const part of parts) state = afterEvent(state, part, settings, part.endUs);
      for (const index of order) {
        const [part = first] = parts.slice(index);
        const nowUs = START_US + 620_000_000;
        state = afterClip(state, storedOf(part), settings, nowUs) ?? state;
      }
      expect(state.outbox.map(({ event }) => event?.id)).toEqual([parts[order[0] ?? 0]?.id]);
    }
  });

  it('tells of no clip that cannot be played, and of it once it can', () => {
    const settings = settingsOf({ when: 'clip' });
    const [event = eventOf('yard', START_US)] = visit(START_US, 3).slice(-1);
    const seen = afterEvent(decodeNotices(undefined, 'yard'), event, settings, event.endUs);
    const { manifest } = storedOf(event).keys;
    const without = afterClip(
      seen,
      { ...storedOf(event), keys: { manifest } },
      settings,
      START_US + MINUTE_US,
    );
    expect(without?.outbox).toEqual([]);
    expect(
      without && afterClip(without, storedOf(event), settings, START_US + MINUTE_US)?.outbox,
    ).toHaveLength(1);
  });

  it('tells of no footage that somebody asked for', () => {
    const stored = { ...storedOf(eventOf('yard', START_US)), exported: true as const };
    const before = decodeNotices(undefined, 'yard');
    expect(afterClip(before, stored, settingsOf({ when: 'clip' }), START_US)).toEqual(before);
  });

  it('waits a while for the event of a clip, and then tells of the clip alone', () => {
    const stored = storedOf(eventOf('yard', START_US));
    const empty = decodeNotices(undefined, 'yard');
    const settings = settingsOf({ when: 'clip' });
    expect(afterClip(empty, stored, settings, stored.requested.toUs + 1_000_000)).toBeUndefined();
    const waited = afterClip(empty, stored, settings, stored.requested.toUs + 61_000_000);
    expect(waited?.outbox).toHaveLength(1);
    const ofPersons = settingsOf({ when: 'clip', labels: ['person'] });
    expect(afterClip(empty, stored, ofPersons, stored.requested.toUs + 61_000_000)?.outbox).toEqual([]);
  });
});

it('a clip of which no event was heard neither ends a visit nor is taken for the last one', () => {
  const settings = settingsOf({ when: 'clip', cooldownMs: 0 });
  const [start, ...more] = visit(START_US, 120);
  if (start === undefined) throw new Error('there is a beginning');
  const before = afterEvent(decodeNotices(undefined, 'yard'), start, settings, START_US);
  const unknown = storedOf(eventOf('yard', START_US + 2_000_000));
  const heard = afterClip(before, unknown, settings, START_US + 2 * MINUTE_US);
  expect(heard?.outbox).toHaveLength(1);
  expect(heard?.visits).toEqual(before.visits);
  const [next = start] = more;
  const after = heard && afterEvent(heard, next, settings, START_US + 2 * MINUTE_US);
  expect(after?.visits).toMatchObject([{ id: start.id, ended: false, endUs: next.endUs }]);
});

it('each target of a rule gets a notice of its own, which stays in the outbox until it was handed on', () => {
  const settings = settingsOf({ to: ['house', 'garden', 'house'] }, { targets: { house, garden: house } });
  const state = afterEvent(decodeNotices(undefined, 'yard'), eventOf('yard', START_US), settings, START_US);
  expect(state.outbox.map(({ target }) => target)).toEqual(['house', 'garden']);
  const kept = decodeNotices(encodeNotices(state), 'yard');
  expect(kept).toEqual(state);
  const [first, second] = state.outbox;
  if (first === undefined) throw new Error('there is a notice');
  expect(withoutSent(kept, new Set([outboxKey(first)])).outbox).toEqual([second]);
});

it('what is known of a camera stays small, however long it is watched', () => {
  const settings = settingsOf({});
  let state = decodeNotices(undefined, 'yard');
  for (let count = 0; count < 300; count++) {
    const [message = eventOf('yard', START_US)] = visit(START_US + count * MINUTE_US, 1);
    state = { ...afterEvent(state, message, settings, message.endUs), outbox: [] };
  }
  expect(encodeNotices(state).length).toBeLessThan(40_000);
  // A camera has one event at a time.
  expect(state.visits.filter(({ ended }) => !ended)).toHaveLength(1);
});
