import { Lateness, BoxTrail, boxesCheck, type SeenObject } from './data/boxes.ts';
import { keepListening } from './data/lasting-source.ts';
import type { PictureTimes } from './live-way.ts';
import { ShapeError } from './shape.ts';
import { percentText } from './words/format.ts';
import { words } from './words/words.ts';

const LINE_PX = 2;
const TEXT_PX = 13;

/**
 * Draws the boxes of detections on a canvas that lies over a camera's live picture: those of the picture that is shown, by
 * the time at which it was taken. It listens as long as it is not closed.
 */
export class LiveBoxes implements PictureTimes {
  readonly #canvas: HTMLCanvasElement;
  readonly #trail = new BoxTrail();
  readonly #lateness = new Lateness();
  readonly #leave: () => void;
  #newestUs: number | undefined;

  constructor(canvas: HTMLCanvasElement, camera: string) {
    this.#canvas = canvas;
    this.#leave = keepListening(`api/cameras/${encodeURIComponent(camera)}/boxes`, {
      events: { boxes: (text) => this.#take(text) },
      opened: () => this.#lateness.begin(this.#newestUs),
    });
  }

  get behindS(): number {
    return this.#lateness.behindS;
  }

  arrived(capturedAtUs: number): void {
    this.#newestUs = capturedAtUs;
  }

  shown(capturedAtUs: number | undefined, size: { width: number; height: number }): void {
    const objects = capturedAtUs === undefined ? [] : this.#trail.at(capturedAtUs);
    // What tests and curious people may look at: which picture the boxes are of.
    this.#canvas.dataset['capturedAtUs'] = String(capturedAtUs ?? '');
    draw(this.#canvas, objects, size);
  }

  clear(): void {
    draw(this.#canvas, [], { width: 16, height: 9 });
  }

  close(): void {
    this.#leave();
    this.clear();
  }

  #take(text: string): void {
    try {
      const frame = boxesCheck(JSON.parse(text), 'the boxes');
      // A frame that was not looked at says nothing of where anything is.
      if (!frame.inferred) return;
      const before = this.#trail.newestUs;
      this.#trail.add(frame);
      if (this.#newestUs !== undefined) this.#lateness.note(frame.capturedAtUs, this.#newestUs, before);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      console.warn(error.message);
    }
  }
}

/** Over a picture of this size that is fitted into the place of the canvas. */
function draw(
  canvas: HTMLCanvasElement,
  objects: readonly SeenObject[],
  picture: { width: number; height: number },
): void {
  const ratio = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d');
  if (context === null || picture.width === 0) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const scale = Math.min(width / picture.width, height / picture.height);
  const [shownWidth, shownHeight] = [picture.width * scale, picture.height * scale];
  const [left, top] = [(width - shownWidth) / 2, (height - shownHeight) / 2];
  for (const { box, label, score, track, confirmed } of objects) {
    const [x, y] = [left + box[0] * shownWidth, top + box[1] * shownHeight];
    const [boxWidth, boxHeight] = [box[2] * shownWidth, box[3] * shownHeight];
    // What is not sure yet is seen, but does not stand out.
    context.globalAlpha = confirmed ? 1 : 0.55;
    context.strokeStyle = BOX_COLOUR;
    context.lineWidth = LINE_PX;
    context.strokeRect(x, y, boxWidth, boxHeight);
    caption(context, `${words.value.labels[label] ?? label} ${percentText(score)} #${String(track)}`, x, y);
  }
}

/** The accent of what is live, which shows on bright and dark pictures. */
const BOX_COLOUR = '#5eead4';

function caption(context: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  context.font = `600 ${String(TEXT_PX)}px system-ui, sans-serif`;
  const width = context.measureText(text).width + 8;
  const top = y >= TEXT_PX + 6 ? y - TEXT_PX - 6 : y;
  context.fillStyle = 'rgb(4 33 29 / 82%)';
  context.fillRect(x, top, width, TEXT_PX + 6);
  context.fillStyle = BOX_COLOUR;
  context.fillText(text, x + 4, top + TEXT_PX + 1);
}
