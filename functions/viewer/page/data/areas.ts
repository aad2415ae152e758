import { ShapeError } from '../shape.ts';
import { AnswerError, ask } from './ask.ts';
import { shapesOf } from './shapes-config.ts';
import type { Shape } from './shapes.ts';

/** The zones, masks and lines that a camera has now; undefined where the viewer does not know them. */
export async function askForAreas(camera: string): Promise<Shape[] | undefined> {
  try {
    return await ask(`api/cameras/${encodeURIComponent(camera)}/profile`, shapesOf);
  } catch (error) {
    if (error instanceof AnswerError || error instanceof ShapeError) return undefined;
    throw error;
  }
}
