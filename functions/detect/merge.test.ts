import { describe, expect, it } from 'vitest';
import type { Candidate } from './decode.ts';
import { mergeViews } from './merge.ts';

const picture = { width: 1000, height: 500 };
const whole = { left: 0, top: 0, ...picture };
const merging = { maxIou: 0.45, maxIouAcross: 0.45, limit: 100 };

function box(
  score: number,
  left: number,
  top: number,
  width: number,
  height: number,
  classId = 0,
): Candidate {
  return { classId, score, left, top, right: left + width, bottom: top + height };
}

const scores = (views: Parameters<typeof mergeViews>[0], more = merging): number[] =>
  mergeViews(views, picture, more).map(({ score }) => score);

describe('what several looks found', () => {
  it('is without doubles of one class, in one look and across looks', () => {
    const candidates = [
      box(0.7, 110, 100, 200, 200),
      box(0.9, 100, 100, 200, 200),
      box(0.6, 100, 100, 200, 200, 1),
    ];
    expect(scores([{ part: whole, candidates }])).toEqual([0.9, 0.6]);
    const near = {
      part: { left: 50, top: 50, width: 400, height: 400 },
      candidates: [box(0.8, 105, 95, 200, 200)],
    };
    expect(scores([{ part: whole, candidates }, near])).toEqual([0.9, 0.6]);
  });

  it('keeps two that a model without doubles says are two', () => {
    const candidates = [box(0.7, 110, 100, 200, 200), box(0.9, 100, 100, 200, 200)];
    expect(scores([{ part: whole, candidates }], { ...merging, maxIou: 1 })).toEqual([0.9, 0.7]);
  });

  it('prefers the whole of an object to the piece that ends where a region ends', () => {
    const region = { left: 200, top: 100, width: 200, height: 200 };
    const piece = box(0.95, 330, 150, 70, 100);
    expect(
      scores([
        { part: whole, candidates: [box(0.5, 330, 150, 130, 100)] },
        { part: region, candidates: [piece] },
      ]),
    ).toEqual([0.5]);
    // Where nobody saw the whole, the piece is better than nothing.
    expect(scores([{ part: region, candidates: [piece] }])).toEqual([0.95]);
  });

  it('keeps what ends where the picture ends', () => {
    const corner = { left: 0, top: 0, width: 200, height: 200 };
    expect(
      scores([
        { part: whole, candidates: [box(0.6, 0, 0, 60, 150)] },
        { part: corner, candidates: [box(0.8, 0, 0, 50, 150)] },
      ]),
    ).toEqual([0.8]);
  });

  it('is at most so many, the best of them', () => {
    const candidates = Array.from({ length: 20 }, (_, index) => box(index / 20, index * 50, 0, 40, 40));
    expect(scores([{ part: whole, candidates }], { ...merging, limit: 3 })).toEqual([0.95, 0.9, 0.85]);
  });
});
