/** No line that we read comes near this. */
const LONGEST_LINE = 16_384;

/** Cuts a byte stream into lines. A line longer than 16 kB is cut short, so that memory stays bounded. */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #rest = '';

  /** The lines that `chunk` completes, without their line ends. */
  push(chunk: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    this.#rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    return lines;
  }

  /** What came after the last line end. */
  end(): string[] {
    const rest = this.#rest + this.#decoder.decode();
    this.#rest = '';
    return rest === '' ? [] : [rest];
  }
}
