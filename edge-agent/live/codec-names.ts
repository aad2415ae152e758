import type { MatroskaTrack } from '@faascam/core/matroska-packets';
import type { Mp4Codec } from './fmp4.ts';
import { h264Config } from './h264.ts';

export const H264 = 'V_MPEG4/ISO/AVC';
export const H265 = 'V_MPEGH/ISO/HEVC';
export const MJPEG = 'V_MJPEG';

/** What people call a camera's codec. */
export function codecName({ codecId, codecPrivate }: MatroskaTrack): string {
  if (codecId === H264) return 'H.264';
  if (codecId === H265) return 'H.265';
  if (codecId === MJPEG) return 'Motion JPEG';
  // Others are named by four letters, as in AVI and QuickTime.
  return codecId.startsWith('V_MS/') || codecId === 'V_QUICKTIME'
    ? codecPrivate.toString('latin1', 16, 20).replaceAll(/[^\w]/g, '') || codecId
    : codecId;
}

/** How pictures go into MP4, and their type as browsers are asked for it (RFC 6381); undefined where they play them in none. */
export function mp4CodecOf({
  codecId,
  codecPrivate,
}: MatroskaTrack): { codec: Mp4Codec; type: string } | undefined {
  if (codecId === H264) {
    const config = h264Config(codecPrivate);
    if (config === undefined) return undefined;
    const codec: Mp4Codec = { entry: 'avc1', config: { box: 'avcC', record: codecPrivate } };
    return { codec, type: `avc1.${config.profile}` };
  }
  if (codecId === H265 && codecPrivate.length >= 13) {
    const codec: Mp4Codec = { entry: 'hvc1', config: { box: 'hvcC', record: codecPrivate } };
    return { codec, type: h265Type(codecPrivate) };
  }
  return undefined;
}

/** ISO/IEC 14496-15, annex E.3: profile, which others it fits, tier and level, constraints. */
function h265Type(record: Buffer): string {
  const profile = record[1] ?? 0;
  const space = ['', 'A', 'B', 'C'][profile >> 6] ?? '';
  let fits = 0;
  for (let bit = 0; bit < 32; bit++) if ((record.readUInt32BE(2) >>> bit) & 1) fits += 2 ** (31 - bit);
  const constraints = [...record.subarray(6, 12)].map((byte) => byte.toString(16).toUpperCase());
  while (constraints.at(-1) === '0') constraints.pop();
  const tier = (profile & 0x20) === 0 ? 'L' : 'H';
  return [
    `hvc1.${space}${profile & 0x1f}`,
    fits.toString(16).toUpperCase(),
    `${tier}${record[12] ?? 0}`,
    ...constraints,
  ].join('.');
}
