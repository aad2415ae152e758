import { hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { FaascamError } from '@faascam/core/errors';
import type { MatroskaPacket, MatroskaTrack } from '@faascam/core/matroska-packets';
import { readMatroska, type MatroskaFile } from './matroska.ts';
import { firstUs, type Segment, type SegmentFile, type StreamKind, type Track } from './segment.ts';

/** Matroska's names of what cameras send, and ffmpeg's. */
const codecs = new Map([
  ['V_MPEG4/ISO/AVC', 'h264'],
  ['V_MPEGH/ISO/HEVC', 'hevc'],
  ['V_AV1', 'av1'],
  ['V_VP8', 'vp8'],
  ['V_VP9', 'vp9'],
  ['V_MJPEG', 'mjpeg'],
  ['V_MPEG4/ISO/SP', 'mpeg4'],
  ['V_MPEG4/ISO/ASP', 'mpeg4'],
  ['V_MPEG4/ISO/AP', 'mpeg4'],
  ['V_MPEG2', 'mpeg2video'],
  ['V_MPEG1', 'mpeg1video'],
  ['A_AAC', 'aac'],
  ['A_MPEG/L3', 'mp3'],
  ['A_OPUS', 'opus'],
  ['A_AC3', 'ac3'],
  ['A_EAC3', 'eac3'],
  ['A_FLAC', 'flac'],
  ['A_ALAC', 'alac'],
]);

/** Profiles that browsers play: baseline, main, extended and high, all of 8 bits and 4:2:0. */
const PLAIN_PROFILES = new Set([66, 77, 88, 100]);

/**
 * Reads a segment. Throws `FaascamError` `bad-segment` if no clip can be made of it, `UnusualMatroskaError` or
 * `DamagedMatroskaError` when only ffmpeg may be able to read it.
 */
export async function readSegment(file: SegmentFile): Promise<Segment> {
  const handle = await open(file.path);
  const packets = new Map<MatroskaTrack, Packets>();
  let found: MatroskaFile;
  try {
    found = await readMatroska(handle, (packet) => {
      const those = packets.get(packet.track) ?? new Packets();
      packets.set(packet.track, those);
      those.add(packet);
    });
  } finally {
    await handle.close();
  }
  const { tracks, tracksElement, clusters } = found;
  const trackOf = (
    kind: 'video' | 'audio',
  ): { stream: StreamKind; track?: Track; first?: boolean } | undefined => {
    const index = tracks.findIndex((track) => track.kind === kind);
    const track = tracks[index];
    if (track === undefined) return undefined;
    const stream = streamOf(track, index);
    const those = packets.get(track);
    return those === undefined
      ? { stream }
      : { stream, track: those.toTrack(stream), first: those.beginsWithKey };
  };
  const video = trackOf('video');
  if (video?.track === undefined) throw badSegment(file, 'has no picture in it');
  if (video.first !== true) throw badSegment(file, 'does not begin with a keyframe');
  const sound = trackOf('audio');
  return segmentOf(file, {
    video: video.track,
    sound: sound?.stream,
    audio: sound?.track,
    matroska: { tracksElement, clusters },
  });
}

/** A segment of the tracks that were read from its file. */
export function segmentOf(
  file: SegmentFile,
  found: {
    video: Track;
    sound: StreamKind | undefined;
    audio: Track | undefined;
    matroska?: Segment['matroska'];
    fileStartUs?: number;
  },
): Segment {
  const { video, sound, audio, matroska } = found;
  const starts = [firstUs(video), ...(audio === undefined ? [] : [firstUs(audio)])];
  return {
    ...file,
    fileStartUs: found.fileStartUs ?? Math.min(...starts),
    firstPictureUs: video.ptsUs[0] ?? 0,
    video,
    ...(sound === undefined ? {} : { sound }),
    ...(audio === undefined ? {} : { audio }),
    ...(matroska === undefined ? {} : { matroska }),
  };
}

export function badSegment(file: SegmentFile, what: string): FaascamError {
  return new FaascamError('bad-segment', `Segment ${file.ref.object} ${what}.`);
}

/** A track's packets while they are read. */
class Packets {
  beginsWithKey = false;
  readonly #times: number[] = [];
  readonly #digests: Buffer[] = [];
  #lastUs = Number.NEGATIVE_INFINITY;
  #lastDurationUs = 0;

  add({ ptsUs, durationUs, keyframe, bytes }: MatroskaPacket): void {
    if (this.#times.length === 0) this.beginsWithKey = keyframe;
    this.#times.push(ptsUs);
    this.#digests.push(hash('sha256', bytes, 'buffer'));
    if (ptsUs < this.#lastUs) return;
    this.#lastUs = ptsUs;
    this.#lastDurationUs = durationUs;
  }

  toTrack(stream: StreamKind): Track {
    return {
      stream,
      ptsUs: Float64Array.from(this.#times),
      digests: Buffer.concat(this.#digests),
      lastDurationUs: this.#lastDurationUs,
    };
  }
}

function streamOf(track: MatroskaTrack, index: number): StreamKind {
  const { codecId, codecPrivate, width, height, sampleRate, channels } = track;
  const codec = codecs.get(codecId.startsWith('A_AAC') ? 'A_AAC' : codecId) ?? 'unknown';
  return {
    index,
    codec,
    width,
    height,
    sampleRate,
    channels,
    parameters: hash('sha256', Buffer.concat([Buffer.from(`${codecId} ${track.number} `), codecPrivate])),
    // The second byte of an AVC decoder's configuration record is the profile (ISO/IEC 14496-15, 5.3.3.1).
    ...(codec === 'h264' ? { plainH264: PLAIN_PROFILES.has(codecPrivate[1] ?? 0) } : {}),
  };
}
