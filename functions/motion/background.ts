import type { Polygon } from '@faascam/core/analysis-settings';
import type { MotionHeader } from '@faascam/core/messages';
import type { MotionSettings } from '@faascam/core/settings';
import { align, slopesOf } from './alignment.ts';
import { ageBlocks, noBlocks, type Blocks } from './blocks.ts';
import { compare } from './comparison.ts';
import { learn, START_VARIANCE } from './learning.ts';
import { takeOutLight } from './light.ts';
import type { Luma } from './luma.ts';
import { CALM, mayMove, unmoved } from './looks.ts';
import { unmaskedCells } from './masks.ts';
import { grow, majority, regionsOf } from './regions.ts';
import { isSteady, relit } from './relighting.ts';
import { restlessAfter, tilesOf } from './restlessness.ts';
import { scratchOf } from './scratch.ts';
import { markSharp } from './sharpness.ts';
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
  /** What two by two cells have shown of late, and what they showed before something came to stand there. */
  blocks: Blocks;
  /** For each tile of the picture how much comes and goes in it without getting on, 0..1. */
  restless: Float32Array;
  lastUs: number;
  /** When something last moved; 0 for never. */
  movedUs: number;
  /** When learning began: the first seconds learn faster. */
  startUs: number;
  /** When the light of the whole scene last changed at once; 0 for never. */
  litUs: number;
  /** Since when the whole picture is another one and has not come to rest yet; 0 for not. */
  upsetUs: number;
  /** Share of the picture that was off in the last frame, by light or by objects. */
  different: number;
  /** What is followed in the foreground. */
  tracks: Track[];
  /** What was said of the frame at `lastUs`, to be said again when it is asked again. */
  said: MotionHeader;
  /** The number of the message that said the camera is lost; absent once a frame after it was looked at. */
  lostSeq?: number | undefined;
}

/** What the model asks of the settings; in the polygons of `masks` motion does not count. */
export type MotionOptions = MotionSettings & { masks?: readonly Polygon[] | undefined };

/** More of the picture than this in the foreground at once is light or a moved camera, not an object. */
const SCENE_CHANGE = 0.6;
/** Or where this much of it is off at once, were it by light alone, which was not in the frame before. */
const MOST_DIFFERENT = 0.5;
const SUDDEN_CHANGE = 0.35;
/** Cameras then take so long to set their exposure, in which less of the picture need be off. */
const EXPOSURE_US = 2_000_000;
const SETTLING_DIFFERENT = 0.15;
/** A region that has not got on by then, and in so many frames, is none that moves: the background learns from it. */
const DOUBTED_US = 1_500_000;
const DOUBTED_FRAMES = 7;
/** Cells of nine that make a strong cell of the middle one: few, for a far person is two cells wide. */
const STRONG_LEAST = 4;
/** Where it is `CALM`, what comes in is followed from this share of the least size on. */
const FIRST_SHARE = 0.6;
const STILL: MotionHeader = { v: 1, kind: 'still', score: 0, boxes: [] };

const UNLIT = { gain: 1, offset: 0, shiftX: 0, shiftY: 0 };

/** The background as the first frame shows it. */
export function beginBackground(luma: Luma, capturedAtUs: number): Background {
  const { width, height, pixels } = luma;
  return {
    width,
    height,
    mean: Float32Array.from(pixels),
    variance: new Float32Array(pixels.length).fill(START_VARIANCE),
    blocks: noBlocks(width, height),
    restless: new Float32Array(tilesOf(width, height)),
    lastUs: capturedAtUs,
    movedUs: 0,
    startUs: capturedAtUs,
    litUs: 0,
    upsetUs: 0,
    different: 0,
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
  settings: MotionOptions,
): { background: Background; mask: Uint8Array } {
  if (luma.width !== before.width || luma.height !== before.height) {
    const background = beginBackground(luma, capturedAtUs);
    return { background, mask: new Uint8Array(luma.pixels.length) };
  }
  const { width, height, pixels } = luma;
  const elapsedMs = Math.min(5000, Math.max(1, (capturedAtUs - before.lastUs) / 1000));
  const scratch = scratchOf(pixels.length);
  const { slopeX, slopeY, strong, weak } = scratch;
  slopesOf(before.mean, width, height, slopeX, slopeY);
  const alignment = align(before.mean, slopeX, slopeY, pixels);
  const threshold = deviationsOf(settings.sensitivity);
  const different = compare(before, pixels, alignment, threshold, scratch);
  takeOutLight(pixels, width, height, scratch);
  const counted = unmaskedCells(settings.masks, width, height);
  if (counted !== undefined) {
    for (let at = 0; at < counted.length; at++) {
      if (counted[at] === 1) continue;
      strong[at] = 0;
      weak[at] = 0;
    }
  }
  majority(strong, width, height, scratch.cleaned, STRONG_LEAST);
  strong.set(scratch.cleaned);
  majority(weak, width, height, scratch.cleaned);
  const mask = grow(strong, scratch.cleaned, width, height);
  let foreground = 0;
  for (let at = 0; at < mask.length; at++) foreground += mask[at] ?? 0;
  const covered = foreground / pixels.length;
  const settling = before.litUs > 0 && capturedAtUs - before.litUs < EXPOSURE_US;
  const sudden = different > Math.max(MOST_DIFFERENT, before.different + SUDDEN_CHANGE);
  if (
    covered > SCENE_CHANGE ||
    sudden ||
    ((settling || before.upsetUs > 0) && different > SETTLING_DIFFERENT)
  ) {
    const kind = unmoved(before.movedUs, before.lastUs, capturedAtUs, settings);
    const at = { lastUs: capturedAtUs, said: { ...STILL, kind } };
    const waited = before.upsetUs > 0 && capturedAtUs - before.upsetUs >= EXPOSURE_US;
    if (before.upsetUs === 0 || !(waited || isSteady(before.blocks, luma))) {
      // Until the camera has set its exposure nothing can be learned, nor told of the scene.
      const upsetUs = before.upsetUs === 0 ? capturedAtUs : before.upsetUs;
      const blocks = { ...before.blocks, shown: ageBlocks(before, pixels, UNLIT, elapsedMs).shown };
      return { background: { ...before, ...at, blocks, upsetUs }, mask };
    }
    if (covered > SCENE_CHANGE) {
      const background = { ...beginBackground(luma, capturedAtUs), movedUs: before.movedUs, ...at };
      return { background, mask };
    }
    const litUs = settling ? before.litUs : before.upsetUs;
    const background = relit(before, luma, alignment);
    return { background: { ...background, ...at, different: 0, litUs, upsetUs: 0 }, mask };
  }

  const minCells = Math.max(4, Math.round(settings.minArea * pixels.length));
  const blocks = ageBlocks(before, pixels, alignment, elapsedMs);
  markSharp(pixels, alignment.gain, before.variance, mask, width, threshold, scratch);
  const about = {
    pixels,
    expected: scratch.expected,
    sharp: scratch.sharp,
    restless: before.restless,
    blocks,
  };
  const firstCells = Math.max(4, Math.round(FIRST_SHARE * minCells));
  const regions = regionsOf(mask, width, height, firstCells, about).filter(
    ({ cells, restless }) => cells >= minCells || restless < CALM,
  );
  const now = {
    nowUs: capturedAtUs,
    lastUs: before.lastUs,
    startUs: before.startUs,
    litUs: before.litUs,
    minCells,
  };
  const { tracks, judged } = follow(before.tracks, regions, now);
  const movers = judged.filter(({ moving }) => moving).map(({ region }) => region);
  const movedUs = movers.length > 0 ? capturedAtUs : before.movedUs;
  const said: MotionHeader = {
    v: 1,
    kind:
      movers.length > 0
        ? 'moving'
        : mayMove(judged, before.lastUs, capturedAtUs)
          ? 'settling'
          : unmoved(movedUs, before.lastUs, capturedAtUs, settings),
    score: movers.reduce((sum, region) => sum + region.cells, 0) / pixels.length,
    boxes: movers.slice(0, 16).map(({ box }) => box),
  };
  const { trust } = scratch;
  trust.set(mask);
  for (const { region, track, moving, ghost, someone } of judged) {
    const doubted =
      track.gotOnUs === 0 && capturedAtUs - track.firstUs > DOUBTED_US && track.frames > DOUBTED_FRAMES;
    const level = ghost ? 4 : moving || someone ? 3 : doubted ? 1 : 2;
    for (const at of region.members) trust[at] = level;
  }
  const learned = learn(before, { pixels, alignment, blocks, scratch, elapsedMs, capturedAtUs });
  const restless = restlessAfter(
    before.restless,
    trust,
    width,
    height,
    elapsedMs,
    (capturedAtUs - before.startUs) / 1000,
  );
  const background = {
    ...before,
    ...learned,
    restless,
    different,
    lastUs: capturedAtUs,
    upsetUs: 0,
    movedUs,
    tracks,
    said,
  };
  return { background, mask };
}

/** Sensitivity 1..10 as the number of standard deviations that a cell must differ by: 8 down to 2.3, 5 is 4.6. */
function deviationsOf(sensitivity: number): number {
  return 9.2 * 0.87 ** sensitivity;
}
