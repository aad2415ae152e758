import type { MotionHeader } from '@faascam/core/messages';
import type { MotionSettings } from '@faascam/core/settings';
import type { Luma } from './luma.ts';
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
/** The background as the first frame shows it. */
export declare function beginBackground(luma: Luma, capturedAtUs: number): Background;
/**
 * Compares a frame with the background, and learns from it. Answers the background after the frame, its `said`
 * telling what moves, and the cleaned foreground mask (0 and 1, row by row). The one given stays as it is.
 * A frame of another size begins anew.
 */
export declare function observe(
  before: Background,
  luma: Luma,
  capturedAtUs: number,
  settings: MotionSettings,
): {
  background: Background;
  mask: Uint8Array;
};
