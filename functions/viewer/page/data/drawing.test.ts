import { expect, it } from 'vitest';
import { Drawing } from './drawing.ts';
import { shapesOf } from './shapes-config.ts';
import type { Shape } from './shapes.ts';

const square = (x: number): [number, number][] => [
  [x, 0],
  [x + 0.1, 0],
  [x + 0.1, 0.1],
];

function namesByKey(shapes: readonly Shape[]): Map<number, string> {
  return new Map(shapes.map(({ key, name }) => [key, name]));
}

it('a shape that was chosen stays the chosen one when others come into the config before it, or go', () => {
  const drawing = new Drawing('yard');
  drawing.takePresent(
    shapesOf({ zones: { drive: { polygon: square(0) }, porch: { polygon: square(0.2) } } }),
  );
  const chosen = drawing.shapes.value.find(({ name }) => name === 'porch')?.key ?? -1;
  drawing.takePresent(
    shapesOf({
      zones: {
        bed: { polygon: square(0.4) },
        drive: { polygon: square(0) },
        porch: { polygon: square(0.3) },
      },
    }),
  );
  expect(namesByKey(drawing.shapes.value).get(chosen)).toBe('porch');
  drawing.takePresent(shapesOf({ zones: { porch: { polygon: square(0.2) } } }));
  expect(namesByKey(drawing.shapes.value)).toEqual(new Map([[chosen, 'porch']]));
  // Gone: no other has its key.
  drawing.takePresent(shapesOf({ zones: { bed: { polygon: square(0.4) }, lawn: { polygon: square(0) } } }));
  expect(drawing.shapes.value).toHaveLength(2);
  expect(namesByKey(drawing.shapes.value).has(chosen)).toBe(false);
});

it('masks, which have no names in the config, are told apart by where they are', () => {
  const drawing = new Drawing('yard');
  drawing.takePresent(shapesOf({ masks: [square(0), square(0.2), square(0.2)] }));
  const keys = drawing.shapes.value.map(({ key }) => key);
  expect(new Set(keys).size).toBe(3);
  drawing.takePresent(shapesOf({ masks: [square(0.2)] }));
  expect(drawing.shapes.value.map(({ key, name }) => [keys.indexOf(key) > 0, name])).toEqual([
    [true, 'mask-1'],
  ]);
});

it('what is drawn here while the config changes keeps its key, also on the way back to the config', () => {
  const drawing = new Drawing('yard');
  drawing.takePresent(shapesOf({ zones: { porch: { polygon: square(0) } } }));
  const [porch] = drawing.shapes.value;
  const key = drawing.newKey();
  drawing.change([
    ...drawing.shapes.value,
    { key, kind: 'mask', name: 'mask-1', points: square(0.5), more: {} },
  ]);
  drawing.takePresent(
    shapesOf({ zones: { bed: { polygon: square(0.4) }, porch: { polygon: square(0.1) } } }),
  );
  expect(namesByKey(drawing.shapes.value)).toEqual(
    new Map([
      [porch?.key, 'porch'],
      [key, 'mask-1'],
    ]),
  );
  drawing.reset();
  const names = namesByKey(drawing.shapes.value);
  expect([...names.values()]).toEqual(['bed', 'porch']);
  expect(names.get(porch?.key ?? -1)).toBe('porch');
  expect(names.has(key)).toBe(false);
});
