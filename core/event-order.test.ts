import { describe, expect, it } from 'vitest';
import { listingsAbove, merged, placeOf } from './event-order.ts';
import { eventIdOf, eventKey } from './ids.ts';

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

  it('tells to the microsecond when the event began', () => {
    const startUs = Date.UTC(2026, 10, 30, 23, 59, 59) * 1000 + 999_999;
    expect(placeOf(eventIdOf('yard', startUs))?.startUs).toBe(startUs);
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

async function* source(...orders: string[]): AsyncGenerator<{ order: string }> {
  for (const order of orders) {
    await Promise.resolve();
    yield { order };
  }
}

describe('several cameras', () => {
  it('become one list, newest first', async () => {
    const orders: string[] = [];
    for await (const { order } of merged([source('9', '4', '1'), source(), source('8', '7', '2')], 'newest'))
      orders.push(order);
    expect(orders).toEqual(['9', '8', '7', '4', '2', '1']);
  });

  it('become one list, oldest first', async () => {
    const orders: string[] = [];
    for await (const { order } of merged([source('1', '4', '9'), source('2', '7', '8')], 'oldest'))
      orders.push(order);
    expect(orders).toEqual(['1', '2', '4', '7', '8', '9']);
  });

  it('are not read further than asked', async () => {
    let read = 0;
    const counting = async function* (): AsyncGenerator<{ order: string }> {
      for await (const entry of source('5', '4', '3', '2', '1')) {
        read += 1;
        yield entry;
      }
    };
    const all = merged([counting()], 'newest');
    await all.next();
    await all.next();
    expect(read).toBe(2);
  });
});
