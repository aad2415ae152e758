import { ShapeError } from '../shape.ts';
import { AnswerError, ask, sentenceOf } from './ask.ts';
import { shapesOf } from './shapes-config.ts';
import type { Shape } from './shapes.ts';

/** The zones, masks and lines that a camera has now; or why they are not known, as a sentence. */
export type Areas = { shapes: Shape[] } | { unknown: string };

export async function askForAreas(camera: string): Promise<Areas> {
  try {
    return { shapes: await ask(`api/cameras/${encodeURIComponent(camera)}/profile`, shapesOf) };
  } catch (error) {
    if (error instanceof AnswerError || error instanceof ShapeError) return { unknown: sentenceOf(error) };
    throw error;
  }
}
