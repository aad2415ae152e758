/** A rectangle in pixels. */
export interface Rectangle {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Where a picture lies in an input of another shape: at the top left, in the middle, or stretched over all of it. */
export type Placing = 'top-left' | 'centre' | 'stretch';

/**
 * Where a picture goes in a model's input, in the input's pixels: scaled to fit, its ratio kept to the nearest pixel unless
 * it is stretched.
 */
export function placementOf(
  picture: { width: number; height: number },
  input: { width: number; height: number },
  placing: Placing,
): Rectangle {
  if (placing === 'stretch') return { width: input.width, height: input.height, left: 0, top: 0 };
  const scale = Math.min(input.width / picture.width, input.height / picture.height);
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  if (placing === 'top-left') return { width, height, left: 0, top: 0 };
  return {
    width,
    height,
    left: Math.floor((input.width - width) / 2),
    top: Math.floor((input.height - height) / 2),
  };
}
