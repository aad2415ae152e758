/** Cuts a byte stream into pieces of one size. */
export class ChunkSplitter {
  readonly #size: number;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(size: number) {
    this.#size = size;
  }

  /** The pieces that `bytes` completes. `bytes` itself may be one: it belongs to the splitter. */
  push(bytes: Uint8Array): Uint8Array[] {
    if (this.#rest.length === 0 && bytes.length === this.#size) return [bytes];
    const all = Buffer.concat([this.#rest, bytes]);
    const pieces: Uint8Array[] = [];
    let at = 0;
    for (; at + this.#size <= all.length; at += this.#size) {
      pieces.push(new Uint8Array(all.subarray(at, at + this.#size)));
    }
    this.#rest = all.subarray(at);
    return pieces;
  }
}
