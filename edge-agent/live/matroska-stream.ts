import { CLUSTER, elementAt, INFO, TRACKS } from '@faascam/core/matroska';
import {
  BLOCK_GROUP,
  damaged,
  packetOf,
  requireMs,
  SIMPLE_BLOCK,
  TIMESTAMP,
  tracksOf,
  unsigned,
  type MatroskaTrack,
} from '@faascam/core/matroska-packets';
import { streamHead, wholeClusters } from '../capture/matroska.ts';
import type { LivePacket } from './live-stream.ts';

/** The tracks of a Matroska file, and the head of a stream that has them. */
export interface StreamStart {
  head: Buffer;
  video: MatroskaTrack;
  audio: MatroskaTrack | undefined;
}

/** Packets out of a Matroska file that is read piece by piece, while it grows. */
export class MatroskaPackets {
  #rest: Buffer = Buffer.alloc(0);
  #start: StreamStart | undefined;

  /** Undefined until enough of the file was read. */
  get start(): StreamStart | undefined {
    return this.#start;
  }

  /** The next bytes of the file; answers the packets that are whole now. Throws `DamagedMatroskaError`, `UnusualMatroskaError`. */
  push(bytes: Buffer): LivePacket[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    if (this.#start === undefined) {
      const begun = streamHead(this.#rest);
      if (begun === undefined) return [];
      this.#start = startOf(begun.head);
      this.#rest = this.#rest.subarray(begun.clustersAt);
    }
    const { clusters, restAt } = wholeClusters(this.#rest);
    this.#rest = this.#rest.subarray(restAt);
    const { video, audio } = this.#start;
    const tracks = audio === undefined ? [video] : [video, audio];
    return clusters.flatMap((cluster) => packetsIn(cluster, tracks));
  }
}

function startOf(head: Buffer): StreamStart {
  let tracks: MatroskaTrack[] = [];
  // The head, and the beginning of a segment without end.
  for (let at = elementAt(head, 0)?.endAt ?? 0; ;) {
    const element = elementAt(head, at);
    if (element === undefined) break;
    const body = head.subarray(element.bodyAt, element.endAt);
    if (element.id === INFO) requireMs(body);
    if (element.id === TRACKS) tracks = tracksOf(body);
    at = element.endAt > head.length ? element.bodyAt : element.endAt;
  }
  const video = tracks.find(({ kind }) => kind === 'video');
  if (video === undefined) throw damaged();
  return { head, video, audio: tracks.find(({ kind }) => kind === 'audio') };
}

function packetsIn(cluster: Uint8Array, tracks: MatroskaTrack[]): LivePacket[] {
  const packets: LivePacket[] = [];
  let clusterMs = 0;
  for (let at = elementAt(cluster, 0)?.bodyAt ?? cluster.length; at < cluster.length;) {
    const element = elementAt(cluster, at);
    if (element === undefined || element.endAt > cluster.length) throw damaged();
    const body = cluster.subarray(element.bodyAt, element.endAt);
    if (element.id === TIMESTAMP) clusterMs = unsigned(body);
    if (element.id === SIMPLE_BLOCK || element.id === BLOCK_GROUP) {
      const { track, ptsUs, keyframe, bytes } = packetOf(element.id, body, tracks, clusterMs);
      const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (track.kind === 'video') packets.push({ kind: 'video', streamUs: ptsUs, keyframe, data });
      else packets.push({ kind: 'audio', streamUs: ptsUs, keyframe: true, data });
    }
    at = element.endAt;
  }
  return packets;
}

/** A cluster that holds this one packet, to follow a stream's head. Times before the stream's zero become zero. */
export function clusterOf(packet: LivePacket, track: MatroskaTrack): Buffer {
  // Cluster, its size; time, of eight bytes; block, its size, track, no time of its own, flags.
  const head = Buffer.alloc(4 + 8 + 10 + 1 + 8 + 4);
  const blockBytes = 4 + packet.data.length;
  head.writeUInt32BE(CLUSTER, 0);
  head.writeBigUInt64BE(sizeOf(10 + 9 + blockBytes), 4);
  head.writeUInt16BE((TIMESTAMP << 8) | 0x88, 12);
  head.writeBigUInt64BE(BigInt(Math.max(0, Math.round(packet.streamUs / 1000))), 14);
  head[22] = SIMPLE_BLOCK;
  head.writeBigUInt64BE(sizeOf(blockBytes), 23);
  head[31] = 0x80 | track.number;
  head[34] = packet.keyframe ? 0x80 : 0;
  return Buffer.concat([head, packet.data]);
}

function sizeOf(bytes: number): bigint {
  return 0x01_00_00_00_00_00_00_00n | BigInt(bytes);
}
