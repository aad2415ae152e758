/** Cells of all feature maps of these strides for an input of this size. */
export function gridCells(width: number, height: number, strides: readonly number[] = [8, 16, 32]): number {
  return strides.reduce((sum, stride) => sum + Math.floor(width / stride) * Math.floor(height / stride), 0);
}

/** Strides of feature maps that detectors have: usual, with one more for small or for large objects, tiny. */
const knownStrides: readonly (readonly number[])[] = [
  [8, 16, 32],
  [4, 8, 16, 32],
  [8, 16, 32, 64],
  [16, 32],
];

/** The strides whose feature maps have `rows` cells, each with `anchors` boxes; undefined if there are none. */
export function stridesOf(
  rows: number,
  size: { width: number; height: number },
  anchors: number,
): readonly number[] | undefined {
  return knownStrides.find((strides) => anchors * gridCells(size.width, size.height, strides) === rows);
}

export interface Grid {
  strides: readonly number[];
  width: number;
  height: number;
}

/** Calls `visit` for each cell in the order of a model's rows; `x` and `y` count cells. */
export function eachCell(
  { strides, width, height }: Grid,
  visit: (row: number, x: number, y: number, stride: number) => void,
): void {
  let row = 0;
  for (const stride of strides) {
    const across = Math.floor(width / stride);
    const down = Math.floor(height / stride);
    for (let y = 0; y < down; y++) for (let x = 0; x < across; x++) visit(row++, x, y, stride);
  }
}

/**
 * Whether rows hold centres in pixels of the input, rather than offsets from their own cell in strides: true if that
 * reading puts the centres nearer to their cells. A detector's boxes lie around their cells, whatever it looks at.
 */
export function centresAreInPixels(grid: Grid, valueAt: (row: number, column: number) => number): boolean {
  let asPixels = 0;
  let asOffsets = 0;
  eachCell(grid, (row, x, y, stride) => {
    const [centreX, centreY] = [valueAt(row, 0), valueAt(row, 1)];
    asPixels += Math.abs(centreX / stride - x - 0.5) + Math.abs(centreY / stride - y - 0.5);
    asOffsets += Math.abs(centreX - 0.5) + Math.abs(centreY - 0.5);
  });
  return asPixels < asOffsets;
}
