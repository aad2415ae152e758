/** What `ffmpeg -c copy -f framecrc` writes: a head, and a line for each packet. */

export interface ProbedPacket {
  kind: 'video' | 'audio';
  /** When it is shown, in milliseconds of the stream's own clock; undefined where the stream does not tell. */
  timeMs: number | undefined;
  sizeBytes: number;
  keyframe: boolean;
}

interface ListedStream {
  kind: 'video' | 'audio' | 'other';
  codec: string;
  tickMs: number;
  width: number;
  height: number;
}

/** Reads the lines as they come. Of each kind there is at most one stream. */
export class PacketList {
  readonly #streams = new Map<string, ListedStream>();

  /** The packet in a line; undefined for a line of the head, or one that is neither. */
  push(line: string): ProbedPacket | undefined {
    const [, name, index, value] = /^#(\w+) (\d+): (.*)$/.exec(line) ?? [];
    if (name !== undefined && index !== undefined && value !== undefined) {
      this.#describe(name, index, value);
      return undefined;
    }
    // stream, dts, pts, duration, size, checksum, and flags where they are not just "keyframe"
    const [, of, pts, size, more] =
      /^(\d+),\s*\S+,\s*(-?\d+|NOPTS),\s*-?\d+,\s*(\d+), 0x[0-9a-f]+(.*)$/.exec(line) ?? [];
    const stream = this.#streams.get(of ?? '');
    if (stream === undefined || stream.kind === 'other') return undefined;
    const flags = /\bF=0x([0-9A-F]+)/.exec(more ?? '')?.[1];
    return {
      kind: stream.kind,
      timeMs: pts === 'NOPTS' ? undefined : Number(pts) * stream.tickMs,
      sizeBytes: Number(size),
      keyframe: flags === undefined || (Number.parseInt(flags, 16) & 1) === 1,
    };
  }

  stream(kind: 'video' | 'audio'): Readonly<ListedStream> | undefined {
    return [...this.#streams.values()].find((stream) => stream.kind === kind);
  }

  #describe(name: string, index: string, value: string): void {
    const fresh: ListedStream = { kind: 'other', codec: 'unknown', tickMs: 0, width: 0, height: 0 };
    const stream = this.#streams.get(index) ?? fresh;
    this.#streams.set(index, stream);
    const [first = 0, second = 0] = value.split(/[/x]/).map((number) => Number(number) || 0);
    if (name === 'tb' && second > 0) stream.tickMs = (first * 1000) / second;
    if (name === 'media_type') stream.kind = value === 'video' || value === 'audio' ? value : 'other';
    if (name === 'codec_id') stream.codec = value;
    if (name === 'dimensions') [stream.width, stream.height] = [first, second];
  }
}

/** What ffmpeg says of an input's video on stderr: its profile and the rate that the stream claims. */
export function claimsIn(line: string): { profile?: string; rate?: number } | undefined {
  const [, details] = /Stream #0:\d+.*?: Video: \w+(.*)$/.exec(line) ?? [];
  if (details === undefined) return undefined;
  // `(High) (avc1 / 0x31637661), ...`: a tag is no profile.
  const profile = /^ \(([^)/]*)\)/.exec(details)?.[1];
  const rate = /, ([\d.]+)(k?) fps\b/.exec(details);
  return {
    ...(profile === undefined ? {} : { profile }),
    ...(rate === null ? {} : { rate: Number(rate[1]) * (rate[2] === 'k' ? 1000 : 1) }),
  };
}
