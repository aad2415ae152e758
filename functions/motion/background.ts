import type { MotionHeader } from '@faascam/core/messages';
import type { MotionSettings } from '@faascam/core/settings';
import type { Luma } from './luma.ts';
import { withoutShadows } from './shadow.ts';
import { grow, majority, regionsOf } from './regions.ts';

/**
 * What is known of a camera's empty scene: for each cell its usual brightness and how much it flickers. After
 * Stauffer and Grimson, "Adaptive background mixture models for real-time tracking" (CVPR 1999), with one Gaussian
 * a cell, and with brightness compared after a global gain and offset have been taken out.
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
  /** What was said of the frame at `lastUs`, to be said again when it is asked again. */
  said: MotionHeader;
}

const LEARN_MS = 12_000;
const START_LEARN_MS = 1500;
/** A foreground cell that keeps its brightness this long is background: a parked car, the place someone left. */
const STEADY_MS = 3000;
/** Noise that every camera has, JPEG's included, in grey levels. */
const NOISE_FLOOR = 2.2;
/** A cell beside the foreground belongs to it at this share of the threshold. */
const WEAK = 0.5;
const START_VARIANCE = 9;
const MAX_VARIANCE = 900;
/** More of the picture than this in the foreground at once is light or a moved camera, not an object. */
const SCENE_CHANGE = 0.7;

const STILL: MotionHeader = { v: 1, kind: 'still', score: 0, boxes: [] };

/** The background as the first frame shows it. */
export function beginBackground(luma: Luma, capturedAtUs: number): Background {
  return {
    width: luma.width,
    height: luma.height,
    mean: Float32Array.from(luma.pixels),
    variance: new Float32Array(luma.pixels.length).fill(START_VARIANCE),
    last: Uint8Array.from(luma.pixels),
    steadyMs: new Uint16Array(luma.pixels.length),
    lastUs: capturedAtUs,
    movedUs: 0,
    startUs: capturedAtUs,
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
  const light = lightChange(before, pixels);
  const threshold = deviationsOf(settings.sensitivity);

  const residual = new Float32Array(pixels.length);
  const expected = new Float32Array(pixels.length);
  const strong = new Uint8Array(pixels.length);
  const weak = new Uint8Array(pixels.length);
  for (let at = 0; at < pixels.length; at++) {
    const usual = light.gain * (before.mean[at] ?? 0) + light.offset;
    const difference = (pixels[at] ?? 0) - usual;
    expected[at] = usual;
    residual[at] = difference;
    const noise = Math.sqrt((before.variance[at] ?? 0) + NOISE_FLOOR * NOISE_FLOOR);
    const deviation = Math.abs(difference) / noise;
    strong[at] = deviation > threshold ? 1 : 0;
    weak[at] = deviation > threshold * WEAK ? 1 : 0;
  }
  const clean = (cells: Uint8Array): Uint8Array =>
    majority(withoutShadows(cells, pixels, expected, width, height), width, height);
  const mask = grow(clean(strong), clean(weak), width, height);
  const minCells = Math.max(4, Math.round(settings.minArea * pixels.length));
  const regions = regionsOf(mask, width, height, minCells);
  const cells = regions.reduce((sum, region) => sum + region.cells, 0);
  const score = cells / pixels.length;

  if (score > SCENE_CHANGE) {
    const begun = beginBackground(luma, capturedAtUs);
    const said: MotionHeader = {
      ...STILL,
      kind: unmoved(before.movedUs, before.lastUs, capturedAtUs, settings),
      score,
    };
    return { background: { ...begun, movedUs: before.movedUs, said }, mask };
  }
  const moving = regions.length > 0;
  const movedUs = moving ? capturedAtUs : before.movedUs;
  const said: MotionHeader = {
    v: 1,
    kind: moving ? 'moving' : unmoved(movedUs, before.lastUs, capturedAtUs, settings),
    score,
    boxes: regions.slice(0, 16).map(({ box }) => box),
  };
  const learned = learn(before, pixels, residual, mask, elapsedMs, capturedAtUs);
  return { background: { ...before, ...learned, lastUs: capturedAtUs, movedUs, said }, mask };
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

/** Sensitivity 1..10 as the number of standard deviations that a cell must differ by: 11 down to 2.9, 5 is 6. */
function deviationsOf(sensitivity: number): number {
  return 11.6 * 0.87 ** sensitivity;
}

/**
 * Gain and offset that carry the background's brightness into the frame's, by least squares over the cells, then
 * once more without the cells that fit badly (those where something is).
 */
function lightChange(before: Background, pixels: Uint8Array): { gain: number; offset: number } {
  let fit = { gain: 1, offset: 0 };
  for (const limit of [40, 12]) {
    let [n, sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0, 0];
    for (let at = 0; at < pixels.length; at++) {
      const x = before.mean[at] ?? 0;
      const y = pixels[at] ?? 0;
      if (y > 250 || y < 4 || Math.abs(y - fit.gain * x - fit.offset) > limit) continue;
      n++;
      sumX += x;
      sumY += y;
      sumXX += x * x;
      sumXY += x * y;
    }
    if (n < pixels.length / 4) continue;
    const spread = n * sumXX - sumX * sumX;
    if (spread <= 0) continue;
    const gain = Math.min(1.6, Math.max(0.6, (n * sumXY - sumX * sumY) / spread));
    fit = { gain, offset: (sumY - gain * sumX) / n };
  }
  return fit;
}

function learn(
  before: Background,
  pixels: Uint8Array,
  residual: Float32Array,
  mask: Uint8Array,
  elapsedMs: number,
  capturedAtUs: number,
): Pick<Background, 'mean' | 'variance' | 'last' | 'steadyMs'> {
  const starting = (capturedAtUs - before.startUs) / 1000 < 2 * START_LEARN_MS;
  const rate = 1 - Math.exp(-elapsedMs / (starting ? START_LEARN_MS : LEARN_MS));
  const mean = new Float32Array(pixels.length);
  const variance = new Float32Array(pixels.length);
  const steadyMs = new Uint16Array(pixels.length);
  for (let at = 0; at < pixels.length; at++) {
    const value = pixels[at] ?? 0;
    const usual = before.mean[at] ?? 0;
    const spread = before.variance[at] ?? 0;
    if (mask[at] === 1) {
      const change = Math.abs(value - (before.last[at] ?? 0));
      const steady = change <= 3 + Math.sqrt(spread) ? (before.steadyMs[at] ?? 0) + elapsedMs : 0;
      const absorbed = steady >= STEADY_MS;
      steadyMs[at] = absorbed ? 0 : steady;
      mean[at] = absorbed ? value : usual;
      variance[at] = absorbed ? START_VARIANCE : spread;
      continue;
    }
    const difference = residual[at] ?? 0;
    mean[at] = usual + rate * (value - usual);
    variance[at] = Math.min(MAX_VARIANCE, spread + rate * (difference * difference - spread));
  }
  return { mean, variance, steadyMs, last: Uint8Array.from(pixels) };
}
