/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

/** A limb: a line that is thick and round, `ar` pixels at one end and `br` at the other. */
export interface Limb {
  kind: 'limb';
  ax: number;
  ay: number;
  ar: number;
  bx: number;
  by: number;
  br: number;
  colour: Rgb;
}

/** A flat surface: a polygon, lighter at its top and darker at its bottom by the fraction `fade`. */
export interface Panel {
  kind: 'panel';
  /** x and y of each corner, in turn. */
  corners: readonly number[];
  colour: Rgb;
  fade: number;
}

export type Shape = Limb | Panel;

/** A picture as rgb24, row by row. */
export interface Picture {
  pixels: Uint8Array;
  width: number;
  height: number;
}

/** How near what stands in front is: a pixel is hidden where `nearness` there is above `at`. */
export interface Cover {
  nearness: Uint16Array;
  at: number;
}

/** Left, top, right and bottom in pixels. */
export type Bounds = readonly [number, number, number, number];

export function boundsOf(shapes: readonly Shape[]): Bounds {
  let left = Infinity;
  let top = Infinity;
  let right = -Infinity;
  let bottom = -Infinity;
  for (const shape of shapes) {
    const own = shape.kind === 'limb' ? boundsOfLimb(shape) : boundsOfCorners(shape.corners);
    left = Math.min(left, own[0]);
    top = Math.min(top, own[1]);
    right = Math.max(right, own[2]);
    bottom = Math.max(bottom, own[3]);
  }
  return [left, top, right, bottom];
}

function boundsOfLimb({ ax, ay, ar, bx, by, br }: Limb): Bounds {
  return [
    Math.min(ax - ar, bx - br),
    Math.min(ay - ar, by - br),
    Math.max(ax + ar, bx + br),
    Math.max(ay + ar, by + br),
  ];
}

function boundsOfCorners(corners: readonly number[]): Bounds {
  const xs = corners.filter((_, index) => index % 2 === 0);
  const ys = corners.filter((_, index) => index % 2 === 1);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** Whether a point in the picture is within a shape. */
export function covers(shape: Shape, x: number, y: number): boolean {
  if (shape.kind === 'panel')
    return crossingsAt(shape.corners, y).filter((edge) => edge <= x).length % 2 === 1;
  const { ax, ay, ar, bx, by, br } = shape;
  const lengthSquared = (bx - ax) ** 2 + (by - ay) ** 2;
  const along = (x - ax) * (bx - ax) + (y - ay) * (by - ay);
  const part = lengthSquared > 0 ? clampUnit(along / lengthSquared) : 0;
  return Math.hypot(x - ax - part * (bx - ax), y - ay - part * (by - ay)) <= ar + (br - ar) * part;
}

/** Draws a shape with smooth edges, its colour multiplied by `light`. */
export function draw(picture: Picture, shape: Shape, light: Rgb, cover?: Cover): void {
  if (shape.kind === 'limb') drawLimb(picture, shape, light, cover);
  else drawPanel(picture, shape, light, cover);
}

/** How much darker the side is that faces away from the light, which comes from the left. */
const sideShade = 0.22;

function drawLimb(picture: Picture, limb: Limb, light: Rgb, cover?: Cover): void {
  const { width, height } = picture;
  const [left, top, right, bottom] = boundsOfLimb(limb);
  const fromX = Math.max(0, Math.floor(left - 1));
  const toX = Math.min(width - 1, Math.ceil(right + 1));
  const fromY = Math.max(0, Math.floor(top - 1));
  const toY = Math.min(height - 1, Math.ceil(bottom + 1));
  const { ax, ay, ar, bx, by, br, colour } = limb;
  const alongX = bx - ax;
  const alongY = by - ay;
  const lengthSquared = alongX * alongX + alongY * alongY;
  const red = colour[0] * light[0];
  const green = colour[1] * light[1];
  const blue = colour[2] * light[2];
  for (let y = fromY; y <= toY; y += 1) {
    for (let x = fromX; x <= toX; x += 1) {
      const px = x + 0.5 - ax;
      const py = y + 0.5 - ay;
      const part = lengthSquared > 0 ? clampUnit((px * alongX + py * alongY) / lengthSquared) : 0;
      const offX = px - part * alongX;
      const offY = py - part * alongY;
      const radius = ar + (br - ar) * part;
      const coverage = clampUnit(radius + 0.5 - Math.sqrt(offX * offX + offY * offY));
      if (coverage === 0) continue;
      const shade = 1 - (sideShade * offX) / (radius + 0.5);
      paint(picture, y * width + x, red * shade, green * shade, blue * shade, coverage, cover);
    }
  }
}

/** Rows of samples within a pixel's height; along a row, coverage is exact. */
const rowsPerPixel = 4;
const coverageRow = new Float32Array(4096);

/** Fills by the even-odd rule, a sub-row at a time. */
function drawPanel(picture: Picture, panel: Panel, light: Rgb, cover?: Cover): void {
  const { width } = picture;
  const [left, top, right, bottom] = boundsOfCorners(panel.corners);
  const fromX = Math.max(0, Math.floor(left));
  const toX = Math.min(width - 1, Math.ceil(right));
  if (fromX > toX) return;
  eachRowOfPolygon(picture, panel.corners, (y, coverage) => {
    const shade = 1 + panel.fade * (0.5 - (y - top) / Math.max(1, bottom - top));
    const red = panel.colour[0] * light[0] * shade;
    const green = panel.colour[1] * light[1] * shade;
    const blue = panel.colour[2] * light[2] * shade;
    for (let x = fromX; x <= toX; x += 1) {
      const part = coverage[x] ?? 0;
      if (part > 0.004) paint(picture, y * width + x, red, green, blue, part, cover);
    }
  });
}

/** Calls `row` for each row of pixels that a polygon touches, with how much of each pixel it covers (0..1). */
export function eachRowOfPolygon(
  { width, height }: Pick<Picture, 'width' | 'height'>,
  corners: readonly number[],
  row: (y: number, coverage: Float32Array) => void,
): void {
  const [, top, , bottom] = boundsOfCorners(corners);
  const coverage = coverageRow.subarray(0, width);
  for (let y = Math.max(0, Math.floor(top)); y < Math.min(height, Math.ceil(bottom)); y += 1) {
    coverage.fill(0);
    for (let sample = 0; sample < rowsPerPixel; sample += 1) {
      const crossings = crossingsAt(corners, y + (sample + 0.5) / rowsPerPixel);
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        addSpan(coverage, crossings[i] ?? 0, crossings[i + 1] ?? 0, 1 / rowsPerPixel);
      }
    }
    row(y, coverage);
  }
}

function crossingsAt(corners: readonly number[], y: number): number[] {
  const crossings: number[] = [];
  for (let i = 0; i < corners.length; i += 2) {
    const ax = corners[i] ?? 0;
    const ay = corners[i + 1] ?? 0;
    const next = (i + 2) % corners.length;
    const bx = corners[next] ?? 0;
    const by = corners[next + 1] ?? 0;
    if (ay <= y !== by <= y) crossings.push(ax + ((y - ay) / (by - ay)) * (bx - ax));
  }
  return crossings.sort((a, b) => a - b);
}

function addSpan(coverage: Float32Array, from: number, to: number, weight: number): void {
  const start = Math.max(0, from);
  const end = Math.min(coverage.length, to);
  for (let x = Math.floor(start); x < end; x += 1) {
    const part = Math.min(end, x + 1) - Math.max(start, x);
    coverage[x] = (coverage[x] ?? 0) + part * weight;
  }
}

/** Mixes a colour into a pixel, unless something nearer covers it. */
function paint(
  { pixels }: Picture,
  index: number,
  red: number,
  green: number,
  blue: number,
  part: number,
  cover?: Cover,
): void {
  if (cover !== undefined && (cover.nearness[index] ?? 0) > cover.at) return;
  const at = index * 3;
  pixels[at] = toByte((pixels[at] ?? 0) * (1 - part) + red * part);
  pixels[at + 1] = toByte((pixels[at + 1] ?? 0) * (1 - part) + green * part);
  pixels[at + 2] = toByte((pixels[at + 2] ?? 0) * (1 - part) + blue * part);
}

export function toByte(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value + 0.5;
}

function clampUnit(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}
