import { describe, expect, it } from 'vitest';
import { chooseRange } from './range.ts';

describe('a Range header', () => {
  it.each([
    ['bytes=0-', 0, 99],
    ['bytes=0-0', 0, 0],
    ['bytes=10-19', 10, 19],
    ['bytes=90-1000', 90, 99],
    ['bytes=-10', 90, 99],
    ['bytes=-1000', 0, 99],
    ['bytes=99-', 99, 99],
    ['Bytes=5-6', 5, 6],
    ['bytes= 5 - 6 ', 5, 6],
    ['bytes=0-99999999999999999999999999', 0, 99],
  ])('%s of 100 bytes is bytes %i to %i', (header, start, end) => {
    expect(chooseRange(header, 100)).toEqual({ kind: 'part', start, end });
  });

  it.each(['bytes=100-', 'bytes=100-200', 'bytes=-0', 'bytes=99999999999999999999999-'])(
    '%s of 100 bytes cannot be satisfied',
    (header) => {
      expect(chooseRange(header, 100)).toEqual({ kind: 'unsatisfiable' });
    },
  );

  it('cannot be satisfied by an empty object', () => {
    expect(chooseRange('bytes=0-', 0)).toEqual({ kind: 'unsatisfiable' });
    expect(chooseRange('bytes=-1', 0)).toEqual({ kind: 'unsatisfiable' });
  });

  it.each([
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=5-2',
    'bytes=0-1,5-6',
    'lines=1-2',
    'bytes=1.5-2',
    'bytes=--5',
  ])('%s is ignored', (header) => {
    expect(chooseRange(header, 100)).toEqual({ kind: 'whole' });
  });

  it('never leads outside the object, whatever is written in it', () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const alphabet = [
      'bytes',
      '=',
      '-',
      ',',
      ' ',
      '\t',
      '0',
      '7',
      '42',
      '99',
      '100',
      '1e3',
      '-1',
      'x',
      '\u0000',
      '٣',
    ];
    let parts = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const body = Array.from({ length: 1 + random(6) }, () => alphabet[random(alphabet.length)] ?? '').join(
        '',
      );
      const sizeBytes = random(120);
      const choice = chooseRange(random(3) === 0 ? body : `bytes=${body}`, sizeBytes);
      if (choice.kind !== 'part') continue;
      parts += 1;
      expect(Number.isSafeInteger(choice.start) && Number.isSafeInteger(choice.end)).toBe(true);
      expect(choice.start).toBeGreaterThanOrEqual(0);
      expect(choice.end).toBeGreaterThanOrEqual(choice.start);
      expect(choice.end).toBeLessThan(sizeBytes);
    }
    expect(parts).toBeGreaterThan(100);
  });
});
