import type { FileHandle } from 'node:fs/promises';
import {
  CLUSTER,
  DamagedMatroskaError,
  elementAt,
  ENDLESS_SEGMENT,
  INFO,
  numberAt,
  SEGMENT,
  TRACKS,
} from '@faascam/core/matroska';

/**
 * As much of Matroska (RFC 9559) and EBML (RFC 8794) as ffmpeg writes into a segment: its tracks, its packets with
 * their times, and where its clusters lie. Read in one pass through a window, so that memory does not grow with the
 * file.
 */

const TIMESTAMP_SCALE = 0x2ad7b1;
const TRACK_ENTRY = 0xae;
const TRACK_NUMBER = 0xd7;
const CODEC_ID = 0x86;
const CODEC_PRIVATE = 0x63a2;
const CODEC_DELAY = 0x56aa;
const DEFAULT_DURATION = 0x23e383;
const CONTENT_ENCODINGS = 0x6d80;
const VIDEO = 0xe0;
const PIXEL_WIDTH = 0xb0;
const PIXEL_HEIGHT = 0xba;
const AUDIO = 0xe1;
const SAMPLING_FREQUENCY = 0xb5;
const CHANNELS = 0x9f;
const TIMESTAMP = 0xe7;
const SIMPLE_BLOCK = 0xa3;
const BLOCK_GROUP = 0xa0;
const BLOCK = 0xa1;
const BLOCK_DURATION = 0x9b;
const REFERENCE_BLOCK = 0xfb;

/** ffmpeg counts Matroska's time in ms. */
const MS_SCALE = 1_000_000;
const WINDOW_BYTES = 256 * 1024;
/** No picture and no head of ours is larger; beyond it the file is damaged. */
const MOST_BYTES = 64 * 1024 * 1024;

export interface MatroskaTrack {
  number: number;
  kind: 'video' | 'audio' | 'other';
  /** As Matroska names it: `V_MPEG4/ISO/AVC`. */
  codecId: string;
  codecPrivate: Buffer;
  width: number;
  height: number;
  sampleRate: number;
  channels: number;
  /** Of a packet that does not say its own; 0 if unknown. */
  defaultDurationUs: number;
  delayUs: number;
}

export interface MatroskaPacket {
  track: MatroskaTrack;
  ptsUs: number;
  durationUs: number;
  keyframe: boolean;
  /** Only until the next packet. */
  bytes: Uint8Array;
}

/** Some packets that lie together. Their times count from the cluster's. */
export interface Cluster {
  timestampMs: number;
  /** Its blocks, without its own head and time. */
  fromByte: number;
  toByte: number;
}

export interface MatroskaFile {
  tracks: MatroskaTrack[];
  /** The element that describes the tracks, as it stands in the file. */
  tracksElement: Buffer;
  clusters: Cluster[];
}

/** Not what ffmpeg writes: perhaps ffmpeg itself makes something of it. */
export class UnusualMatroskaError extends Error {
  override readonly name = 'UnusualMatroskaError';
}

function damaged(): DamagedMatroskaError {
  return new DamagedMatroskaError('its structure is damaged');
}

/**
 * Reads a file, with a call for each packet in the order of the file. A file that ends in the middle of something
 * gives what is whole. Throws `UnusualMatroskaError` or `DamagedMatroskaError`.
 */
export async function readMatroska(
  file: FileHandle,
  onPacket: (packet: MatroskaPacket) => void,
): Promise<MatroskaFile> {
  const window = new Window(file);
  const clusters: Cluster[] = [];
  let tracks: MatroskaTrack[] | undefined;
  let tracksElement: Buffer = Buffer.alloc(0);
  let cluster: Cluster | undefined;
  for (let at = 0; ;) {
    const head = await window.bytes(at, 12);
    const element = elementAt(head, 0);
    if (element === undefined) break;
    const bodyAt = at + element.bodyAt;
    // Segments and clusters are entered; whatever is in them stands in one row with them.
    if (element.id === SEGMENT || element.id === CLUSTER) {
      if (element.id === CLUSTER) cluster = undefined;
      at = bodyAt;
      continue;
    }
    const size = element.endAt - element.bodyAt;
    const endAt = bodyAt + size;
    if (element.id === TIMESTAMP) {
      const body = await window.bytes(bodyAt, size);
      if (body.length < size) break;
      cluster = { timestampMs: unsigned(body), fromByte: endAt, toByte: endAt };
      clusters.push(cluster);
    } else if (wanted.has(element.id)) {
      if (size > MOST_BYTES) throw damaged();
      const body = await window.bytes(bodyAt, size);
      if (body.length < size) break;
      if (element.id === INFO) requireMs(body);
      else if (element.id === TRACKS) {
        tracks = tracksOf(body);
        tracksElement = Buffer.from(await window.bytes(at, endAt - at));
      } else {
        if (tracks === undefined || cluster === undefined) throw damaged();
        onPacket(packetOf(element.id, body, tracks, cluster.timestampMs));
        cluster.toByte = endAt;
      }
    } else if (!passedOver.has(element.id)) throw damaged();
    at = endAt;
  }
  if (tracks === undefined) throw damaged();
  return { tracks, tracksElement, clusters: clusters.filter(({ fromByte, toByte }) => toByte > fromByte) };
}

/** The head of a stream without end that has these tracks. */
export function streamHead(tracksElement: Uint8Array): Buffer {
  const ebml =
    '1a45dfa3a342868101' + '42f7810142f2810442f38108' + '4282886d6174726f736b61' + '4287810442858102';
  const info = '1549a966872ad7b1830f4240';
  return Buffer.concat([Buffer.from(ebml, 'hex'), ENDLESS_SEGMENT, Buffer.from(info, 'hex'), tracksElement]);
}

/** What stands before a cluster's blocks when its time is `timestampMs`. */
export function clusterHead({ fromByte, toByte }: Cluster, timestampMs: number): Buffer {
  const head = Buffer.alloc(4 + 8 + 10);
  head.writeUInt32BE(CLUSTER, 0);
  head.writeBigUInt64BE(0x01_00_00_00_00_00_00_00n | BigInt(10 + toByte - fromByte), 4);
  head[12] = TIMESTAMP;
  head[13] = 0x88;
  head.writeBigUInt64BE(BigInt(timestampMs), 14);
  return head;
}

const wanted = new Set([INFO, TRACKS, SIMPLE_BLOCK, BLOCK_GROUP]);
/** What else stands beside them: the file's head, CRC-32, Void, SeekHead, Cues, Tags, Chapters, Attachments, Position, PrevSize. */
const passedOver = new Set([
  ...[0x1a45dfa3, 0xbf, 0xec, 0x114d9b74, 0x1c53bb6b, 0x1254c367],
  ...[0x1043a770, 0x1941a469, 0xa7, 0xab],
]);

/** A part of the file in memory that moves on as it is read. */
class Window {
  readonly #file: FileHandle;
  #buffer = Buffer.allocUnsafe(WINDOW_BYTES);
  #at = 0;
  #length = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Up to `length` bytes at `at`, fewer at the file's end; valid until the next call. */
  async bytes(at: number, length: number): Promise<Buffer> {
    if (at < this.#at || at + length > this.#at + this.#length) await this.#load(at, length);
    const from = at - this.#at;
    return this.#buffer.subarray(from, Math.min(this.#length, from + length));
  }

  async #load(at: number, length: number): Promise<void> {
    if (length > this.#buffer.length) this.#buffer = Buffer.allocUnsafe(length + WINDOW_BYTES);
    this.#at = at;
    this.#length = 0;
    while (this.#length < this.#buffer.length) {
      const room = this.#buffer.length - this.#length;
      const { bytesRead } = await this.#file.read(this.#buffer, this.#length, room, at + this.#length);
      if (bytesRead === 0) return;
      this.#length += bytesRead;
    }
  }
}

/** The elements side by side in `bytes`. Throws `DamagedMatroskaError` when one reaches beyond them. */
function* elementsIn(bytes: Uint8Array): Generator<{ id: number; body: Uint8Array }> {
  for (let at = 0; at < bytes.length;) {
    const element = elementAt(bytes, at);
    if (element === undefined || element.endAt > bytes.length) throw damaged();
    yield { id: element.id, body: bytes.subarray(element.bodyAt, element.endAt) };
    at = element.endAt;
  }
}

function unsigned(body: Uint8Array): number {
  return body.reduce((value, byte) => value * 256 + byte, 0);
}

function requireMs(info: Uint8Array): void {
  for (const { id, body } of elementsIn(info)) {
    if (id === TIMESTAMP_SCALE && unsigned(body) !== MS_SCALE)
      throw new UnusualMatroskaError('its times are not in milliseconds');
  }
}

function tracksOf(bytes: Uint8Array): MatroskaTrack[] {
  const tracks: MatroskaTrack[] = [];
  for (const { id, body } of elementsIn(bytes)) if (id === TRACK_ENTRY) tracks.push(trackOf(body));
  return tracks;
}

function trackOf(entry: Uint8Array): MatroskaTrack {
  const track: MatroskaTrack = {
    number: 0,
    kind: 'other',
    codecId: '',
    codecPrivate: Buffer.alloc(0),
    width: 0,
    height: 0,
    sampleRate: 8000,
    channels: 1,
    defaultDurationUs: 0,
    delayUs: 0,
  };
  for (const { id, body } of elementsIn(entry)) {
    if (id === TRACK_NUMBER) track.number = unsigned(body);
    else if (id === CODEC_ID) track.codecId = Buffer.from(body).toString('latin1').replace(/\0+$/, '');
    else if (id === CODEC_PRIVATE) track.codecPrivate = Buffer.from(body);
    else if (id === DEFAULT_DURATION) track.defaultDurationUs = unsigned(body) / 1000;
    // As ffmpeg does, in whole ticks of the file's time.
    else if (id === CODEC_DELAY) track.delayUs = Math.round(unsigned(body) / MS_SCALE) * 1000;
    else if (id === CONTENT_ENCODINGS) throw new UnusualMatroskaError('its packets are compressed');
    else if (id === VIDEO) {
      track.kind = 'video';
      for (const { id: field, body: value } of elementsIn(body)) {
        if (field === PIXEL_WIDTH) track.width = unsigned(value);
        if (field === PIXEL_HEIGHT) track.height = unsigned(value);
      }
    } else if (id === AUDIO) {
      track.kind = 'audio';
      for (const { id: field, body: value } of elementsIn(body)) {
        if (field === SAMPLING_FREQUENCY) track.sampleRate = float(value);
        if (field === CHANNELS) track.channels = unsigned(value);
      }
    }
  }
  return track;
}

function float(body: Uint8Array): number {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return body.length === 8 ? view.getFloat64(0) : body.length === 4 ? view.getFloat32(0) : 0;
}

function packetOf(id: number, body: Uint8Array, tracks: MatroskaTrack[], clusterMs: number): MatroskaPacket {
  let block: Uint8Array | undefined = body;
  let durationMs: number | undefined;
  let refers = false;
  if (id === BLOCK_GROUP) {
    block = undefined;
    for (const part of elementsIn(body)) {
      if (part.id === BLOCK) block = part.body;
      else if (part.id === BLOCK_DURATION) durationMs = unsigned(part.body);
      else if (part.id === REFERENCE_BLOCK) refers = true;
    }
  }
  if (block === undefined) throw damaged();
  const number = numberAt(block, 0, 8, true);
  const track = tracks.find((candidate) => candidate.number === number?.value);
  if (number === undefined || track === undefined || block.length < number.length + 3) throw damaged();
  const [high = 0, low = 0, flags = 0] = block.subarray(number.length, number.length + 3);
  if ((flags & 0x06) !== 0) throw new UnusualMatroskaError('its packets are laced');
  const sinceClusterMs = ((high << 24) >> 16) | low;
  return {
    track,
    ptsUs: (clusterMs + sinceClusterMs) * 1000 - track.delayUs,
    durationUs: durationMs === undefined ? track.defaultDurationUs : durationMs * 1000,
    keyframe: id === BLOCK_GROUP ? !refers : (flags & 0x80) !== 0,
    bytes: block.subarray(number.length + 3),
  };
}
