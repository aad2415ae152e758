import { createHash, hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { ProgramError } from '@faascam/core/errors';

/**
 * As much of MP4 (ISO/IEC 14496-12) as it takes to tell which packets an MP4 file holds, when each is shown, and what
 * its bytes are: a second reader beside ffmpeg's, for files that ffmpeg made. Numbers of each packet lie in typed arrays.
 */

export interface Mp4Track {
  kind: 'video' | 'audio' | 'other';
  /** The sample entry's name: `avc1`. */
  tag: string;
  width: number;
  height: number;
  /** One for each packet in the order of decoding: when it is shown, edits counted in. */
  ptsUs: Float64Array;
  durationUs: Float64Array;
  sizes: Uint32Array;
  /** Where in the file it lies. */
  offsets: Float64Array;
  /** Undefined: all are. */
  keyframes: ReadonlySet<number> | undefined;
}

export interface Mp4 {
  tracks: Mp4Track[];
  sizeBytes: number;
}

/** No table of a clip is larger: a day of it. */
const MOST_MOOV_BYTES = 256 * 1024 * 1024;
const READ_BYTES = 256 * 1024;

/** Reads the tables of a file. Throws `ProgramError` `not-readable` when it is no MP4 that ffmpeg has finished. */
export async function readMp4(path: string): Promise<Mp4> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    return { tracks: tracksOf(await moovOf(file, path)), sizeBytes: size };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ProgramError('not-readable', `The tables of ${path} are damaged.`, { cause });
  } finally {
    await file.close();
  }
}

/**
 * Reads the whole file once, with a call for each packet of the tracks, in the order in which they lie there, with the
 * sha256 of its bytes. Gives the sha256 of the file.
 */
export async function digestMp4(
  path: string,
  { tracks }: Mp4,
  onPacket: (track: Mp4Track, index: number, digest: Buffer) => void,
): Promise<string> {
  const whole = createHash('sha256');
  const order = inOrderOfFile(tracks);
  let next = order.next();
  // Of the packet that the last read ended in.
  let begun: ReturnType<typeof createHash> | undefined;
  const file = await open(path);
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  try {
    for (let at = 0; ;) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, at);
      if (bytesRead === 0) break;
      const bytes = buffer.subarray(0, bytesRead);
      whole.update(bytes);
      while (next.done !== true) {
        const { track, index } = next.value;
        const fromByte = (track.offsets[index] ?? 0) - at;
        const toByte = fromByte + (track.sizes[index] ?? 0);
        if (fromByte >= bytesRead) break;
        const part = bytes.subarray(Math.max(0, fromByte), toByte);
        if (toByte > bytesRead) {
          (begun ??= createHash('sha256')).update(part);
          break;
        }
        onPacket(track, index, begun?.update(part).digest() ?? hash('sha256', part, 'buffer'));
        begun = undefined;
        next = order.next();
      }
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
  return whole.digest('hex');
}

function* inOrderOfFile(tracks: Mp4Track[]): Generator<{ track: Mp4Track; index: number }> {
  const positions = tracks.map(() => 0);
  for (;;) {
    let first: number | undefined;
    let firstAt = Number.POSITIVE_INFINITY;
    for (const [index, track] of tracks.entries()) {
      const at = track.offsets[positions[index] ?? 0];
      if (at !== undefined && at < firstAt) [first, firstAt] = [index, at];
    }
    const track = first === undefined ? undefined : tracks[first];
    if (first === undefined || track === undefined) return;
    const index = positions[first] ?? 0;
    positions[first] = index + 1;
    yield { track, index };
  }
}

async function moovOf(file: FileHandle, path: string): Promise<Buffer> {
  const head = Buffer.alloc(16);
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(head, 0, 16, at);
    if (bytesRead < 8)
      throw new ProgramError('not-readable', `${path} is no MP4 file, or not a finished one.`);
    const short = head.readUInt32BE(0);
    const headBytes = short === 1 ? 16 : 8;
    const size = short === 1 ? Number(head.readBigUInt64BE(8)) : short;
    if (size < headBytes) throw new RangeError('a box is smaller than its head');
    if (head.toString('latin1', 4, 8) === 'moov') {
      if (size > MOST_MOOV_BYTES) throw new RangeError('the tables are too large');
      const body = Buffer.alloc(size - headBytes);
      const read = await file.read(body, 0, body.length, at + headBytes);
      if (read.bytesRead < body.length) throw new RangeError('the tables are not whole');
      return body;
    }
    at += size;
  }
}

/** The first box of a name in `bytes`, or in the boxes of a path below it. Throws `RangeError`. */
function boxIn(bytes: Buffer, ...path: string[]): Buffer | undefined {
  let body: Buffer | undefined = bytes;
  for (const name of path) body = body === undefined ? undefined : boxesIn(body, name).next().value;
  return body;
}

function* boxesIn(bytes: Buffer, name: string): Generator<Buffer, undefined> {
  for (let at = 0; at + 8 <= bytes.length;) {
    const size = bytes.readUInt32BE(at);
    if (size < 8) throw new RangeError('a box is smaller than its head');
    if (bytes.toString('latin1', at + 4, at + 8) === name) yield bytes.subarray(at + 8, at + size);
    at += size;
  }
  return undefined;
}

function required(bytes: Buffer, ...path: string[]): Buffer {
  const body = boxIn(bytes, ...path);
  if (body === undefined) throw new RangeError(`there is no ${path.join('/')}`);
  return body;
}

function tracksOf(moov: Buffer): Mp4Track[] {
  const mvhd = required(moov, 'mvhd');
  const movieScale = mvhd.readUInt32BE(mvhd[0] === 1 ? 20 : 12);
  return Array.from(boxesIn(moov, 'trak'), (trak) => trackOf(trak, movieScale));
}

const kinds = new Map<string, 'video' | 'audio'>([
  ['vide', 'video'],
  ['soun', 'audio'],
]);

function trackOf(trak: Buffer, movieScale: number): Mp4Track {
  const kind = kinds.get(required(trak, 'mdia', 'hdlr').toString('latin1', 8, 12)) ?? 'other';
  const mdhd = required(trak, 'mdia', 'mdhd');
  const scale = mdhd.readUInt32BE(mdhd[0] === 1 ? 20 : 12);
  const stbl = required(trak, 'mdia', 'minf', 'stbl');
  const entry = required(stbl, 'stsd').subarray(8);
  const sizes = sizesOf(required(stbl, 'stsz'));
  const { ptsUs, durationUs } = timesOf(stbl, sizes.length, scale, startOf(trak, scale, movieScale));
  const sync = boxIn(stbl, 'stss');
  return {
    kind,
    tag: entry.toString('latin1', 4, 8),
    width: kind === 'video' ? entry.readUInt16BE(32) : 0,
    height: kind === 'video' ? entry.readUInt16BE(34) : 0,
    ptsUs,
    durationUs,
    sizes,
    offsets: offsetsOf(stbl, sizes),
    keyframes:
      sync === undefined
        ? undefined
        : new Set(Array.from({ length: sync.readUInt32BE(4) }, (_, n) => sync.readUInt32BE(8 + 4 * n) - 1)),
  };
}

/** What is added to a track's own time, in its ticks: an empty edit delays it, the next leaves its beginning out. */
function startOf(trak: Buffer, scale: number, movieScale: number): number {
  const elst = boxIn(trak, 'edts', 'elst');
  if (elst === undefined) return 0;
  const long = elst[0] === 1;
  let start = 0;
  for (let n = 0; n < elst.readUInt32BE(4); n++) {
    const at = 8 + n * (long ? 20 : 12);
    const duration = long ? Number(elst.readBigUInt64BE(at)) : elst.readUInt32BE(at);
    const mediaTime = long ? Number(elst.readBigInt64BE(at + 8)) : elst.readInt32BE(at + 4);
    if (mediaTime !== -1) return start - mediaTime;
    start += (duration * scale) / movieScale;
  }
  return start;
}

function sizesOf(stsz: Buffer): Uint32Array {
  const same = stsz.readUInt32BE(4);
  const sizes = new Uint32Array(stsz.readUInt32BE(8));
  if (same > 0) return sizes.fill(same);
  for (let n = 0; n < sizes.length; n++) sizes[n] = stsz.readUInt32BE(12 + 4 * n);
  return sizes;
}

function timesOf(stbl: Buffer, count: number, scale: number, start: number) {
  const ptsUs = new Float64Array(count);
  const durationUs = new Float64Array(count);
  let time = start;
  forRuns(required(stbl, 'stts'), count, (n, ticks) => {
    ptsUs[n] = time;
    durationUs[n] = (ticks / scale) * 1e6;
    time += ticks;
  });
  const ctts = boxIn(stbl, 'ctts');
  // Version 0 has no signs, but ffmpeg reads and writes it as if it had.
  if (ctts !== undefined) forRuns(ctts, count, (n, ticks) => (ptsUs[n] = (ptsUs[n] ?? 0) + (ticks | 0)));
  for (let n = 0; n < count; n++) ptsUs[n] = Math.round(((ptsUs[n] ?? 0) / scale) * 1e6);
  return { ptsUs, durationUs };
}

/** A table of how often a value comes. */
function forRuns(table: Buffer, count: number, each: (n: number, value: number) => void): void {
  let n = 0;
  for (let run = 0; run < table.readUInt32BE(4); run++) {
    const times = table.readUInt32BE(8 + 8 * run);
    const value = table.readUInt32BE(12 + 8 * run);
    for (let time = 0; time < times && n < count; time++, n++) each(n, value);
  }
}

/** Packets lie in chunks, one behind the other. */
function offsetsOf(stbl: Buffer, sizes: Uint32Array): Float64Array {
  const stsc = required(stbl, 'stsc');
  const long = boxIn(stbl, 'co64');
  const chunks = long ?? required(stbl, 'stco');
  const offsets = new Float64Array(sizes.length);
  const runs = stsc.readUInt32BE(4);
  let [n, run] = [0, 0];
  for (let chunk = 0; chunk < chunks.readUInt32BE(4); chunk++) {
    if (run + 1 < runs && stsc.readUInt32BE(8 + 12 * (run + 1)) === chunk + 1) run += 1;
    let at =
      long === undefined ? chunks.readUInt32BE(8 + 4 * chunk) : Number(chunks.readBigUInt64BE(8 + 8 * chunk));
    const inChunk = stsc.readUInt32BE(8 + 12 * run + 4);
    for (let packet = 0; packet < inChunk && n < sizes.length; packet++, n++) {
      offsets[n] = at;
      at += sizes[n] ?? 0;
    }
  }
  return offsets;
}
