import { THUMBNAIL, THUMBNAIL_BYTES } from './change.ts';

/** A thumbnail with some shapes in it, for tests, brighter by `levels`. */
export function scene(levels = 0): Uint8Array {
  const { width } = THUMBNAIL;
  return Uint8Array.from(
    { length: THUMBNAIL_BYTES },
    (_, at) => 90 + levels + (((at % width) >> 4) % 3) * 20,
  );
}

export function withPatch(
  thumbnail: Uint8Array,
  patch: { x: number; y: number; width: number; height: number; levels: number },
): Uint8Array {
  return thumbnail.map((value, at) => {
    const x = at % THUMBNAIL.width;
    const y = (at - x) / THUMBNAIL.width;
    const inside = x >= patch.x && x < patch.x + patch.width && y >= patch.y && y < patch.y + patch.height;
    return inside ? value + patch.levels : value;
  });
}

/** Adds normal noise, the same for the same seed. */
export function noise(thumbnail: Uint8Array, sigma: number, seed: number): Uint8Array {
  let state = seed * 2_654_435_761 + 1;
  const random = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 13), 3_266_489_917);
    mixed ^= mixed >>> 16;
    return ((mixed >>> 0) + 0.5) / 4_294_967_296;
  };
  return thumbnail.map((value) => {
    const normal = Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
    return Math.max(0, Math.min(255, Math.round(value + sigma * normal)));
  });
}
