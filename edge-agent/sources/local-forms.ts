import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { badSource, programOf } from './bad-source.ts';
import { readQuery, splitQuery, values } from './query.ts';
import {
  encoders,
  execFormats,
  type CsiSource,
  type ExecSource,
  type ImagesSource,
  type ScreenSource,
  type Source,
  type TestSource,
  type V4l2Source,
} from './kinds.ts';

/** The forms of sources on this host. Each takes the whole text, and the part behind its scheme. */

/** A file; or pictures, where its name has a number in it. */
export function fileSource(text: string, rest: string): Source {
  const isUrl = text.slice(0, 7).toLowerCase() === 'file://';
  const path = requirePath(isUrl ? fileUrlPath(text) : rest, text);
  return /%0?\d*d[^/]*\.(jpe?g|png|bmp|webp)$/i.test(path)
    ? { kind: 'images', pattern: path, rate: 5 }
    : { kind: 'file', path };
}

export function imagesSource(text: string, rest: string): ImagesSource {
  const { body, query } = splitQuery(rest);
  const { rate = 5 } = readQuery(text, query, { rate: values.rate.optional() });
  const pattern = requirePath(body, text);
  if (!/%0?\d{0,2}d[^/%]*\.(jpe?g|png|bmp|webp)$/i.test(pattern)) {
    throw badSource(text, 'names no numbered pictures: give images:PATH/img%06d.jpg (or png, bmp, webp)');
  }
  return { kind: 'images', pattern, rate };
}

export function testSource(text: string, rest: string): TestSource {
  const { body, query } = splitQuery(rest);
  if (body !== '')
    throw badSource(text, 'has something behind test: that is not known: give test:?size=1280x720&rate=25');
  const { size = { width: 1280, height: 720 }, rate = 25 } = readQuery(text, query, {
    size: values.size.optional(),
    rate: values.rate.optional(),
  });
  return { kind: 'test', size, rate };
}

export function sdpSource(text: string, rest: string): Source {
  return { kind: 'sdp', path: requirePath(rest, text) };
}

/** ffmpeg's names: letters, digits, underscores. */
const formatName = z.string().regex(/^[a-z0-9_]{2,20}$/, 'must be a name as mjpeg, h264 or yuyv422');
const encoder = z.enum(encoders, `must be one of ${encoders.join(', ')}`).default('libx264');

export function v4l2Source(text: string, rest: string): V4l2Source {
  const { body, query } = splitQuery(rest);
  const device = requirePath(body, text);
  if (!device.startsWith('/')) throw badSource(text, 'names no device: give v4l2:/dev/video0');
  const shape = {
    size: values.size.optional(),
    rate: values.rate.optional(),
    format: formatName.optional(),
    encoder,
  };
  const { size, rate, format, ...rest2 } = readQuery(text, query, shape);
  return {
    ...{ kind: 'v4l2', device, encoder: rest2.encoder },
    ...(size === undefined ? {} : { size }),
    ...(rate === undefined ? {} : { rate }),
    ...(format === undefined ? {} : { format }),
  };
}

export function csiSource(text: string, rest: string): CsiSource {
  const { body, query } = splitQuery(rest);
  if (!/^\d?$/.test(body)) throw badSource(text, 'names no camera: give csi: or csi:1?size=1280x720&rate=25');
  const { size = { width: 1280, height: 720 }, rate = 25 } = readQuery(text, query, {
    size: values.size.optional(),
    rate: values.rate.optional(),
  });
  return { kind: 'csi', camera: Number(body), size, rate };
}

export function screenSource(text: string, rest: string): ScreenSource {
  const { body, query } = splitQuery(rest);
  const shape = { size: values.size.optional(), rate: values.rate.optional(), encoder };
  const { size, rate = 10, encoder: chosen } = readQuery(text, query, shape);
  if (!/^[a-z0-9.-]*:\d+(\.\d+)?$/i.test(body)) {
    throw badSource(text, 'names no X display: give screen::0.0?size=1280x720&rate=10');
  }
  return { kind: 'screen', display: body, rate, encoder: chosen, ...(size === undefined ? {} : { size }) };
}

export function execSource(text: string, command: string, format?: string): ExecSource {
  if (command.trim() === '' || command.includes('\0'))
    throw badSource(text.slice(0, 40), 'names no command: give exec:COMMAND');
  if (format === undefined) return { kind: 'exec', command };
  const known = execFormats.find((name) => name === format);
  if (known !== undefined) return { kind: 'exec', command, format: known };
  const forms = execFormats.map((name) => `exec+${name}:`).join(', ');
  throw badSource(
    `exec+${format.slice(0, 40)}:${programOf(command)}`,
    `says no format that is known: give exec: or one of ${forms}`,
  );
}

function fileUrlPath(text: string): string {
  try {
    return fileURLToPath(text);
  } catch (cause) {
    throw badSource(text, 'is no file of this machine: give file:PATH or file:///PATH', { cause });
  }
}

function requirePath(path: string, text: string): string {
  if (path === '' || path.includes('\0'))
    throw badSource(text, 'names no file: give a path behind the scheme, as file:PATH');
  return path;
}
