import { box, full, i32, u16, u32, u64, zeros } from './mp4-boxes.ts';
import type { Mp4Sound } from './mp4-sound.ts';

/**
 * Fragmented MP4 (ISO/IEC 14496-12) with a track of pictures and perhaps one of sound, a fragment a packet: what Media
 * Source Extensions play. Times of pictures are in milliseconds.
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

/** Sound, in samples of its own rate. */
export interface Mp4SoundPacket {
  begins: number;
  samples: number;
  data: Buffer;
}

const PICTURES = 1;
const SOUND = 2;
const SCALE = 1000;
/** A sample that stands alone, or one that depends on others and is no place to begin. */
const ALONE = 0x02000000;
const DEPENDENT = 0x01010000;

/** What comes before all fragments. */
export function mp4Head(
  codec: Mp4Codec,
  { width, height }: { width: number; height: number },
  sound?: Mp4Sound,
): Buffer {
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
  const pictures = track({
    ...{ id: PICTURES, scale: SCALE, handler: 'vide', entry, width, height, volume: 0 },
    header: full('vmhd', 0, 1, [zeros(8)]),
  });
  const sounds =
    sound === undefined
      ? []
      : [
          track({
            ...{ id: SOUND, scale: sound.rate, handler: 'soun', entry: sound.entry, width: 0, height: 0 },
            ...{ volume: 0x100, header: full('smhd', 0, 0, [zeros(4)]) },
          }),
        ];
  const defaults = [PICTURES, ...(sound === undefined ? [] : [SOUND])].map((id) =>
    full('trex', 0, 0, [u32(id), u32(1), zeros(12)]),
  );
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
        u32(SOUND + 1),
      ]),
      pictures,
      ...sounds,
      box('mvex', defaults),
    ]),
  ]);
}

function track(about: {
  id: number;
  /** Ticks a second of its times. */
  scale: number;
  handler: 'vide' | 'soun';
  header: Buffer;
  entry: Buffer;
  width: number;
  height: number;
  volume: number;
}): Buffer {
  const samples = box('stbl', [
    full('stsd', 0, 0, [u32(1), about.entry]),
    full('stts', 0, 0, [u32(0)]),
    full('stsc', 0, 0, [u32(0)]),
    full('stsz', 0, 0, [u32(0), u32(0)]),
    full('stco', 0, 0, [u32(0)]),
  ]);
  const media = box('mdia', [
    full('mdhd', 0, 0, [zeros(8), u32(about.scale), u32(0), u16(0x55c4), u16(0)]),
    full('hdlr', 0, 0, [zeros(4), Buffer.from(about.handler), zeros(12), Buffer.from('\0')]),
    box('minf', [about.header, box('dinf', [full('dref', 0, 0, [u32(1), full('url ', 0, 1, [])])]), samples]),
  ]);
  return box('trak', [
    // Enabled, in the movie.
    full('tkhd', 0, 3, [
      zeros(8),
      u32(about.id),
      zeros(4),
      u32(0),
      zeros(8),
      zeros(4),
      u16(about.volume),
      zeros(2),
      MATRIX,
      u32(about.width << 16),
      u32(about.height << 16),
    ]),
    media,
  ]);
}

/** One picture as a fragment, the `sequence`th. */
export function mp4Fragment(sequence: number, picture: Mp4Picture): Buffer {
  const { decodeMs, laterMs, durationMs, keyframe, data } = picture;
  return fragment(sequence, {
    ...{ id: PICTURES, begins: decodeMs, duration: durationMs, later: laterMs, data },
    flags: keyframe ? ALONE : DEPENDENT,
  });
}

/** One packet of sound as a fragment, the `sequence`th. */
export function mp4SoundFragment(sequence: number, { begins, samples, data }: Mp4SoundPacket): Buffer {
  return fragment(sequence, { id: SOUND, begins, duration: samples, later: 0, flags: ALONE, data });
}

function fragment(
  sequence: number,
  sample: { id: number; begins: number; duration: number; later: number; flags: number; data: Buffer },
): Buffer {
  const { data } = sample;
  const moof = (offset: number): Buffer =>
    box('moof', [
      full('mfhd', 0, 0, [u32(sequence)]),
      box('traf', [
        full('tfhd', 0, 0x020000, [u32(sample.id)]),
        full('tfdt', 1, 0, [u64(sample.begins)]),
        // Offset of the data; duration, size, flags and what is to be added to the time, of each.
        full('trun', 1, 0x000f01, [
          u32(1),
          u32(offset),
          u32(sample.duration),
          u32(data.length),
          u32(sample.flags),
          i32(sample.later),
        ]),
      ]),
    ]);
  const length = moof(0).length;
  return Buffer.concat([moof(length + 8), u32(data.length + 8), Buffer.from('mdat'), data]);
}

/** No turning, no moving. */
const MATRIX = Buffer.concat([0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000].map(u32));
