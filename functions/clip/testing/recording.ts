import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SegmentFile } from '../segment.ts';
import { packetsOf, type ProbedPacket } from './packets.ts';

const run = promisify(execFile);

/** What a camera sent and an agent kept of it: the stream in one piece, and the same cut into segments. */
export interface Recording {
  segments: SegmentFile[];
  /** Capture time of the stream's time 0. */
  originUs: number;
  /** The stream's packets, in the order of decoding, by kind; times on the stream's own time line. */
  video: ProbedPacket[];
  audio: ProbedPacket[];
}

export interface RecordingOptions {
  /** An empty folder for the files. */
  directory: string;
  seconds: number;
  /** ffmpeg's options for the encoder of pictures: 25 fps, 320x240. */
  video: string[];
  /** ffmpeg's options for the encoder of sound, if there is any. */
  audio?: string[];
  /** A filter on the pictures. */
  filter?: string;
  /** ffmpeg's `lavfi` source of pictures, instead of a moving test picture; and of sound, instead of a tone. */
  picture?: string;
  sound?: string;
  /** Whether each segment's times begin at 0, instead of going on with the stream's. */
  resetTimestamps?: boolean;
  originUs?: number;
}

/** Whether this ffmpeg has an encoder; if not, says so, so that a test that is left out tells why. */
export async function hasEncoder(name: string): Promise<boolean> {
  const { stdout } = await run('ffmpeg', ['-hide_banner', '-encoders']);
  const found = new RegExp(`^ \\S+ ${name} `, 'm').test(stdout);
  if (!found) console.warn(`skipped: this ffmpeg has no encoder ${name}`);
  return found;
}

/** Encodes a test picture with ffmpeg and cuts it at keyframes into Matroska segments, as an edge agent does. */
export async function record(options: RecordingOptions): Promise<Recording> {
  const { directory, seconds, audio, filter, originUs = 1_767_323_045_000_006 } = options;
  // A container that keeps the encoder's own times, also those of decoding. QuickTime takes G.711, MP4 takes Opus, and
  // G.726 only Matroska.
  const isRaw = audio?.some((option) => option.startsWith('pcm_'));
  const whole = join(directory, `whole.${audio?.includes('g726') ? 'mkv' : isRaw ? 'mov' : 'mp4'}`);
  const picture = options.picture ?? `testsrc2=size=320x240:rate=25:duration=${seconds}`;
  const sound = options.sound ?? `sine=frequency=440:sample_rate=8000:duration=${seconds}`;
  await run('ffmpeg', [
    ...['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', picture],
    ...(audio === undefined ? [] : ['-f', 'lavfi', '-i', sound]),
    ...(filter === undefined
      ? []
      : ['-vf', `settb=1/90000,${filter}`, '-fps_mode', 'passthrough', '-enc_time_base', '1/90000']),
    ...options.video,
    ...(audio ?? []),
    whole,
  ]);
  await run('ffmpeg', [
    ...['-nostdin', '-v', 'error', '-i', whole, '-map', '0', '-c', 'copy', '-f', 'segment'],
    ...['-segment_format', 'matroska', '-segment_time', '2'],
    ...['-reset_timestamps', options.resetTimestamps === true ? '1' : '0'],
    join(directory, '%03d.mkv'),
  ]);
  const { video, audio: heard } = await packetsOf(whole);

  const segments: SegmentFile[] = [];
  let position = 0;
  for (const name of (await readdir(directory)).filter((file) => /^\d+\.mkv$/.test(file)).sort()) {
    const path = join(directory, name);
    const count = (await packetsOf(path)).video.length;
    const times = video.slice(position, position + count).map((packet) => packet.pts_time ?? 0);
    position += count;
    const bytes = await readFile(path);
    const startUs = times[0] ?? 0;
    segments.push({
      path,
      ref: {
        object: `segment-${name}`,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        sizeBytes: bytes.length,
        startUs: originUs + startUs,
        durationUs: Math.max(...times) - startUs + 40_000,
      },
    });
  }
  return { segments, originUs, video, audio: heard };
}
