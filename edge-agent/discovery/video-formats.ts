/** What a video device can send, from what the system's tools tell of it. */

export interface PictureSize {
  width: number;
  height: number;
  /** Pictures a second that the device offers at this size. Empty where the tool does not tell. */
  rates: number[];
}

export interface VideoFormat {
  /** As ffmpeg names the codec or the layout of pixels: `h264`, `mjpeg`, `yuyv422`. */
  format: string;
  raw: boolean;
  sizes: PictureSize[];
}

/** Where a device scales its picture freely, these are what is looked for in its range. */
const USUAL_SIZES = [
  [1920, 1080],
  [1280, 720],
  [640, 480],
] as const;

/** Names of the formats of Video4Linux that ffmpeg takes from a device. */
const COMPRESSED: Record<string, string> = {
  H264: 'h264',
  HEVC: 'hevc',
  MJPG: 'mjpeg',
  JPEG: 'mjpeg',
};
const RAW: Record<string, string> = {
  YUYV: 'yuyv422',
  UYVY: 'uyvy422',
  YU12: 'yuv420p',
  NV12: 'nv12',
  NV21: 'nv21',
  RGB3: 'rgb24',
  BGR3: 'bgr24',
  GREY: 'gray',
};

/**
 * Reads what `ffmpeg -f v4l2 -list_formats all -i DEVICE` writes. It does not tell of rates. A device that sends no
 * pictures has no formats; formats that ffmpeg does not know are left out.
 */
export function parseFfmpegFormats(text: string): VideoFormat[] {
  return text.split('\n').flatMap((line) => {
    const [, kind, format, sizes] =
      /\](?: \w+)?\s+(Raw|Compressed)\s*:\s*(\w+)\s*:[^:]*:(?: Emulated :)?(.*)$/.exec(line) ?? [];
    if (kind === undefined || format === undefined || format === 'Unsupported') return [];
    return [{ format, raw: kind === 'Raw', sizes: sizesIn(sizes ?? '') }];
  });
}

/** ` 640x480 320x240`, or ` {32-2592, 2}x{32-1944, 2}` of a device that scales. */
function sizesIn(text: string): PictureSize[] {
  const range = /\{(\d+)-(\d+),[^}]*\}x\{(\d+)-(\d+),[^}]*\}/.exec(text)?.slice(1).map(Number);
  if (range !== undefined) {
    const [fromWidth = 0, toWidth = 0, fromHeight = 0, toHeight = 0] = range;
    return within({ fromWidth, toWidth, fromHeight, toHeight });
  }
  return [...text.matchAll(/(\d+)x(\d+)/g)].map(([, width, height]) => ({
    width: Number(width),
    height: Number(height),
    rates: [],
  }));
}

interface SizeRange {
  fromWidth: number;
  toWidth: number;
  fromHeight: number;
  toHeight: number;
}

function within({ fromWidth, toWidth, fromHeight, toHeight }: SizeRange): PictureSize[] {
  const usual = USUAL_SIZES.filter(
    ([width, height]) => width >= fromWidth && width <= toWidth && height >= fromHeight && height <= toHeight,
  ).map(([width, height]) => ({ width, height, rates: [] }));
  return usual.length > 0 ? usual : [{ width: toWidth, height: toHeight, rates: [] }];
}

/** Reads what `v4l2-ctl --list-formats-ext -d DEVICE` writes, as `parseFfmpegFormats` does. */
export function parseV4l2ctlFormats(text: string): VideoFormat[] {
  const formats: VideoFormat[] = [];
  // Outputs and metadata are listed in the same form, under another type.
  let captures = true;
  let current: VideoFormat | undefined;
  let sizes: PictureSize[] = [];
  for (const line of text.split('\n')) {
    const type = /^\s*Type\s*:\s*(.*)/.exec(line)?.[1];
    if (type !== undefined) captures = /^Video Capture/.test(type);
    // Older versions write `Pixel Format: 'YUYV'`, newer ones `[0]: 'YUYV' (YUYV 4:2:2)`.
    const code = /^\s*(?:\[\d+\]|Pixel Format)\s*:\s*'(\w+)\s*'/.exec(line)?.[1];
    if (code !== undefined) {
      const format = COMPRESSED[code] ?? RAW[code];
      current = format === undefined ? undefined : { format, raw: code in RAW, sizes: [] };
      if (current !== undefined && captures) formats.push(current);
      sizes = [];
    }
    const size = /Size:\s*Discrete\s+(\d+)x(\d+)/.exec(line);
    const range = /Size:\s*(?:Stepwise|Continuous)\s+(\d+)x(\d+)\s*-\s*(\d+)x(\d+)/.exec(line)?.map(Number);
    if (size !== null) sizes = [{ width: Number(size[1]), height: Number(size[2]), rates: [] }];
    else if (range !== undefined) {
      const [, fromWidth = 0, fromHeight = 0, toWidth = 0, toHeight = 0] = range;
      sizes = within({ fromWidth, toWidth, fromHeight, toHeight });
    }
    if (size !== null || range !== undefined) current?.sizes.push(...sizes);
    // `Discrete 0.033s (30.000 fps)`, `Stepwise 0.033s - 1.000s with step 0.033s (1.000-30.000 fps)`
    const fps = /Interval:.*\((?:[\d.]+-)?([\d.]+) fps\)/.exec(line)?.[1];
    if (fps !== undefined) for (const each of sizes) each.rates.push(Number(fps));
  }
  return formats;
}

/** What to ask a device for. `rate` is missing where the device does not tell its rates. */
export interface FormatChoice {
  format: string;
  width: number;
  height: number;
  rate?: number;
}

/** H.264 is kept as it comes, JPEGs take more room but no work, other pictures must be encoded here. */
const BEST_FIRST = ['h264', 'mjpeg', 'hevc'];
const WIDEST = 1920;
/** Encoding more than that is too much for a small board. */
const WIDEST_RAW = 1280;
/** Less is too jerky for a size to count, 30 is the most that helps. */
const LOWEST_RATE = 10;
const HIGHEST_RATE = 30;

/** The best of a device's formats: the cheapest to keep, then the largest picture at a usable rate. */
export function bestFormat(formats: readonly VideoFormat[]): FormatChoice | undefined {
  const rank = ({ format, raw }: VideoFormat): number => {
    const place = BEST_FIRST.indexOf(format);
    return raw || place < 0 ? BEST_FIRST.length : place;
  };
  for (const each of [...formats].sort((a, b) => rank(a) - rank(b))) {
    const size = bestSize(each.sizes, each.raw ? WIDEST_RAW : WIDEST);
    if (size === undefined) continue;
    const rate = bestRate(size.rates);
    return {
      ...{ format: each.format, width: size.width, height: size.height },
      ...(rate === undefined ? {} : { rate }),
    };
  }
  return undefined;
}

function bestSize(sizes: readonly PictureSize[], widest: number): PictureSize | undefined {
  const isSmooth = ({ rates }: PictureSize): boolean =>
    rates.length === 0 || Math.max(...rates) >= LOWEST_RATE;
  return sizes
    .filter(({ width, height }) => width <= widest && width > 0 && height > 0)
    .sort((a, b) => Number(isSmooth(b)) - Number(isSmooth(a)) || b.width * b.height - a.width * a.height)[0];
}

function bestRate(rates: readonly number[]): number | undefined {
  const usable = rates.filter((rate) => rate <= HIGHEST_RATE);
  if (usable.length > 0) return Math.max(...usable);
  return rates.length > 0 ? Math.min(...rates) : undefined;
}
