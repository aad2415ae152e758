import { areaSettings } from '@faascam/core/analysis-settings';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { ShapeError } from '../shape.ts';
import { shapesOf, yamlOf } from './shapes-config.ts';
import {
  crossesItself,
  faultOf,
  freshName,
  middleAfter,
  withInserted,
  withoutPoint,
  withPoint,
  type Shape,
} from './shapes.ts';

const config = z.object(areaSettings);
const square: Shape = {
  ...{ key: 1, kind: 'zone', name: 'porch', more: {} },
  points: [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ],
};

describe('the text for faascam.yml', () => {
  it('is taken by the config, and comes back as the same shapes', () => {
    const settings = config.parse({
      masks: [
        [
          [0, 0],
          [1, 0],
          [1, 0.2],
        ],
      ],
      zones: {
        porch: { polygon: [...square.points], required: true, labels: ['person'], loiteringMs: 5000 },
        no: { polygon: [...square.points] },
      },
      lines: { 7: { from: [0.2, 0.5], to: [0.8, 0.5], direction: 'left-to-right' } },
    });
    const text = yamlOf(shapesOf(settings));
    expect(config.parse(parse(text))).toEqual(settings);
    // What is as usual is not written.
    expect(text).not.toContain('inertia');
  });

  it('clears what was there before, where nothing is drawn', () => {
    expect(parse(yamlOf([]))).toEqual({ masks: [], zones: {}, lines: {} });
  });

  it('is not made of what is no config', () => {
    expect(() => shapesOf({ masks: [[[0]]] })).toThrow(ShapeError);
    expect(() => shapesOf({ zones: { porch: 'all' } })).toThrow(ShapeError);
    expect(shapesOf({})).toEqual([]);
  });
});

it('corners move, come in between and go, as far as the shape allows', () => {
  expect(withPoint(square, 2, [2, 0.12345]).points[2]).toEqual([1, 0.123]);
  expect(withInserted(square, 1, middleAfter(square, 0)).points[1]).toEqual([0.5, 0]);
  expect(middleAfter(square, 3)).toEqual([0, 0.5]);
  const triangle = withoutPoint(square, 3);
  expect(triangle.points).toHaveLength(3);
  expect(withoutPoint(triangle, 0)).toBe(triangle);
});

it('a shape that the config would refuse, or that is not what one sees, is told', () => {
  expect(faultOf(square, [square])).toBeUndefined();
  expect(faultOf({ ...square, name: 'The Porch' }, [square])).toBe('bad-name');
  expect(faultOf(square, [square, { ...square, key: 2 }])).toBe('twice');
  expect(faultOf({ ...square, points: square.points.slice(0, 2) }, [])).toBe('too-few');
  const bow = withPoint(withPoint(square, 1, [1, 1]), 2, [1, 0]);
  expect(crossesItself(bow.points)).toBe(true);
  expect(faultOf(bow, [bow])).toBe('crosses');
  expect(freshName('zone', [{ ...square, name: 'zone-1' }])).toBe('zone-2');
});
