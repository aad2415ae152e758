import { Buffer } from 'node:buffer';

const BOUNDARY = '--ffmpeg\r\n';
const HEADER_END = '\r\n\r\n';
const LONGEST_HEADER = 4096;
const START_OF_IMAGE = 0xffd8;

/** Larger than any JPEG that our settings can ask for: 3840x2160 at the best quality has some 6 MB. */
const LARGEST_JPEG = 32 * 1024 * 1024;

/**
 * Cuts ffmpeg's `mpjpeg` stream into its JPEGs by the length that each part announces.
 * Whatever does not fit is skipped up to the next boundary and counted in `junkBytes`; memory stays bounded.
 */
export class MpjpegSplitter {
  /** Bytes that belonged to no part. With any, a frame may be missing. */
  junkBytes = 0;
  #header: Buffer = Buffer.alloc(0);
  #body: Buffer | undefined;
  #filled = 0;
  #lost = false;

  /** The JPEGs that `chunk` completes. */
  push(chunk: Uint8Array): Buffer[] {
    const jpegs: Buffer[] = [];
    let rest: Buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    while (rest.length > 0)
      rest = this.#body === undefined ? this.#readHeader(rest) : this.#readBody(rest, jpegs);
    return jpegs;
  }

  /** Takes a part's header, and returns what follows it. */
  #readHeader(bytes: Buffer): Buffer {
    const text = this.#header.length === 0 ? bytes : Buffer.concat([this.#header, bytes]);
    if (this.#lost) {
      const at = text.indexOf(BOUNDARY, 0, 'latin1');
      // Keep as much as a boundary that is cut in two may have left.
      const skipped = at < 0 ? Math.max(0, text.length - BOUNDARY.length + 1) : at;
      this.junkBytes += skipped;
      this.#lost = at < 0;
      this.#header = Buffer.alloc(0);
      if (!this.#lost) return text.subarray(skipped);
      this.#header = Buffer.from(text.subarray(skipped));
      return Buffer.alloc(0);
    }
    const end = text.indexOf(HEADER_END, 0, 'latin1');
    if (end < 0) {
      if (text.length > LONGEST_HEADER) return this.#lose(text);
      this.#header = Buffer.from(text);
      return Buffer.alloc(0);
    }
    const length = end > LONGEST_HEADER ? undefined : contentLength(text.toString('latin1', 0, end));
    if (length === undefined) return this.#lose(text);
    this.#header = Buffer.alloc(0);
    this.#body = Buffer.allocUnsafe(length);
    this.#filled = 0;
    return text.subarray(end + HEADER_END.length);
  }

  #readBody(bytes: Buffer, jpegs: Buffer[]): Buffer {
    const body = this.#body ?? Buffer.alloc(0);
    const taken = Math.min(bytes.length, body.length - this.#filled);
    bytes.copy(body, this.#filled, 0, taken);
    this.#filled += taken;
    if (this.#filled === body.length) {
      this.#body = undefined;
      if (body.readUInt16BE(0) === START_OF_IMAGE) jpegs.push(body);
      else this.junkBytes += body.length;
    }
    return bytes.subarray(taken);
  }

  /** `text` is no header: look for the next boundary behind its first byte. */
  #lose(text: Buffer): Buffer {
    this.#lost = true;
    this.#header = Buffer.alloc(0);
    this.junkBytes += 1;
    return text.subarray(1);
  }
}

/** The announced length of a part; undefined if `header` is not one that ffmpeg writes. */
function contentLength(header: string): number | undefined {
  const match = /^(?:\r\n)?--ffmpeg\r\nContent-type: image\/jpeg\r\nContent-length: (\d{1,9})$/i.exec(header);
  const length = Number(match?.[1] ?? Number.NaN);
  return length >= 2 && length <= LARGEST_JPEG ? length : undefined;
}
