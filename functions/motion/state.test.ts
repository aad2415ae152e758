import { describe, expect, it } from 'vitest';
import { motionSettings } from '@faascam/core/settings';
import { beginBackground, observe, type Background } from './background.ts';
import { decodeBackground, encodeBackground } from './state.ts';

const settings = motionSettings.parse(undefined);
const START_US = 1_700_000_000_000_000;

/** What is known after a second in which a block crosses a plane with a pattern. */
function learned(width: number, height: number): Background {
  let background: Background | undefined;
  for (let frame = 0; frame < 10; frame++) {
    const pixels = Uint8Array.from({ length: width * height }, (_, at) => {
      const [x, y] = [at % width, Math.floor(at / width)];
      const covered = x >= frame && x < frame + 8 && y >= 8 && y < 24;
      return covered ? 20 : 90 + 40 * Math.sin(x / 5) + 30 * Math.cos(y / 4);
    });
    const luma = { width, height, pixels };
    const atUs = START_US + frame * 100_000;
    background =
      background === undefined
        ? beginBackground(luma, atUs)
        : observe(background, luma, atUs, settings).background;
  }
  if (background === undefined) throw new Error('no frame');
  return background;
}

describe('the state of motion', () => {
  it.each([
    [80, 44],
    [41, 31],
  ])('comes back from its bytes as it was, within its precision (%i x %i)', (width, height) => {
    const background = learned(width, height);
    const back = decodeBackground(encodeBackground(background));
    const { mean, variance, blocks, restless, ...rest } = background;
    expect(back).toMatchObject(rest);
    expect(back?.blocks.shown).toEqual(blocks.shown);
    expect(back?.blocks.buried).toEqual(blocks.buried);
    expect(back?.restless).toHaveLength(restless.length);
    const most = (of: (at: number) => number, length: number): number =>
      Math.max(...Array.from({ length }, (_, at) => Math.abs(of(at))));
    const logOf = (value: number | undefined): number => Math.log(1 + (value ?? NaN));
    expect(most((at) => (back?.mean[at] ?? NaN) - (mean[at] ?? NaN), mean.length)).toBeLessThanOrEqual(
      1 / 16,
    );
    expect(most((at) => logOf(back?.variance[at]) - logOf(variance[at]), mean.length)).toBeLessThanOrEqual(
      1 / 29,
    );
    expect(
      most((block) => (back?.blocks.ageMs[block] ?? NaN) - (blocks.ageMs[block] ?? NaN), blocks.ageMs.length),
    ).toBeLessThanOrEqual(100);
  });

  it('takes at most 3.5 bytes a cell, what is followed included', () => {
    expect(encodeBackground(learned(160, 90)).length).toBeLessThanOrEqual(3.5 * 160 * 90);
  });

  it('keeps what is learned in small steps when it goes through its bytes after each frame', () => {
    const [width, height] = [32, 24];
    const plain = (value: number): Uint8Array => new Uint8Array(width * height).fill(value);
    let background = beginBackground({ width, height, pixels: plain(100) }, START_US);
    background = { ...background, startUs: START_US - 60_000_000 };
    const drifted = plain(100);
    // One cell in the middle gets brighter by less than what counts.
    const middle = 12 * width + 16;
    drifted[middle] = 103;
    for (let frame = 1; frame <= 600; frame++) {
      const atUs = START_US + frame * 100_000;
      const next = observe(background, { width, height, pixels: drifted }, atUs, settings).background;
      const back = decodeBackground(encodeBackground(next));
      if (back === undefined) throw new Error('the bytes do not come back');
      background = back;
    }
    expect(background.mean[middle]).toBeGreaterThan(102);
  });

  it('is begun anew when its bytes are damaged or of another version', () => {
    const bytes = encodeBackground(learned(80, 44));
    const replaced = (what: string, by: string): Buffer =>
      Buffer.from(bytes.toString('latin1').replace(what, by), 'latin1');
    expect(decodeBackground(bytes.subarray(0, bytes.length - 1))).toBeUndefined();
    expect(decodeBackground(Buffer.concat([bytes, Buffer.alloc(1)]))).toBeUndefined();
    expect(decodeBackground(Buffer.from('{"v":1}\nrest'))).toBeUndefined();
    expect(decodeBackground(replaced('"v":4', '"v":3'))).toBeUndefined();
    expect(decodeBackground(replaced('"width":80', '"width":-8'))).toBeUndefined();
    expect(decodeBackground(replaced('"width":80', '"width":8'))).toBeUndefined();
    expect(decodeBackground(Buffer.alloc(0))).toBeUndefined();
    expect(decodeBackground(Buffer.alloc(60_000, 10))).toBeUndefined();
  });
});
