/**
 * Fragmented MP4 (ISO/IEC 14496-12) with one track of video, a fragment a picture: what Media Source Extensions play.
 * Times are in milliseconds.
 */

/** What a codec is called by MP4, by browsers, and how it describes itself. */
export interface Mp4Codec {
  entry: 'avc1' | 'hvc1';
  config: { box: 'avcC' | 'hvcC'; record: Buffer };
}

export interface Mp4Picture {
  /** When it is decoded, and how much later it is shown. */
  decodeMs: number;
  laterMs: number;
  durationMs: number;
  keyframe: boolean;
  data: Buffer;
}

const TRACK = 1;
const SCALE = 1000;

/** What comes before all fragments. */
export function mp4Head(codec: Mp4Codec, { width, height }: { width: number; height: number }): Buffer {
  const entry = box(codec.entry, [
    zeros(6),
    u16(1),
    zeros(16),
    u16(width),
    u16(height),
    u32(0x480000),
    u32(0x480000),
    zeros(4),
    u16(1),
    zeros(32),
    u16(0x18),
    u16(0xffff),
    box(codec.config.box, [codec.config.record]),
  ]);
  const samples = box('stbl', [
    full('stsd', 0, 0, [u32(1), entry]),
    full('stts', 0, 0, [u32(0)]),
    full('stsc', 0, 0, [u32(0)]),
    full('stsz', 0, 0, [u32(0), u32(0)]),
    full('stco', 0, 0, [u32(0)]),
  ]);
  const media = box('mdia', [
    full('mdhd', 0, 0, [zeros(8), u32(SCALE), u32(0), u16(0x55c4), u16(0)]),
    full('hdlr', 0, 0, [zeros(4), Buffer.from('vide'), zeros(12), Buffer.from('\0')]),
    box('minf', [
      full('vmhd', 0, 1, [zeros(8)]),
      box('dinf', [full('dref', 0, 0, [u32(1), full('url ', 0, 1, [])])]),
      samples,
    ]),
  ]);
  const track = box('trak', [
    // Enabled, in the movie.
    full('tkhd', 0, 3, [
      zeros(8),
      u32(TRACK),
      zeros(4),
      u32(0),
      zeros(8),
      zeros(8),
      MATRIX,
      u32(width << 16),
      u32(height << 16),
    ]),
    media,
  ]);
  return Buffer.concat([
    box('ftyp', [Buffer.from('iso5'), u32(512), Buffer.from('iso5iso6mp41')]),
    box('moov', [
      full('mvhd', 0, 0, [
        zeros(8),
        u32(SCALE),
        u32(0),
        u32(0x10000),
        u16(0x100),
        zeros(10),
        MATRIX,
        zeros(24),
        u32(TRACK + 1),
      ]),
      track,
      box('mvex', [full('trex', 0, 0, [u32(TRACK), u32(1), zeros(12)])]),
    ]),
  ]);
}

/** One picture as a fragment, the `sequence`th. */
export function mp4Fragment(sequence: number, picture: Mp4Picture): Buffer {
  const { decodeMs, laterMs, durationMs, keyframe, data } = picture;
  // A picture that stands alone, or one that depends on others and is no place to begin.
  const flags = keyframe ? 0x02000000 : 0x01010000;
  const moof = (offset: number): Buffer =>
    box('moof', [
      full('mfhd', 0, 0, [u32(sequence)]),
      box('traf', [
        full('tfhd', 0, 0x020000, [u32(TRACK)]),
        full('tfdt', 1, 0, [u64(decodeMs)]),
        // Offset of the data; duration, size, flags and what is to be added to the time, of each.
        full('trun', 1, 0x000f01, [
          u32(1),
          u32(offset),
          u32(durationMs),
          u32(data.length),
          u32(flags),
          i32(laterMs),
        ]),
      ]),
    ]);
  const length = moof(0).length;
  return Buffer.concat([moof(length + 8), u32(data.length + 8), Buffer.from('mdat'), data]);
}

function box(name: string, parts: Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 8);
  return Buffer.concat([u32(length), Buffer.from(name, 'latin1'), ...parts], length);
}

function full(name: string, version: number, flags: number, parts: Buffer[]): Buffer {
  return box(name, [u32((version << 24) | flags), ...parts]);
}

function zeros(count: number): Buffer {
  return Buffer.alloc(count);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** No turning, no moving. */
const MATRIX = Buffer.concat([0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000].map(u32));
