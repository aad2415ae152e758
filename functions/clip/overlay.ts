import type { DetectedObject } from '@faascam/core/messages';
import { LETTER_HEIGHT, textPath, textWidth } from './lettering.ts';

const FRAME_COLOUR = '#ffd21f';
const TEXT_COLOUR = '#101010';

/**
 * An SVG the size of a picture, in pixels, that frames its objects and says over each what it is and how sure the
 * model was: `person 87 %`. What a demo model saw is marked as such.
 */
export function overlaySvg(
  size: { width: number; height: number },
  objects: DetectedObject[],
  demo: boolean,
): string {
  const { width, height } = size;
  // Letters of about a fortieth of the height, and never too small to read.
  const dot = Math.max(1, Math.round(height / 300));
  const line = Math.max(2, Math.round(height / 270));
  const margin = 2 * dot;
  const parts: string[] = [];
  for (const { label, score, box } of objects) {
    const [x, y, boxWidth, boxHeight] = [box[0] * width, box[1] * height, box[2] * width, box[3] * height];
    parts.push(
      `<rect x="${round(x)}" y="${round(y)}" width="${round(boxWidth)}" height="${round(boxHeight)}" ` +
        `fill="none" stroke="${FRAME_COLOUR}" stroke-width="${line}"/>`,
    );
    const text = labelOf(label, score, demo);
    const stripWidth = textWidth(text) * dot + 2 * margin;
    const stripHeight = LETTER_HEIGHT * dot + 2 * margin;
    // Above the frame; where there is no room, just inside it; never past the picture's edges.
    const left = Math.round(Math.max(0, Math.min(x - line / 2, width - stripWidth)));
    const above = Math.round(y - line / 2 - stripHeight);
    const top = above >= 0 ? above : Math.round(Math.max(0, y));
    parts.push(
      `<rect x="${left}" y="${top}" width="${stripWidth}" height="${stripHeight}" fill="${FRAME_COLOUR}"/>`,
      `<path d="${textPath(text, left + margin, top + margin, dot)}" fill="${TEXT_COLOUR}"/>`,
    );
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${parts.join('')}</svg>`;
}

/** What is written over an object. */
export function labelOf(label: string, score: number, demo: boolean): string {
  return `${label} ${Math.round(score * 100)} %${demo ? ' demo model' : ''}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
