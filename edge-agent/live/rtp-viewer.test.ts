import { afterEach, expect, test, vi } from 'vitest';
import type { MatroskaTrack } from '@faascam/core/matroska-packets';
import type { LivePacket, LiveStream } from './live-stream.ts';
import { rtpPayloads } from './rtp-h264.ts';
import { RtpViewer, type RtpSink } from './rtp-viewer.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const SPS = Buffer.from([0x67, 0x42, 0xc0, 0x1f, 1]);
const PPS = Buffer.from([0x68, 0xce, 2]);
/** Version 1, baseline at level 3.1, units with four bytes of length, one set of each kind. */
const RECORD = Buffer.concat([
  ...[Buffer.from([1, 0x42, 0xc0, 0x1f, 0xff, 0xe1, 0, SPS.length]), SPS],
  ...[Buffer.from([1, 0, PPS.length]), PPS],
]);
const config = { lengthBytes: 4, parameterSets: [SPS, PPS], profile: '42c01f' };

function unit(type: number, bytes: number): Buffer {
  const made = Buffer.from(Array.from({ length: bytes }, (_, at) => (at * 7) & 0xff));
  made[0] = 0x60 | type;
  return made;
}

function picture(...units: Buffer[]): Buffer {
  return Buffer.concat(
    units.flatMap((each) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(each.length);
      return [length, each];
    }),
  );
}

/** The units that a receiver puts together (RFC 6184, 5.6 and 5.8). */
function received(payloads: readonly Buffer[]): Buffer[] {
  const units: Buffer[] = [];
  let parts: Buffer[] = [];
  for (const payload of payloads) {
    const [indicator = 0, header = 0] = payload;
    if ((indicator & 0x1f) !== 28) {
      expect(parts).toEqual([]);
      units.push(payload);
      continue;
    }
    const starts = (header & 0x80) !== 0;
    expect(starts).toBe(parts.length === 0);
    if (starts) parts.push(Buffer.from([(indicator & 0xe0) | (header & 0x1f)]));
    parts.push(payload.subarray(2));
    if ((header & 0x40) === 0) continue;
    units.push(Buffer.concat(parts));
    parts = [];
  }
  expect(parts).toEqual([]);
  return units;
}

test.each([1, 2, 1180, 1181, 1182, 2357, 2358, 100_000])(
  'a unit of %i bytes arrives whole, in packets that every network carries',
  (bytes) => {
    const slice = unit(1, bytes);
    const payloads = rtpPayloads({ data: picture(slice), keyframe: false }, config);
    expect(received(payloads)).toEqual([slice]);
    for (const payload of payloads) expect(payload.length).toBeLessThanOrEqual(1180);
  },
);

test('a keyframe brings its parameter sets once, and what decodes nothing is left out', () => {
  const [slice, delimiter, filler] = [unit(5, 3000), unit(9, 2), unit(12, 500)];
  const data = picture(delimiter, slice, filler);
  expect(received(rtpPayloads({ data, keyframe: true }, config))).toEqual([SPS, PPS, slice]);
  expect(received(rtpPayloads({ data, keyframe: false }, config))).toEqual([slice]);
  const own = picture(SPS, PPS, slice);
  expect(received(rtpPayloads({ data: own, keyframe: true }, config))).toEqual([SPS, PPS, slice]);
});

test('what is cut off is left out', () => {
  const data = picture(unit(5, 20), unit(1, 50)).subarray(0, 60);
  expect(rtpPayloads({ data, keyframe: false }, config)).toEqual([unit(5, 20)]);
});

const video: MatroskaTrack = {
  ...{ number: 1, kind: 'video', codecId: 'V_MPEG4/ISO/AVC', codecPrivate: RECORD, width: 320, height: 180 },
  ...{ sampleRate: 0, channels: 0, defaultDurationUs: 0, delayUs: 0 },
};
const stream: LiveStream = {
  ...{ head: Buffer.alloc(0), video, audio: undefined, capturedAtUs: () => undefined },
};
const shown = (ms: number, data: Buffer, keyframe = false): LivePacket => ({
  ...{ kind: 'video', streamUs: ms * 1000, keyframe, data },
});

/** What a viewer sends of these groups, the first of which was there when it came. */
async function sentOf(group: LivePacket[], later: LivePacket[]): Promise<Parameters<RtpSink>[0][]> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  // As late as it ever begins to count.
  vi.spyOn(Math, 'random').mockReturnValue(0.99999);
  const sent: Parameters<RtpSink>[0][] = [];
  const viewer = new RtpViewer(
    (packet) => sent.push(packet),
    () => {
      throw new Error('not foreign');
    },
  );
  viewer.begin(stream);
  for (const packet of group) viewer.packet(packet);
  await Promise.resolve();
  for (const packet of later) viewer.packet(packet);
  vi.runAllTimers();
  viewer.close();
  return sent;
}

test('the last packet of each picture has the marker, numbers go on over their end, and so do times', async () => {
  // 2^32 ticks of 90 kHz are a little more than these.
  const wrapsMs = 2 ** 32 / 90;
  const fromMs = Math.floor(wrapsMs) - 14_000;
  const data = picture(unit(1, 60_000));
  const pictures = Array.from({ length: 700 }, (_, n) => shown(fromMs + n * 40, data));
  const sent = await sentOf([shown(fromMs - 40, picture(unit(5, 5000)), true)], pictures);
  const begun = sent[0]?.sequence ?? 0;
  expect(sent.map(({ sequence }) => sequence)).toEqual(sent.map((_, at) => (begun + at) & 0xffff));
  expect(sent.some(({ sequence }) => sequence === 0)).toBe(true);
  const times = sent.filter(({ marker }) => marker).map(({ ticks }) => ticks);
  for (const [at, ticks] of times.slice(1).entries()) expect((ticks - (times[at] ?? 0)) >>> 0).toBe(3600);
  expect(Math.max(...times)).toBeLessThan(2 ** 32);
  expect(times.at(-1)).toBeLessThan(times[0] ?? 0);
  // All packets of a picture have its time.
  let time: number | undefined;
  const strays = sent.filter(({ ticks, marker }) => {
    const strays = ticks !== (time ?? ticks);
    time = marker ? undefined : ticks;
    return strays;
  });
  expect(strays).toEqual([]);
});

test('whoever comes in the middle of a group is shown what is past within a few milliseconds', async () => {
  const group = Array.from({ length: 20 }, (_, n) =>
    shown(n * 100, picture(unit(n === 0 ? 5 : 1, 50)), n === 0),
  );
  const sent = await sentOf(group, [shown(2000, picture(unit(1, 50)))]);
  const times = sent.filter(({ marker }) => marker).map(({ ticks }) => ticks / 90);
  expect(times.slice(0, 3)).toEqual([1881, 1882, 1883]);
  expect(times.slice(-2)).toEqual([1900, 2000]);
});

test('a stream that is no H.264 any more is told of', () => {
  const onForeign = vi.fn();
  const viewer = new RtpViewer(() => undefined, onForeign);
  viewer.begin({ ...stream, video: { ...video, codecPrivate: Buffer.alloc(0) } });
  expect(onForeign).toHaveBeenCalledOnce();
  viewer.close();
});
