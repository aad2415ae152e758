import type { MatroskaTrack } from '@faascam/core/matroska-packets';
import { box, full, u16, u32, u8, zeros } from './mp4-boxes.ts';

/** Sound as MP4 holds it. Its times are counted in samples. */
export interface Mp4Sound {
  /** As browsers are asked for it (RFC 6381). */
  codec: string;
  /** Samples a second. */
  rate: number;
  /** The box that describes it, for a sample table. */
  entry: Buffer;
  /** How many samples a packet holds. */
  samplesOf(packet: Uint8Array): number;
}

const AAC = 'A_AAC';
const OPUS = 'A_OPUS';

/** What people call the codec of a camera's sound. */
export function soundName({ codecId, codecPrivate }: MatroskaTrack): string {
  if (codecId.startsWith(AAC)) return 'AAC';
  if (codecId === OPUS) return 'Opus';
  if (codecId.startsWith('A_PCM/')) return 'PCM';
  // As AVI has it: a number for the codec first.
  if (codecId === 'A_MS/ACM' && codecPrivate.length >= 2)
    return ACM_NAMES.get(codecPrivate.readUInt16LE(0)) ?? codecId;
  return NAMES.get(codecId) ?? codecId;
}

const NAMES = new Map([
  ['A_MPEG/L2', 'MP2'],
  ['A_MPEG/L3', 'MP3'],
  ['A_FLAC', 'FLAC'],
  ['A_AC3', 'AC-3'],
  ['A_EAC3', 'E-AC-3'],
]);
const ACM_NAMES = new Map([
  [6, 'G.711 A-law'],
  [7, 'G.711 µ-law'],
  [0x45, 'G.726'],
]);

/** How a camera's sound goes into MP4; undefined for what browsers do not play in it. */
export function mp4SoundOf({ codecId, codecPrivate }: MatroskaTrack): Mp4Sound | undefined {
  if (codecId.startsWith(AAC)) return aacSound(codecPrivate);
  return codecId === OPUS ? opusSound(codecPrivate) : undefined;
}

/** From an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1). */
function aacSound(config: Buffer): Mp4Sound | undefined {
  const bits = new Bits(config);
  let type = objectType(bits);
  const rate = samplingRate(bits);
  const channels = bits.take(4);
  const told = type;
  // Spectral band replication, told first, is followed by what it extends.
  if (type === 5 || type === 29) {
    samplingRate(bits);
    type = objectType(bits);
  }
  const samples = bits.take(1) === 1 ? 960 : 1024;
  if (bits.isOver || rate === 0 || type === 0 || config.length > 64) return undefined;
  return {
    codec: `mp4a.40.${told}`,
    rate,
    entry: soundEntry(
      'mp4a',
      channels === 7 ? 8 : channels,
      rate,
      full('esds', 0, 0, [streamDescriptor(config)]),
    ),
    samplesOf: () => samples,
  };
}

const RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350,
];

function samplingRate(bits: Bits): number {
  const index = bits.take(4);
  return index === 15 ? bits.take(24) : (RATES[index] ?? 0);
}

function objectType(bits: Bits): number {
  const type = bits.take(5);
  return type === 31 ? 32 + bits.take(6) : type;
}

class Bits {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isOver(): boolean {
    return this.#at > this.#bytes.length * 8;
  }

  take(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit++, this.#at++)
      value = value * 2 + (((this.#bytes[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7))) & 1);
    return value;
  }
}

/** ISO/IEC 14496-1, 7.2.6.5: each descriptor has its tag and length before it. */
function streamDescriptor(config: Buffer): Buffer {
  const descriptor = (tag: number, ...parts: Buffer[]): Buffer => {
    const body = Buffer.concat(parts);
    return Buffer.concat([u8(tag), u8(body.length), body]);
  };
  // Audio of MPEG-4; how large its buffers are is not told.
  const decoder = descriptor(0x04, u8(0x40), u8(0x15), zeros(11), descriptor(0x05, config));
  return descriptor(0x03, u16(0), u8(0), decoder, descriptor(0x06, u8(0x02)));
}

const OPUS_RATE = 48_000;

/** From an identification header (RFC 7845, 5.1), as "Encapsulation of Opus in ISO Base Media File Format" has it. */
function opusSound(head: Buffer): Mp4Sound | undefined {
  const family = head[18];
  const channels = head[9] ?? 0;
  // Further families are for more channels than two.
  if (head.length < 19 || head.toString('latin1', 0, 8) !== 'OpusHead' || family !== 0) return undefined;
  // Nothing is skipped: it does not begin at its beginning, and times tell already what was to be skipped there.
  const dOps = box('dOps', [u8(0), u8(channels), u16(0), u32(head.readUInt32LE(12)), zeros(2), u8(0)]);
  return {
    codec: 'opus',
    rate: OPUS_RATE,
    entry: soundEntry('Opus', channels, OPUS_RATE, dOps),
    samplesOf: opusSamples,
  };
}

/** RFC 6716, 3.1 and 3.2: the first byte tells how long a frame is, and how many there are. */
export function opusSamples([first = 0, second = 0]: Uint8Array): number {
  const config = first >> 3;
  const frameMs =
    config < 12
      ? ([10, 20, 40, 60][config & 3] ?? 20)
      : config < 16
        ? ([10, 20][config & 1] ?? 20)
        : ([2.5, 5, 10, 20][config & 3] ?? 20);
  const code = first & 3;
  const frames = code === 0 ? 1 : code === 3 ? second & 0x3f : 2;
  return (frames * frameMs * OPUS_RATE) / 1000;
}

function soundEntry(name: 'mp4a' | 'Opus', channels: number, rate: number, config: Buffer): Buffer {
  // Of 16 bits a sample; a rate is a fixed-point number of 16 bits, too few for the highest ones.
  const fixed = rate > 0xffff ? 0 : rate * 0x10000;
  return box(name, [zeros(6), u16(1), zeros(8), u16(channels), u16(16), zeros(4), u32(fixed), config]);
}
