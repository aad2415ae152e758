import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChunkSplitter } from './chunks.ts';
import { PacketTimes } from './packet-times.ts';
import { PictureSampler } from './picture-sampler.ts';

describe('pictures that are passed on', () => {
  test('the times of packets are read in the time base that the head tells', () => {
    const times = new PacketTimes();
    expect(times.parse('0, 0, 40, 1, 100, 0x0')).toBe('no-time');
    expect(times.parse('#software: Lavf59.27.100')).toBeUndefined();
    expect(times.parse('#tb 0: 1/90000')).toBeUndefined();
    expect(times.parse('0,       9000,       9000,     3600,     4242, 0x1d2f5a3c')).toBe(100_000);
    expect(times.parse('0,      -9000,      -9000,     3600,     4242, 0x1d2f5a3c')).toBe(-100_000);
    expect(times.parse('0,      NOPTS,      NOPTS,     3600,     4242, 0x1d2f5a3c')).toBe('no-time');
  });

  test('whatever the line, its time is a whole number or none', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (head, line) => {
        const times = new PacketTimes();
        times.parse('#tb 0: 1/25');
        times.parse(head);
        const time = times.parse(line);
        expect(time === undefined || time === 'no-time' || Number.isInteger(time)).toBe(true);
      }),
    );
  });

  test('pictures are sampled at the rate that was asked for, never above it, also where they jitter', () => {
    const sampler = new PictureSampler(5);
    const taken: number[] = [];
    for (let picture = 0; picture < 300; picture++) {
      const us = picture * 33_333 + (picture % 3) * 4000;
      if (sampler.takes(us)) taken.push(us);
    }
    expect(taken.length).toBeGreaterThanOrEqual(49);
    expect(taken.length).toBeLessThanOrEqual(51);
  });

  test('after a hole, or when time goes back, sampling begins anew', () => {
    const sampler = new PictureSampler(1);
    const times = [0, 500_000, 1_000_000, 60_000_000, 60_500_000, 5_000_000, 5_500_000, 6_000_000];
    expect(times.filter((us) => sampler.takes(us))).toEqual([0, 1_000_000, 60_000_000, 5_000_000, 6_000_000]);
  });

  test('pieces of one size come out of bytes however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 })),
        fc.integer({ min: 1, max: 17 }),
        (chunks, size) => {
          const splitter = new ChunkSplitter(size);
          const pieces = chunks.flatMap((chunk) => splitter.push(chunk));
          const all = Buffer.concat(chunks);
          expect(pieces.every(({ length }) => length === size)).toBe(true);
          expect(Buffer.concat(pieces).equals(all.subarray(0, all.length - (all.length % size)))).toBe(true);
        },
      ),
    );
  });
});
