/** A part of a segment: some pictures as fragmented MP4. */
export interface HlsPart {
  durationMs: number;
  /** Whether it begins with a keyframe. */
  independent: boolean;
  data: Buffer;
}

/** What a player needs before the segments of a stream. */
interface HlsHead {
  number: number;
  data: Buffer;
}

export interface HlsSegment {
  number: number;
  stream: HlsHead;
  /** When its first picture was taken; undefined where that is not known. */
  capturedAtUs: number | undefined;
  parts: HlsPart[];
  closed: boolean;
}

/** A picture as a fragment, with how long it is shown. */
export interface HlsFragment {
  durationMs: number;
  keyframe: boolean;
  capturedAtUs: number | undefined;
  data: Buffer;
}

/** A segment ends at the first keyframe after this. */
const SEGMENT_MS = 1000;
/** Parts are what a player is behind at least: three of them. */
const PART_MS = 300;
const KEPT_SEGMENTS = 6;

/** The newest segments of a stream, by parts (RFC 8216bis, low-latency HLS). Memory is that of the last segments. */
export class HlsTimeline {
  #segments: HlsSegment[] = [];
  #open: HlsFragment[] = [];
  #next: number;
  #stream: HlsHead = { number: 0, data: Buffer.alloc(0) };
  /** Changes of the stream that are in the playlist no more. */
  #pastChanges: number;
  #longestPartMs = PART_MS;
  #longestSegmentMs = SEGMENT_MS;

  /**
   * `firstNumber`: of its first segment, and of changes of the stream before it; one timeline after another must not go
   * back, or players wait.
   */
  constructor(firstNumber = 0) {
    this.#next = firstNumber;
    this.#pastChanges = firstNumber;
  }

  /** Another stream begins: what follows needs this head. */
  beginStream(head: Buffer): void {
    this.#closePart();
    this.#open = [];
    const current = this.#segments.at(-1);
    if (current !== undefined) current.closed = true;
    this.#stream = { number: this.#stream.number + 1, data: head };
  }

  add(fragment: HlsFragment): void {
    const current = this.#segments.at(-1);
    const heldMs = lengthOf(this.#open);
    const segmentMs = current === undefined || current.closed ? 0 : durationOf(current) + heldMs;
    const fits = current !== undefined && !current.closed;
    if (!fits || (fragment.keyframe && segmentMs >= SEGMENT_MS)) {
      if (!fragment.keyframe && !fits) return;
      this.#closePart();
      if (current !== undefined) this.#close(current);
      this.#segments.push({
        ...{ number: this.#next, stream: this.#stream, capturedAtUs: fragment.capturedAtUs },
        ...{ parts: [], closed: false },
      });
      this.#next += 1;
      if (this.#segments.length > KEPT_SEGMENTS + 1) this.#forgetOldest();
    } else if (heldMs > 0 && heldMs + fragment.durationMs > PART_MS) this.#closePart();
    this.#open.push(fragment);
  }

  /** Sound of the pictures that were added last; of none where no segment has begun. */
  addSound(data: Buffer): void {
    const current = this.#segments.at(-1);
    if (current === undefined || current.closed) return;
    this.#open.push({ durationMs: 0, keyframe: false, capturedAtUs: undefined, data });
  }

  /** Whether this part is there, or the whole segment. */
  has(number: number, part?: number): boolean {
    const newest = this.#segments.at(-1);
    if (newest === undefined) return false;
    if (number < newest.number) return true;
    if (number > newest.number) return false;
    return part === undefined ? newest.closed : part < newest.parts.length;
  }

  /** The head of a stream; undefined if no segment needs it any more, or yet. */
  head(number: number): Buffer | undefined {
    return this.#segments.find(({ stream }) => stream.number === number)?.stream.data;
  }

  /** The bytes of a segment or of one of its parts; undefined if it is not there. */
  bytes(number: number, part?: number): Buffer | undefined {
    const segment = this.#segments.find((each) => each.number === number);
    if (segment === undefined) return undefined;
    if (part !== undefined) return segment.parts[part]?.data;
    return segment.closed ? Buffer.concat(segment.parts.map(({ data }) => data)) : undefined;
  }

  /** The playlist; `query` goes behind each address in it, such as `?token=...`. Undefined before the first whole segment. */
  playlist(query: string): string | undefined {
    const [first] = this.#segments;
    // Players that know of no parts need a segment.
    if (first?.closed !== true) return undefined;
    const seconds = (ms: number): string => (ms / 1000).toFixed(3);
    const lines = [
      '#EXTM3U',
      '#EXT-X-VERSION:9',
      `#EXT-X-TARGETDURATION:${Math.ceil(this.#longestSegmentMs / 1000)}`,
      `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${seconds(this.#longestPartMs * 3)}`,
      `#EXT-X-PART-INF:PART-TARGET=${seconds(this.#longestPartMs)}`,
      `#EXT-X-MEDIA-SEQUENCE:${first.number}`,
      `#EXT-X-DISCONTINUITY-SEQUENCE:${this.#pastChanges}`,
    ];
    let stream: HlsHead | undefined;
    for (const segment of this.#segments) {
      if (segment.stream !== stream) {
        if (stream !== undefined) lines.push('#EXT-X-DISCONTINUITY');
        stream = segment.stream;
        lines.push(`#EXT-X-MAP:URI="head-${stream.number}.mp4${query}"`);
      }
      if (segment.capturedAtUs !== undefined && segment.parts.length > 0)
        lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(segment.capturedAtUs / 1000).toISOString()}`);
      for (const [index, { durationMs, independent }] of segment.parts.entries()) {
        const address = `part-${segment.number}-${index}.m4s${query}`;
        const flag = independent ? ',INDEPENDENT=YES' : '';
        lines.push(`#EXT-X-PART:DURATION=${seconds(durationMs)},URI="${address}"${flag}`);
      }
      if (segment.closed)
        lines.push(`#EXTINF:${seconds(durationOf(segment))},`, `segment-${segment.number}.m4s${query}`);
    }
    const newest = this.#segments.at(-1);
    if (newest !== undefined && !newest.closed) {
      const hint = `part-${newest.number}-${newest.parts.length}.m4s${query}`;
      lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${hint}"`);
    }
    return `${lines.join('\n')}\n`;
  }

  #closePart(): void {
    const segment = this.#segments.at(-1);
    const first = this.#open.find(({ durationMs }) => durationMs > 0);
    if (segment === undefined || first === undefined) return;
    const durationMs = lengthOf(this.#open);
    const data = Buffer.concat(this.#open.map((fragment) => fragment.data));
    segment.parts.push({ durationMs, independent: first.keyframe, data });
    this.#open = [];
    this.#longestPartMs = Math.max(this.#longestPartMs, durationMs);
  }

  #forgetOldest(): void {
    const gone = this.#segments.shift();
    // Its change is told before the first segment of another stream (RFC 8216, 6.2.2).
    if (gone !== undefined && this.#segments[0]?.stream !== gone.stream) this.#pastChanges += 1;
  }

  #close(segment: HlsSegment): void {
    segment.closed = true;
    this.#longestSegmentMs = Math.max(this.#longestSegmentMs, durationOf(segment));
  }
}

function durationOf({ parts }: HlsSegment): number {
  return lengthOf(parts);
}

function lengthOf(pieces: readonly { durationMs: number }[]): number {
  return pieces.reduce((sum, { durationMs }) => sum + durationMs, 0);
}
