/** Brightness of a picture on a small grid, row by row, 0..255. */
export interface Luma {
  width: number;
  height: number;
  pixels: Uint8Array;
}
/** Decodes a JPEG straight to the grid (the decoder shrinks on load). Throws `MalformedInputError`. */
export declare function lumaOf(jpeg: Buffer): Promise<Luma>;
