import type { MotionHeader } from '@faascam/core/messages';
import type { MotionSettings } from '@faascam/core/settings';
import { align, slopesOf } from './alignment.ts';
import { learn, NOISE_FLOOR, START_VARIANCE } from './learning.ts';
import type { Luma } from './luma.ts';
import { grow, majority, regionsOf } from './regions.ts';
import { withoutShadows } from './shadow.ts';
import { sharpness } from './sharpness.ts';
import { follow, type Track } from './tracks.ts';

/**
 * What is known of a camera's empty scene: for each cell its usual brightness and how much it flickers. After
 * Stauffer and Grimson, "Adaptive background mixture models for real-time tracking" (CVPR 1999), with one Gaussian
 * a cell, and with brightness compared after the whole picture's gain, offset and shift have been taken out. What is in
 * the foreground moves once it has got on (`tracks.ts`): light, leaves, rain and noise do not.
 */
export interface Background {
  width: number;
  height: number;
  /** Usual brightness, 0..255. */
  mean: Float32Array;
  /** Variance of the brightness around it, in grey levels squared. */
  variance: Float32Array;
  /** The last frame's brightness. */
  last: Uint8Array;
  /** For how long a cell in the foreground has kept its brightness, ms. */
  steadyMs: Uint16Array;
  lastUs: number;
  /** When something last moved; 0 for never. */
  movedUs: number;
  /** When learning began: the first seconds learn faster. */
  startUs: number;
  /** What is followed in the foreground. */
  tracks: Track[];
  /** What was said of the frame at `lastUs`, to be said again when it is asked again. */
  said: MotionHeader;
}

/** A cell beside the foreground belongs to it at this share of the threshold. */
const WEAK = 0.5;
/** The picture trembles by this much of a cell even where nothing shakes the camera: edges are noisier than planes. */
const TREMBLE = 0.12;
/** More of the picture than this in the foreground at once is light or a moved camera, not an object. */
const SCENE_CHANGE = 0.6;
/** What kept its brightness for less than this changed of late. */
const OF_LATE_MS = 500;
/** A region that has not got on by then is none that moves: the background learns from it. */
const DOUBTED_US = 1_500_000;
/** A region is worth a look for this long before it has got on. */
const FRESH_US = 700_000;
const STILL: MotionHeader = { v: 1, kind: 'still', score: 0, boxes: [] };

/** The background as the first frame shows it. */
export function beginBackground(luma: Luma, capturedAtUs: number): Background {
  return {
    width: luma.width,
    height: luma.height,
    mean: Float32Array.from(luma.pixels),
    variance: new Float32Array(luma.pixels.length).fill(START_VARIANCE),
    last: luma.pixels.slice(),
    steadyMs: new Uint16Array(luma.pixels.length),
    lastUs: capturedAtUs,
    movedUs: 0,
    startUs: capturedAtUs,
    tracks: [],
    said: STILL,
  };
}

/**
 * Compares a frame with the background, and learns from it. Answers the background after the frame, its `said`
 * telling what moves, and the cleaned foreground mask (0 and 1, row by row). The one given stays as it is.
 * A frame of another size begins anew.
 */
export function observe(
  before: Background,
  luma: Luma,
  capturedAtUs: number,
  settings: MotionSettings,
): { background: Background; mask: Uint8Array } {
  if (luma.width !== before.width || luma.height !== before.height) {
    const background = beginBackground(luma, capturedAtUs);
    return { background, mask: new Uint8Array(luma.pixels.length) };
  }
  const { width, height, pixels } = luma;
  const elapsedMs = Math.min(5000, Math.max(1, (capturedAtUs - before.lastUs) / 1000));
  const { slopeX, slopeY } = slopesOf(before.mean, width, height);
  const { gain, offset, shiftX, shiftY } = align(before.mean, slopeX, slopeY, pixels);
  const threshold = deviationsOf(settings.sensitivity);
  const residual = new Float32Array(pixels.length);
  const expected = new Float32Array(pixels.length);
  const strong = new Uint8Array(pixels.length);
  const weak = new Uint8Array(pixels.length);
  const floor = NOISE_FLOOR * NOISE_FLOOR;
  const scaled = Math.max(1, gain * gain);
  for (let at = 0; at < pixels.length; at++) {
    const shift = shiftX * (slopeX[at] ?? 0) + shiftY * (slopeY[at] ?? 0);
    expected[at] = gain * ((before.mean[at] ?? 0) + shift) + offset;
  }
  const weakly = WEAK * WEAK * threshold * threshold;
  const strongly = threshold * threshold;
  for (let at = 0; at < pixels.length; at++) {
    const gx = slopeX[at] ?? 0;
    const gy = slopeY[at] ?? 0;
    const difference = (pixels[at] ?? 0) - (expected[at] ?? 0);
    residual[at] = difference;
    const tremble = TREMBLE * TREMBLE * (gx * gx + gy * gy);
    const noise = scaled * ((before.variance[at] ?? 0) + tremble) + floor;
    const square = difference * difference;
    strong[at] = square > strongly * noise ? 1 : 0;
    weak[at] = square > weakly * noise ? 1 : 0;
  }
  const unlit = (cells: Uint8Array): Uint8Array => withoutShadows(cells, pixels, expected, width, height);
  const weakKept = unlit(weak);
  const mask = grow(majority(unlit(strong), width, height), majority(weakKept, width, height), width, height);
  const light = weak.map((cell, at) => cell - (weakKept[at] ?? 0));
  let foreground = 0;
  for (let at = 0; at < mask.length; at++) foreground += mask[at] ?? 0;
  if (foreground > SCENE_CHANGE * pixels.length) return changed(before, luma, capturedAtUs, settings, mask);

  const minCells = Math.max(4, Math.round(settings.minArea * pixels.length));
  const changing = new Uint8Array(pixels.length);
  for (let at = 0; at < changing.length; at++) {
    changing[at] = (before.steadyMs[at] ?? 0) + elapsedMs < OF_LATE_MS ? 1 : 0;
  }
  const sharp = sharpness({ pixels, expected, variance: before.variance, gain }, mask, width, threshold);
  const regions = regionsOf(mask, width, height, minCells, { changing, sharp });
  const { tracks, judged } = follow(before.tracks, regions, capturedAtUs);
  const movers = judged.filter(({ moving }) => moving).map(({ region }) => region);
  const movedUs = movers.length > 0 ? capturedAtUs : before.movedUs;
  // Something new may turn out to move: the detector need not wait for that.
  const fresh = judged.some(({ track }) => track.gains === 0 && capturedAtUs - track.firstUs < FRESH_US);
  const said: MotionHeader = {
    v: 1,
    kind:
      movers.length > 0
        ? 'moving'
        : fresh
          ? 'settling'
          : unmoved(movedUs, before.lastUs, capturedAtUs, settings),
    score: movers.reduce((sum, region) => sum + region.cells, 0) / pixels.length,
    boxes: movers.slice(0, 16).map(({ box }) => box),
  };
  const trusted = new Uint8Array(pixels.length);
  for (const { region, track, moving } of judged) {
    if (!moving && track.gotOnUs === 0 && capturedAtUs - track.firstUs > DOUBTED_US) continue;
    for (const at of region.members) trusted[at] = moving ? 2 : 1;
  }
  const learned = learn(before, { pixels, residual, mask, light, trusted, elapsedMs, capturedAtUs });
  return { background: { ...before, ...learned, lastUs: capturedAtUs, movedUs, tracks, said }, mask };
}

/** The background anew after the whole scene has changed. */
function changed(
  before: Background,
  luma: Luma,
  capturedAtUs: number,
  settings: MotionSettings,
  mask: Uint8Array,
): { background: Background; mask: Uint8Array } {
  const kind = unmoved(before.movedUs, before.lastUs, capturedAtUs, settings);
  const background = {
    ...beginBackground(luma, capturedAtUs),
    movedUs: before.movedUs,
    said: { ...STILL, kind },
  };
  return { background, mask };
}

/** What to call a frame in which nothing moves: worth a look for a while after motion, then now and then. */
function unmoved(
  movedUs: number,
  lastUs: number,
  nowUs: number,
  settings: MotionSettings,
): 'settling' | 'still' {
  if (movedUs === 0) return 'still';
  const sinceMs = (nowUs - movedUs) / 1000;
  if (sinceMs <= settings.settleMs) return 'settling';
  const looks = (us: number): number => Math.floor((us - movedUs) / 1000 / settings.lookAgainMs);
  return sinceMs <= settings.lookAgainForMs && looks(nowUs) > looks(lastUs) ? 'settling' : 'still';
}

/** Sensitivity 1..10 as the number of standard deviations that a cell must differ by: 8 down to 2.3, 5 is 4.6. */
function deviationsOf(sensitivity: number): number {
  return 9.2 * 0.87 ** sensitivity;
}
