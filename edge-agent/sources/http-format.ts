/** What an http(s) address may serve: `mjpeg` in parts with headers, `raw-mjpeg` picture after picture. */
export type HttpFormat = 'mjpeg' | 'raw-mjpeg' | 'jpeg' | 'hls' | 'flv' | 'mpegts';

/** How many first bytes are enough for `formatOfAnswer`: three MPEG-TS packets. */
export const TELLING_BYTES = 3 * 188;

const TYPES: [RegExp, HttpFormat][] = [
  [/^multipart\//, 'mjpeg'],
  [/mpegurl/, 'hls'],
  [/x-flv/, 'flv'],
  [/mp2t/, 'mpegts'],
  [/^video\/(x-)?(m-?jpe?g|motion-jpe?g)/, 'raw-mjpeg'],
];

/**
 * What an answer is, from its content type and first bytes. The bytes go first, but for a single picture: cameras give
 * `text/plain` or nothing for many things. Undefined for what is no video.
 */
export function formatOfAnswer(contentType: string, head: Uint8Array): HttpFormat | undefined {
  const type = contentType.trim().toLowerCase();
  const named = TYPES.find(([pattern]) => pattern.test(type))?.[1];
  if (named === 'mjpeg') return named;
  const text = Buffer.from(head).toString('latin1');
  if (/^(\xef\xbb\xbf)?\s*#EXTM3U/.test(text)) return 'hls';
  if (text.startsWith('FLV\x01')) return 'flv';
  if (isJpegStart(head)) return named === 'raw-mjpeg' ? named : 'jpeg';
  if (isTransportStream(head)) return 'mpegts';
  if (/^\s*--\S+\r?\n(?:\S+:.*\r?\n)*content-type:\s*image\/jpe?g/i.test(text)) return 'mjpeg';
  return named;
}

export function isJpegStart(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/**
 * A JPEG from its first marker to its last. Some cameras fill up behind it, so the end may be followed by zeroes and
 * line ends.
 */
export function isWholeJpeg(bytes: Uint8Array): boolean {
  let end = bytes.length;
  while (end > 4 && (bytes[end - 1] === 0 || bytes[end - 1] === 10 || bytes[end - 1] === 13)) end -= 1;
  return isJpegStart(bytes) && bytes[end - 2] === 0xff && bytes[end - 1] === 0xd9;
}

function isTransportStream(head: Uint8Array): boolean {
  return head.length > 188 && head[0] === 0x47 && head[188] === 0x47 && (head[376] ?? 0x47) === 0x47;
}
