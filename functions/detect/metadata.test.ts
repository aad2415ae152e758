import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { inputSizeOf, namesOf, readMetadata } from './metadata.ts';
import { tinyModel } from './testing/tiny-model.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-metadata-'));
afterAll(() => rmSync(scratch, { recursive: true }));

describe("an ONNX file's metadata", () => {
  const model = tinyModel(
    [{ name: 'images', type: 'float32', shape: [1, 3, 64, 64] }],
    [{ name: 'out', type: 'float32', dims: [1, 300, 6], values: new Float32Array(1800) }],
    { names: "{0: 'cat'}", imgsz: '[64, 64]', task: 'detect' },
  );

  it('is found behind the weights', async () => {
    const path = join(scratch, 'model.onnx');
    writeFileSync(path, model);
    expect(Object.fromEntries(await readMetadata(path))).toEqual({
      names: "{0: 'cat'}",
      imgsz: '[64, 64]',
      task: 'detect',
    });
  });

  it('is empty or less of what breaks off or is no such file', async () => {
    const path = join(scratch, 'broken.onnx');
    for (let length = 0; length < model.length; length += 97) {
      writeFileSync(path, model.subarray(0, length));
      expect((await readMetadata(path)).size).toBeLessThan(3);
    }
    for (const bytes of [Buffer.alloc(300, 0xff), Buffer.from('no model'), Buffer.alloc(64)]) {
      writeFileSync(path, bytes);
      expect((await readMetadata(path)).size).toBe(0);
    }
  });
});

describe('names in metadata', () => {
  it.each([
    ["{0: 'person', 1: 'car'}", ['person', 'car']],
    ['{0: "driver\'s car", 1: \'say "no"\'}', ["driver's car", 'say "no"']],
    ["{1: 'b', 0: 'a\\'s',}", ["a's", 'b']],
    ['{"0": "person", "1": "caf\\u00e9, bar"}', ['person', 'café, bar']],
    ['["person", "car"]', ['person', 'car']],
    ["[ 'person' ]", ['person']],
  ])('%s are read', (text, names) => {
    expect(namesOf(text)).toEqual(names);
  });

  it.each([
    undefined,
    '',
    '{}',
    '[]',
    'person',
    "{0: 'a', 2: 'c'}",
    "{0: 'a' 1: 'b'}",
    "['a', 1: 'b']",
    "{'a', 'b'}",
  ])('%s are none', (text) => {
    expect(namesOf(text)).toBeUndefined();
  });

  it('tell the size of a square or another input', () => {
    expect(inputSizeOf('[384, 640]')).toEqual([640, 384]);
    expect(inputSizeOf('640')).toEqual([640, 640]);
    expect(inputSizeOf('')).toBeUndefined();
  });
});
