import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { systemCodeOf } from '@faascam/core/errors';
import { deviceFormats } from '../discovery/device-formats.ts';
import type { VideoFormat } from '../discovery/video-formats.ts';
import { encoded } from './encoder.ts';
import type { V4l2Source } from './kinds.ts';
import { SourceError } from './source-error.ts';
import { plainInput, type OpenOptions, type SourceInput } from './source-input.ts';

/** Codecs that go into the ring as they are, the best first. */
const CODED = ['h264', 'hevc', 'mjpeg'];

/** Opens a V4L2 device: coded video as it is, uncompressed pictures encoded. */
export async function openV4l2(source: V4l2Source, options: OpenOptions): Promise<SourceInput> {
  await requireDevice(source.device);
  const format = source.format ?? (await formatOf(source.device, options.signal));
  const input = v4l2Args(source, format);
  if (format !== undefined && CODED.includes(format)) {
    return plainInput(input, { jpeg: format === 'mjpeg' });
  }
  return await encoded({ input, rate: source.rate ?? 25, encoder: source.encoder, signal: options.signal });
}

/** Exported for tests. ffmpeg's arguments for a device in one of its formats. */
export function v4l2Args(source: V4l2Source, format: string | undefined): string[] {
  const { device, size, rate } = source;
  return [
    ...['-f', 'v4l2'],
    ...(format === undefined ? [] : ['-input_format', format]),
    ...(size === undefined ? [] : ['-video_size', `${size.width}x${size.height}`]),
    ...(rate === undefined ? [] : ['-framerate', String(rate)]),
    ...['-i', device],
  ];
}

/** Coded video before uncompressed; undefined leaves the choice to the driver. */
export function bestFormat(formats: readonly VideoFormat[]): string | undefined {
  const names = formats.map(({ format }) => format);
  return CODED.find((name) => names.includes(name)) ?? names[0];
}

/** The format to take of a device that was not told of one. Rejects when the device cannot be asked. */
async function formatOf(device: string, signal: AbortSignal): Promise<string | undefined> {
  const answer = await deviceFormats(device, signal);
  if ('fault' in answer) throw new SourceError('no-device', answer.fault, 'soon');
  if (answer.formats.length > 0) return bestFormat(answer.formats);
  throw new SourceError(
    'no-video',
    `has a device ${device} that sends no pictures: many cameras have a second one for their settings, so try its neighbour`,
    'slow',
  );
}

async function requireDevice(device: string): Promise<void> {
  try {
    await access(device, constants.R_OK | constants.W_OK);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'EACCES' || code === 'EPERM') {
      throw new SourceError(
        'no-permission',
        `may not be opened by this user: add the user to the group that owns ${device}, mostly "video"`,
        'slow',
        { cause: error },
      );
    }
    throw new SourceError(
      'no-device',
      `has no device ${device}: plug it in, and see with "faascam discover" which devices there are`,
      'soon',
      { cause: error },
    );
  }
}
