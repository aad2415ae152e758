import { FaascamError } from '@faascam/core/errors';
import type { SegmentRef } from '@faascam/core/messages';
import type { Probed, ProbedStream } from './ffmpeg.ts';

/** A segment of the ring that lies in a file of ours. */
export interface SegmentFile {
  ref: SegmentRef;
  path: string;
}

export interface Packet {
  /** On the segment's own time line. */
  ptsUs: number;
  /** 0 if unknown. */
  durationUs: number;
  keyframe: boolean;
  hash: string;
}

export interface Track {
  stream: ProbedStream;
  /** In the order of the file, which is the order of decoding. At least one. */
  packets: Packet[];
}

/** What is in a segment. Its own time line begins anywhere: at 0, or where the camera's stream had got to. */
export interface Segment extends SegmentFile {
  /** Where ffmpeg lets the file begin: the first time of any of its streams. */
  fileStartUs: number;
  /** Time of the first picture, a keyframe, which was captured at `ref.startUs`. */
  firstPictureUs: number;
  video: Track;
  audio?: Track;
}

/** Makes sense of what ffprobe said. Throws `FaascamError` `bad-segment` if no clip can be made of it. */
export function segmentOf(file: SegmentFile, probed: Probed): Segment {
  const video = trackOf(probed, 'video');
  const first = video?.packets[0];
  if (video === undefined || first === undefined) throw bad(file, 'has no picture in it');
  if (!first.keyframe) throw bad(file, 'does not begin with a keyframe');
  const audio = trackOf(probed, 'audio');
  return {
    ...file,
    fileStartUs: probed.format.start_time,
    firstPictureUs: first.ptsUs,
    video,
    ...(audio === undefined ? {} : { audio }),
  };

  function trackOf(from: Probed, type: 'video' | 'audio'): Track | undefined {
    const stream = from.streams.find((candidate) => candidate.codec_type === type);
    if (stream === undefined) return undefined;
    const packets: Packet[] = [];
    for (const packet of from.packets) {
      if (packet.stream_index !== stream.index) continue;
      if (packet.pts_time === undefined) throw bad(file, `has a ${type} packet without a time`);
      packets.push({
        ptsUs: packet.pts_time,
        durationUs: packet.duration_time ?? 0,
        keyframe: packet.flags.startsWith('K'),
        hash: packet.data_hash,
      });
    }
    return packets.length === 0 ? undefined : { stream, packets };
  }
}

function bad(file: SegmentFile, what: string): FaascamError {
  return new FaascamError('bad-segment', `Segment ${file.ref.object} ${what}.`);
}

/** When a packet of a segment was captured. */
export function capturedAtUs(segment: Segment, packet: Packet): number {
  return segment.ref.startUs + packet.ptsUs - segment.firstPictureUs;
}

/** When the footage of a segment ends: at the end of its last picture. */
export function endUs(segment: Segment): number {
  const last = lastOf(segment.video);
  const durationUs = last.durationUs > 0 ? last.durationUs : longestIntervalUs(segment);
  return capturedAtUs(segment, last) + durationUs;
}

/** The longest time between two pictures shown one after the other; 0 for a single one. */
export function longestIntervalUs(segment: Segment): number {
  const times = segment.video.packets.map((packet) => packet.ptsUs).sort((a, b) => a - b);
  return times.reduce((longest, time, index) => Math.max(longest, time - (times[index - 1] ?? time)), 0);
}

/** The packet that is shown first. */
export function firstOf(track: Track): Packet {
  return track.packets.reduce((first, packet) => (packet.ptsUs < first.ptsUs ? packet : first));
}

/** The packet that is shown last. */
export function lastOf(track: Track): Packet {
  return track.packets.reduce((last, packet) => (packet.ptsUs >= last.ptsUs ? packet : last));
}

/**
 * The segments that make one clip, which has one codec and size: of those alike, the ones that last longest
 * together. H.264 may change its parameter sets on the way, as they can travel among its pictures.
 */
export function joinable(segments: Segment[]): { kept: Segment[]; leftOut: Segment[] } {
  const kinds = new Map<string, { segments: Segment[]; durationUs: number }>();
  for (const segment of segments) {
    const { codec_name, width, height, index, extradata_hash } = segment.video.stream;
    const parameters = codec_name === 'h264' ? '' : extradata_hash;
    const kind = [codec_name, width, height, index, parameters].join(' ');
    const group = kinds.get(kind) ?? { segments: [], durationUs: 0 };
    group.segments.push(segment);
    group.durationUs += segment.ref.durationUs;
    kinds.set(kind, group);
  }
  const longest = [...kinds.values()].sort((a, b) => b.durationUs - a.durationUs)[0];
  const kept = longest?.segments ?? [];
  return { kept, leftOut: segments.filter((segment) => !kept.includes(segment)) };
}

/** The sound that all segments have alike; without that, the clip has none. */
export function commonSound(segments: Segment[]): ProbedStream | undefined {
  const [first] = segments;
  const kindOf = ({ audio }: Segment): string =>
    audio === undefined
      ? ''
      : [
          audio.stream.index,
          audio.stream.codec_name,
          audio.stream.sample_rate,
          audio.stream.channels,
          audio.stream.extradata_hash,
        ].join(' ');
  return first && segments.every((segment) => kindOf(segment) === kindOf(first))
    ? first.audio?.stream
    : undefined;
}

/** Whether the decoder's parameters change between the segments. */
export function parametersChange(segments: Segment[]): boolean {
  return new Set(segments.map((segment) => segment.video.stream.extradata_hash)).size > 1;
}
