import { eventIdOf, eventKey } from '@faascam/core/ids';
import { describe, expect, it } from 'vitest';
import { listingsAbove, newestFirst, placeOf, type OrderedId } from './event-order.ts';

describe('an event id', () => {
  it('tells the camera, also one whose name looks like a date', () => {
    const id = eventIdOf('gate-20250101t000000-000000', Date.UTC(2026, 2, 4, 5, 6, 7) * 1000 + 89);
    expect(placeOf(id)).toMatchObject({
      camera: 'gate-20250101t000000-000000',
      year: '2026',
      month: '03',
      day: '04',
    });
  });

  it('sorts by time whatever the camera is called', () => {
    const early = placeOf(eventIdOf('zebra', 1_000_000_000_000_000));
    const late = placeOf(eventIdOf('ant', 1_000_000_000_000_001));
    expect(late?.order.localeCompare(early?.order ?? '')).toBe(1);
  });

  it('is in the listings on the way to its objects', () => {
    const id = eventIdOf('yard', 1_700_000_000_000_000);
    const place = placeOf(id);
    const listings = place ? listingsAbove(place) : [];
    expect(listings).toHaveLength(5);
    for (const prefix of listings) expect(eventKey(id, 'event.json').startsWith(prefix)).toBe(true);
  });

  it.each(['', 'yard', '../../etc/passwd', 'yard-20260304t050607-00008', 'Yard-20260304t050607-000089'])(
    '%j is none',
    (text) => {
      expect(placeOf(text)).toBeUndefined();
    },
  );
});

async function* source(...orders: string[]): AsyncGenerator<OrderedId> {
  for (const order of orders) {
    await Promise.resolve();
    yield { id: order, order };
  }
}

describe('several cameras', () => {
  it('become one list, newest first', async () => {
    const merged: string[] = [];
    for await (const { id } of newestFirst([source('9', '4', '1'), source(), source('8', '7', '2')]))
      merged.push(id);
    expect(merged).toEqual(['9', '8', '7', '4', '2', '1']);
  });

  it('are not read further than asked', async () => {
    let read = 0;
    const counting = async function* (): AsyncGenerator<OrderedId> {
      for await (const entry of source('5', '4', '3', '2', '1')) {
        read += 1;
        yield entry;
      }
    };
    const merged = newestFirst([counting()]);
    await merged.next();
    await merged.next();
    expect(read).toBe(2);
  });
});
