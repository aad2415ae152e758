const PACKET = 188;
const SYNC = 0x47;
/** The PIDs that ffmpeg gives to the two tables that tell what is in the stream, and to the first stream. */
const ASSOCIATIONS_PID = 0;
const MAP_PID = 0x1000;
const VIDEO_PID = 0x100;
/** A longer group of pictures is not kept: whoever joins waits for its next keyframe. */
const LONGEST_GROUP_BYTES = 16 * 1024 * 1024;

export type Reader = (bytes: Buffer) => void;

/**
 * Hands an MPEG-TS of ffmpeg to any number of readers. Each begins with the newest keyframe, so that it has a picture at
 * once. Readers must take what comes, or leave.
 */
export class StreamFan {
  readonly #readers = new Set<Reader>();
  #rest: Buffer = Buffer.alloc(0);
  readonly #tables = new Map<number, Buffer>();
  /** From the newest keyframe on, behind the tables; empty until one has come. */
  #group: Buffer[] = [];
  #groupBytes = 0;

  /** Answers how to leave. */
  join(reader: Reader): () => void {
    this.#readers.add(reader);
    if (this.#groupBytes > 0) reader(Buffer.concat(this.#group));
    return () => this.#readers.delete(reader);
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const whole = bytes.length - (bytes.length % PACKET);
    this.#rest = bytes.subarray(whole);
    const packets = bytes.subarray(0, whole);
    const keyframe = this.#newestKeyframe(packets);
    if (keyframe !== undefined) {
      this.#group = [];
      this.#groupBytes = 0;
      this.#keep(Buffer.concat([...this.#tables.values(), packets.subarray(keyframe)]));
    } else if (this.#groupBytes > 0) this.#keep(packets);
    for (const reader of this.#readers) reader(packets);
  }

  /**
   * Where in whole packets the newest keyframe begins; undefined if there is none. ffmpeg marks them as points of random
   * access (ISO/IEC 13818-1, 2.4.3.5).
   */
  #newestKeyframe(packets: Buffer): number | undefined {
    let found: number | undefined;
    for (let at = 0; at < packets.length; at += PACKET) {
      if (packets[at] !== SYNC) continue;
      const pid = packets.readUInt16BE(at + 1) & 0x1fff;
      if (pid === ASSOCIATIONS_PID || pid === MAP_PID) {
        this.#tables.set(pid, Buffer.from(packets.subarray(at, at + PACKET)));
      }
      const adapts = ((packets[at + 3] ?? 0) & 0x20) !== 0 && (packets[at + 4] ?? 0) > 0;
      if (pid === VIDEO_PID && adapts && ((packets[at + 5] ?? 0) & 0x40) !== 0) found = at;
    }
    return found;
  }

  #keep(bytes: Buffer): void {
    this.#group.push(bytes);
    this.#groupBytes += bytes.length;
    if (this.#groupBytes <= LONGEST_GROUP_BYTES) return;
    this.#group = [];
    this.#groupBytes = 0;
  }
}
