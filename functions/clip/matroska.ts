import type { FileHandle } from 'node:fs/promises';
import { CLUSTER, elementAt, ENDLESS_SEGMENT, INFO, SEGMENT, TRACKS } from '@faascam/core/matroska';
import {
  BLOCK_GROUP,
  damaged,
  packetOf,
  requireMs,
  SIMPLE_BLOCK,
  TIMESTAMP,
  tracksOf,
  unsigned,
  type MatroskaPacket,
  type MatroskaTrack,
} from '@faascam/core/matroska-packets';

/**
 * As much of Matroska (RFC 9559) and EBML (RFC 8794) as ffmpeg writes into a segment: its tracks, its packets with
 * their times, and where its clusters lie. Read in one pass through a window, so that memory does not grow with the
 * file.
 */

const WINDOW_BYTES = 256 * 1024;
/** No picture and no head of ours is larger; beyond it the file is damaged. */
const MOST_BYTES = 64 * 1024 * 1024;

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

/**
 * Reads a file, with a call for each packet in the order of the file; its bytes last until the next call. A file that
 * ends in the middle of something gives what is whole. Throws `UnusualMatroskaError` or `DamagedMatroskaError`.
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
