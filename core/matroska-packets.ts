import { DamagedMatroskaError, elementAt, numberAt } from './matroska.ts';

/** Tracks and packets in Matroska (RFC 9559), as much of them as ffmpeg writes into a segment. */

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
export const TIMESTAMP = 0xe7;
export const SIMPLE_BLOCK = 0xa3;
export const BLOCK_GROUP = 0xa0;
const BLOCK = 0xa1;
const BLOCK_DURATION = 0x9b;
const REFERENCE_BLOCK = 0xfb;

/** ffmpeg counts Matroska's time in ms. */
const MS_SCALE = 1_000_000;

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
  bytes: Uint8Array;
}

/** Not what ffmpeg writes: perhaps ffmpeg itself makes something of it. */
export class UnusualMatroskaError extends Error {
  override readonly name = 'UnusualMatroskaError';
}

/** The error for elements that do not fit together. */
export function damaged(): DamagedMatroskaError {
  return new DamagedMatroskaError('its structure is damaged');
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

/** The number in an element's content. */
export function unsigned(body: Uint8Array): number {
  return body.reduce((value, byte) => value * 256 + byte, 0);
}

/** Throws `UnusualMatroskaError` when the Info element counts time in anything but milliseconds. */
export function requireMs(info: Uint8Array): void {
  for (const { id, body } of elementsIn(info)) {
    if (id === TIMESTAMP_SCALE && unsigned(body) !== MS_SCALE)
      throw new UnusualMatroskaError('its times are not in milliseconds');
  }
}

/** The tracks in a Tracks element's content. Throws `UnusualMatroskaError`, `DamagedMatroskaError`. */
export function tracksOf(bytes: Uint8Array): MatroskaTrack[] {
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

/**
 * The packet in the content of a SimpleBlock or BlockGroup, `id`, of a cluster whose time is `clusterMs`. Its bytes are
 * part of `body`. Throws `UnusualMatroskaError`, `DamagedMatroskaError`.
 */
export function packetOf(
  id: number,
  body: Uint8Array,
  tracks: MatroskaTrack[],
  clusterMs: number,
): MatroskaPacket {
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
