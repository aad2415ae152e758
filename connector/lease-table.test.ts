import { describe, expect, it } from 'vitest';
import { beat, emptyTable, Heartbeats, heldBy, leave, type LeaseTable, surplus } from './lease-table.ts';

const functions = ['motion', 'detect', 'events', 'clip'];
const standing = (me: string, more: Partial<Parameters<typeof beat>[1]> = {}) => ({
  me,
  wanted: functions,
  dead: new Set<string>(),
  released: new Map<string, { clean: boolean }>(),
  ...more,
});

/** Replicas that beat in turn and give up what they should, until nothing changes any more. */
function settled(start: LeaseTable, replicas: readonly string[]): LeaseTable {
  let table = start;
  for (let round = 0; round < 10; round++) {
    for (const me of replicas) {
      const mine = functions.filter((name) => heldBy(table, me).includes(name));
      const released = new Map(surplus(table, me, mine, functions).map((name) => [name, { clean: true }]));
      table = beat(table, standing(me, { released }));
    }
  }
  return table;
}
const counts = (table: LeaseTable): number[] =>
  Object.keys(table.members)
    .map((id) => heldBy(table, id).length)
    .sort((a, b) => a - b);

describe('leases', () => {
  it('are all with the only replica, after its first sign of life', () => {
    const table = beat(emptyTable, standing('a'));
    expect(heldBy(table, 'a').sort()).toEqual([...functions].sort());
    expect(table.members).toEqual({ a: { beat: 1 } });
  });

  it('are spread evenly over replicas that come, whatever their number, and stay so', () => {
    const one = beat(emptyTable, standing('a'));
    for (const [replicas, wanted] of [
      [
        ['a', 'b'],
        [2, 2],
      ],
      [
        ['a', 'b', 'c'],
        [1, 1, 2],
      ],
      [
        ['a', 'b', 'c', 'd', 'e'],
        [0, 1, 1, 1, 1],
      ],
    ] as const) {
      const table = settled(one, replicas);
      expect(counts(table)).toEqual(wanted);
      for (const me of replicas)
        expect(
          surplus(
            table,
            me,
            functions.filter((name) => heldBy(table, me).includes(name)),
            functions,
          ),
        ).toEqual([]);
    }
  });

  it('go to the others when a replica is dead, and the table tells that nothing was given back', () => {
    const two = settled(beat(emptyTable, standing('a')), ['a', 'b']);
    const lost = heldBy(two, 'b');
    const table = beat(two, standing('a', { dead: new Set(['b']), wanted: [] }));
    expect(table.members).toEqual({ a: { beat: expect.any(Number) as number } });
    expect(lost.map((name) => table.leases[name])).toEqual([{ holder: null }, { holder: null }]);
    expect(counts(beat(table, standing('a')))).toEqual([4]);
  });

  it('that were given back in order say so, also when their replica leaves', () => {
    const table = beat(emptyTable, standing('a'));
    const released = new Map([['clip', { clean: true }]]);
    expect(leave(table, 'a', released)).toEqual({
      v: 1,
      members: {},
      leases: {
        motion: { holder: null },
        detect: { holder: null },
        events: { holder: null },
        clip: { holder: null, clean: true },
      },
    });
  });

  it('go to the others one by one while a replica finishes its work', () => {
    const two = settled(beat(emptyTable, standing('a')), ['a', 'b']);
    const [first = '', second = ''] = heldBy(two, 'a');
    const released = new Map([[first, { clean: true }]]);
    const leaving = beat(two, standing('a', { leaving: true, released }));
    const taken = beat(leaving, standing('b'));
    expect(counts(taken)).toEqual([1, 3]);
    expect(taken.leases[second]).toEqual({ holder: 'a' });
    expect(counts(beat(taken, standing('a', { leaving: true })))).toEqual([1, 3]);
  });

  it('of a function that nobody lists any more are not taken', () => {
    const table = beat(emptyTable, standing('a', { wanted: ['motion'] }));
    expect(heldBy(table, 'a')).toEqual(['motion']);
  });

  it('that are given up are every other of the busiest', () => {
    const table = beat(beat(emptyTable, standing('a')), standing('b'));
    expect(surplus(table, 'a', functions, functions)).toEqual(['detect', 'clip']);
  });
});

describe('signs of life', () => {
  const members = (beats: Record<string, number>): LeaseTable => ({
    ...emptyTable,
    members: Object.fromEntries(Object.entries(beats).map(([id, count]) => [id, { beat: count }])),
  });

  it('that fail to come for long enough mean death', () => {
    const heartbeats = new Heartbeats(5000, 2500);
    for (let ms = 0; ms < 5000; ms += 1000) {
      expect(heartbeats.look(members({ a: ms, b: 7 }), ms)).toEqual(new Set());
    }
    expect(heartbeats.look(members({ a: 9, b: 7 }), 5000)).toEqual(new Set(['b']));
  });

  it('count again from the start for whoever could not look', () => {
    const heartbeats = new Heartbeats(5000, 2500);
    heartbeats.look(members({ b: 7 }), 0);
    expect(heartbeats.look(members({ b: 7 }), 60_000)).toEqual(new Set());
    expect(heartbeats.look(members({ b: 7 }), 62_000)).toEqual(new Set());
  });
});
