import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { writeFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { probe, runFfmpeg } from './ffmpeg.ts';
import { clusterHead, streamHead } from './matroska.ts';
import { digestMp4, readMp4 } from './mp4.ts';
import { badSegment, readSegment, segmentOf } from './segment-reader.ts';
import {
  DIGEST_BYTES,
  soundOf,
  type Segment,
  type SegmentFile,
  type StreamKind,
  type Track,
} from './segment.ts';
import { concatList, type Placed } from './timeline.ts';

/** What ffmpeg can copy into MP4 and take out again as it was. */
const PICTURES_AS_THEY_ARE = new Set([
  'h264',
  'hevc',
  'av1',
  'mpeg4',
  'mjpeg',
  'vp9',
  'mpeg2video',
  'mpeg1video',
]);
/** Sound that MP4 holds and browsers play; any other (cameras' G.711 above all) becomes AAC. */
const SOUND_AS_IT_IS = new Set(['aac', 'mp3', 'ac3', 'eac3', 'opus', 'flac', 'alac']);

export function fitsMp4({ codec }: StreamKind): boolean {
  return PICTURES_AS_THEY_ARE.has(codec);
}

export function isCopied(sound: StreamKind): boolean {
  return SOUND_AS_IT_IS.has(sound.codec);
}

/**
 * Joins segments of one kind to an MP4 file by stream copy. Their Matroska files are fed to ffmpeg as one stream: the
 * tracks of the first, then the clusters of all with their times moved. So ffmpeg opens one file, however many there are.
 */
export async function joinTo(path: string, placed: Placed[], signal: AbortSignal): Promise<void> {
  const segments = placed.map(({ segment }) => segment);
  if (segments.every(({ matroska }) => matroska !== undefined)) {
    const stream = Readable.from(asOneStream(placed), { objectMode: true, highWaterMark: 2 });
    await run(path, segments, { input: stream, inputOptions: ['-copyts', '-f', 'matroska'] }, signal);
    return;
  }
  const list = `${path}.ffconcat`;
  await writeFile(list, concatList(placed));
  const inputOptions = ['-f', 'concat', '-safe', '0', '-auto_convert', '0'];
  await run(path, segments, { input: list, inputOptions }, signal);
}

async function run(
  path: string,
  segments: Segment[],
  from: { input: string | Readable; inputOptions: string[] },
  signal: AbortSignal,
): Promise<void> {
  const [first] = segments;
  if (first === undefined) return;
  const { index, codec } = first.video.stream;
  const sound = soundOf(segments);
  await runFfmpeg(
    {
      ...from,
      outputOptions: [
        ...['-map', `0:${index}`, '-c:v', 'copy'],
        // The name under which browsers and phones look for HEVC.
        ...(codec === 'hevc' ? ['-tag:v', 'hvc1'] : []),
        ...(sound === undefined ? [] : soundOptions(sound)),
        ...['-map_metadata', '-1', '-map_chapters', '-1', '-fflags', '+bitexact', '-movflags', '+faststart'],
        ...['-f', 'mp4'],
      ],
      output: path,
    },
    `join ${segments.length} segments`,
    signal,
  );
}

function soundOptions(sound: StreamKind): string[] {
  const map = ['-map', `0:${sound.index}`];
  if (isCopied(sound)) return [...map, '-c:a', 'copy'];
  return [
    ...map,
    // Speech at 8 kHz needs no more.
    ...['-c:a', 'aac', '-b:a', '48k', '-flags:a', '+bitexact'],
    // Silence fills the holes, and what is off by more than 15 ms is moved, so that sound and picture stay together.
    ...['-af', 'aresample=async=1:min_hard_comp=0.015:first_pts=0'],
  ];
}

const READ_BYTES = 256 * 1024;

async function* asOneStream(placed: Placed[]): AsyncGenerator<Buffer> {
  const [first] = placed;
  yield streamHead(first?.segment.matroska?.tracksElement ?? Buffer.alloc(0));
  for (const { segment, shiftUs } of placed) {
    const file = await open(segment.path);
    try {
      for (const cluster of segment.matroska?.clusters ?? []) {
        yield clusterHead(cluster, cluster.timestampMs + shiftUs / 1000);
        for (let at = cluster.fromByte; at < cluster.toByte;) {
          const length = Math.min(READ_BYTES, cluster.toByte - at);
          const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
          if (bytesRead === 0) throw new Error(`the segment ${segment.ref.object} became shorter`);
          yield buffer.subarray(0, bytesRead);
          at += bytesRead;
        }
      }
    } finally {
      await file.close();
    }
  }
}

/**
 * What ffmpeg can read of a segment that we cannot, as Matroska of the usual kind. Throws `ProgramError`,
 * `UnusualMatroskaError` or `DamagedMatroskaError` when that is nothing.
 */
export async function salvaged(
  file: SegmentFile,
  number: number,
  directory: string,
  signal: AbortSignal,
): Promise<Segment> {
  const path = joinPath(directory, `salvaged-${number}.mkv`);
  const outputOptions = [
    '-map',
    '0:v:0',
    '-map',
    '0:a:0?',
    '-c',
    'copy',
    '-fflags',
    '+bitexact',
    '-f',
    'matroska',
  ];
  await runFfmpeg(
    { input: file.path, outputOptions, output: path },
    `read segment ${file.ref.object}`,
    signal,
  );
  return await readSegment({ ref: file.ref, path });
}

/**
 * A segment that ffmpeg has written anew, with decoding times, which Matroska does not keep. Throws `ProgramError`
 * when ffmpeg cannot, `FaascamError` `bad-segment` when there is no use in what it gives.
 */
export async function rewrapped(
  file: SegmentFile,
  number: number,
  directory: string,
  signal: AbortSignal,
): Promise<Segment> {
  const before = await probe(file.path, signal);
  const [video, audio] = (['video', 'audio'] as const).map((type) =>
    before.streams.find((stream) => stream.codec_type === type),
  );
  if (video === undefined) throw badSegment(file, 'has no picture in it');
  const raw = audio !== undefined && !SOUND_AS_IT_IS.has(audio.codec_name);
  const path = joinPath(directory, `rewrapped-${number}.mov`);
  await runFfmpeg(
    {
      input: file.path,
      outputOptions: [
        ...['-map', `0:${video.index}`, ...(audio === undefined ? [] : ['-map', `0:${audio.index}`])],
        // Of the two, MP4 takes Opus, and QuickTime takes G.711.
        ...['-c', 'copy', '-fflags', '+bitexact', '-f', raw ? 'mov' : 'mp4'],
      ],
      output: path,
    },
    `rewrap segment ${file.ref.object}`,
    signal,
  );
  const [found, mp4] = [await probe(path, signal), await readMp4(path)];
  const digests = new Map(
    mp4.tracks.map((track) => [track, new Uint8Array(track.sizes.length * DIGEST_BYTES)]),
  );
  await digestMp4(path, mp4, (track, index, digest) => digests.get(track)?.set(digest, index * DIGEST_BYTES));
  const trackOf = (kind: 'video' | 'audio'): Track | undefined => {
    const index = mp4.tracks.findIndex((track) => track.kind === kind);
    const track = mp4.tracks[index];
    const stream = found.streams.find((candidate) => candidate.index === index);
    if (track === undefined || stream === undefined || track.sizes.length === 0) return undefined;
    return {
      stream: {
        index,
        codec: stream.codec_name,
        width: stream.width,
        height: stream.height,
        sampleRate: stream.sample_rate,
        channels: stream.channels,
        parameters: stream.extradata_hash,
      },
      ptsUs: track.ptsUs,
      digests: digests.get(track) ?? new Uint8Array(),
      lastDurationUs: track.durationUs.at(-1) ?? 0,
    };
  };
  const picture = trackOf('video');
  if (picture === undefined) throw badSegment(file, 'has no picture in it');
  const keys = mp4.tracks.find((track) => track.kind === 'video')?.keyframes;
  if (keys?.has(0) === false) throw badSegment(file, 'does not begin with a keyframe');
  const sound = trackOf('audio');
  return segmentOf(
    { ref: file.ref, path },
    { video: picture, sound: sound?.stream, audio: sound, fileStartUs: found.format.start_time },
  );
}
