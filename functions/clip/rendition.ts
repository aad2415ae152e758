import { join } from 'node:path';
import type { ClipFile } from '@faascam/core/clip-messages';
import { ProgramError } from '@faascam/core/errors';
import type { Clip } from './assemble.ts';
import { eventFileName } from './clip-names.ts';
import { decode, runFfmpeg } from './ffmpeg.ts';
import { digestMp4, readMp4 } from './mp4.ts';
import { lastUs } from './proof.ts';

/** Sound that every browser plays out of an MP4 file. */
const SOUND_FOR_BROWSERS = new Set(['aac', 'mp3']);
/** How far the end may be from the clip's: a picture more or less, and an encoder's last piece of sound. */
const END_ERROR_MS = 250;

export interface Rendition {
  path: string;
  facts: Omit<ClipFile, 'key'>;
}

/**
 * Encodes a clip anew as H.264 that every browser plays, picture by picture with the same times, to
 * `clip-h264.mp4` in `directory`, numbered as the clip is. `pictures` is how many the clip decodes to: the result is
 * decoded too, must have as many, and must end when the clip does. Throws `ProgramError` `ffmpeg-failed` or
 * `rendition-wrong`.
 */
export async function encodeH264(
  { clip, pictures }: { clip: Clip; pictures: number },
  part: number,
  directory: string,
  signal: AbortSignal,
  onTime?: (clipUs: number) => void,
): Promise<Rendition> {
  const path = join(directory, eventFileName('clip-h264', part));
  const sound = clip.audio?.codec;
  const isCopied = sound !== undefined && SOUND_FOR_BROWSERS.has(sound);
  const soundOptions = isCopied ? ['-c:a', 'copy'] : ['-c:a', 'aac', '-b:a', '96k'];
  await runFfmpeg(
    {
      input: clip.path,
      outputOptions: [
        ...['-map', '0:v:0', '-fps_mode', 'passthrough', '-enc_time_base', '1/90000'],
        ...['-vf', "scale='trunc(iw/2)*2':'trunc(ih/2)*2',format=yuv420p"],
        ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '23', '-profile:v', 'high'],
        // Seconds to seek by, whatever the frame rate.
        ...['-force_key_frames', 'expr:gte(t,n_forced*2)'],
        ...(sound === undefined ? [] : ['-map', '0:a:0', ...soundOptions, '-flags:a', '+bitexact']),
        ...['-flags:v', '+bitexact', '-map_metadata', '-1', '-map_chapters', '-1', '-fflags', '+bitexact'],
        ...['-movflags', '+faststart', '-f', 'mp4'],
      ],
      output: path,
      onTime,
    },
    'encode the clip as H.264',
    signal,
  );
  const mp4 = await readMp4(path);
  const video = mp4.tracks.find(({ kind }) => kind === 'video');
  const audio = mp4.tracks.find(({ kind }) => kind === 'audio');
  if (video === undefined) throw wrong('has no picture');
  if (sound !== undefined && audio === undefined) throw wrong('has no sound');
  const { frames, complaints } = await decode(path, signal);
  const [complaint] = complaints;
  if (complaint !== undefined) throw wrong(`does not decode: ${complaint}`);
  if (frames !== pictures || frames !== video.sizes.length)
    throw wrong(`decodes to ${frames} of ${pictures} pictures`);
  const durationMs = Math.max(...mp4.tracks.map(lastUs)) / 1000;
  if (Math.abs(durationMs - clip.durationMs) > END_ERROR_MS + clip.longestIntervalUs / 1000)
    throw wrong(`lasts ${durationMs} ms instead of ${clip.durationMs} ms`);
  const facts = {
    sha256: await digestMp4(path, { ...mp4, tracks: [] }, () => undefined),
    sizeBytes: mp4.sizeBytes,
    durationMs,
    video: { codec: 'h264', width: video.width, height: video.height, packets: frames },
  };
  if (audio === undefined || sound === undefined) return { path, facts };
  return { path, facts: { ...facts, audio: { codec: isCopied ? sound : 'aac' } } };
}

function wrong(what: string): ProgramError {
  return new ProgramError('rendition-wrong', `The H.264 rendition that ffmpeg made ${what}.`);
}
