import { describe, expect, test } from 'vitest';
import { cameraSettings } from '@faascam/core/camera-settings';
import { eventSettings } from '@faascam/core/settings';
import { advise, type Advice, type AdviceSettings } from './advice.ts';
import { claimsIn, PacketList, type ProbedPacket } from './packet-list.ts';
import { Enough, measure, type StreamFacts } from './stream-facts.ts';

type Seen = Partial<Omit<StreamFacts, 'video' | 'audio'>> & {
  video?: Partial<StreamFacts['video']>;
  audio?: StreamFacts['audio'] | null;
};

/** A camera with which nothing is wrong, but for what is said. */
function seen({ video, audio, ...more }: Seen = {}): StreamFacts {
  return {
    video: {
      ...{ codec: 'h264', width: 1280, height: 720, rate: 15, even: true },
      ...{ keyframeIntervalMs: 2000, keyframeIntervalOpen: false, allKeyframes: false, ...video },
    },
    ...(audio === null ? {} : { audio: audio ?? { codec: 'aac' } }),
    ...{ kbps: 4000, measuredMs: 4000, timesIncrease: true, ...more },
  };
}

function settings(camera: object = {}, events: object = {}): AdviceSettings {
  return { camera: cameraSettings.parse({ source: 'x', ...camera }), events: eventSettings.parse(events) };
}

const codes = (found: Advice[]): string[] => found.map(({ code }) => code);

describe('advice', () => {
  test('is none where nothing is wrong', () => {
    expect(advise(seen(), settings())).toEqual([]);
    expect(advise(seen({ video: { width: 3840 } }), settings({ substream: 'y' }), seen())).toEqual([]);
  });

  test.each<[string, Seen, object, object, RegExp]>([
    ['substream-missing', { video: { width: 3840 } }, {}, {}, /3840 wide and frames are at most 1280/],
    [
      'keyframes-rare',
      { video: { keyframeIntervalMs: 4000 } },
      {},
      {},
      /every 4 s, too seldom for decode: auto/,
    ],
    [
      'keyframes-rare',
      { video: { keyframeIntervalMs: 4000 } },
      { decode: 'keyframes' },
      {},
      /nothing between them/,
    ],
    [
      'keyframes-rarer-than-pre-roll',
      { video: { keyframeIntervalMs: 8000, keyframeIntervalOpen: true } },
      { decode: 'all' },
      {},
      /every 8 s or more: clips begin up to that much earlier than the 5 s before/,
    ],
    ['codec-not-played', { video: { codec: 'hevc' } }, {}, {}, /H\.265, which Firefox.*choose H\.264/],
    ['codec-not-played', { video: { codec: 'mpeg4' } }, {}, {}, /MPEG-4 part 2/],
    ['codec-not-played', { video: { codec: 'mjpeg' } }, {}, {}, /Motion-JPEG/],
    ['sound-missing', { audio: null }, {}, {}, /no sound/],
    ['sound-transcoded', { audio: { codec: 'pcm_alaw' } }, {}, {}, /pcm_alaw, which clips get as AAC/],
    ['rate-low', { video: { rate: 2 } }, {}, {}, /2 pictures a second, and frames\.fps asks for 5/],
    ['rate-uneven', { video: { even: false } }, {}, {}, /uneven/],
    ['times-go-back', { timesIncrease: false }, {}, {}, /go back or stand still/],
    ['clock-wrong', { clockAheadMs: -3_600_000 }, {}, {}, /60 minutes behind.*NTP/],
    [
      'ring-short',
      { kbps: 40_000 },
      {},
      {},
      /At 40 Mbit\/s the ring's 2048 MB hold 7\.2 of its 10 minutes: give it 2862 MB/,
    ],
    [
      'ring-short',
      { kbps: 8000 },
      { ring: { megabytes: 100 } },
      {},
      /1\.7 of its 10 minutes, less than the longest event/,
    ],
  ])('%s for %j', (code, camera, given, events, text) => {
    const found = advise(seen(camera), settings(given, events));
    expect(codes(found)).toEqual([code]);
    expect(found[0]?.text).toMatch(text);
  });

  test('looks at the substream for what is analysed, and at the main stream for footage', () => {
    const wide = seen({ video: { width: 2560, keyframeIntervalMs: 4000 }, audio: null });
    expect(codes(advise(seen(), settings({ substream: 'y' }), wide))).toEqual([
      'substream-large',
      'keyframes-rare',
    ]);
    const slow = seen({ video: { codec: 'hevc', rate: 2, keyframeIntervalMs: 4000 } });
    expect(codes(advise(slow, settings({ substream: 'y' }), seen()))).toEqual(['codec-not-played']);
  });
});

describe('the packets of a stream', () => {
  const packets = (count: number, everyMs: number, keyframeEach: number): ProbedPacket[] =>
    Array.from({ length: count }, (_, index) => ({
      ...{ kind: 'video', timeMs: index * everyMs, sizeBytes: 1000, keyframe: index % keyframeEach === 0 },
    }));

  test('are read with their times, sizes and kinds', () => {
    const list = new PacketList();
    const head = ['#software: Lavf', '#tb 0: 1/1000', '#media_type 0: video', '#codec_id 0: h264'];
    const more = ['#dimensions 0: 640x360', '#tb 1: 1/8000', '#media_type 1: audio', '#codec_id 1: pcm_alaw'];
    for (const line of [...head, ...more]) expect(list.push(line)).toBeUndefined();
    expect(list.stream('video')).toMatchObject({ codec: 'h264', width: 640, height: 360 });
    const lines = [
      '0,      -1024,        120,      512,     8921, 0x6497c455',
      '0,       -512,      NOPTS,      512,     4506, 0xb85be2d4, F=0x0',
      '0,          0,        -40,      512,       10, 0xb85be2d4, F=0x5, S=1,       10',
      '1,          0,        800,      160,      160, 0x2c5b786a',
      '7,          0,        800,      160,      160, 0x2c5b786a',
      'garbage',
    ];
    expect(lines.map((line) => list.push(line))).toEqual([
      { kind: 'video', timeMs: 120, sizeBytes: 8921, keyframe: true },
      { kind: 'video', timeMs: undefined, sizeBytes: 4506, keyframe: false },
      { kind: 'video', timeMs: -40, sizeBytes: 10, keyframe: true },
      { kind: 'audio', timeMs: 100, sizeBytes: 160, keyframe: true },
      undefined,
      undefined,
    ]);
  });

  test.each([
    [
      '[info]   Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p, 640x360, 745 kb/s, 25 fps, 25 tbr',
      { profile: 'High', rate: 25 },
    ],
    [
      '[info]   Stream #0:0: Video: hevc (Main 10), yuv420p10le(tv), 1280x720, 29.97 fps, 90k tbr',
      { profile: 'Main 10', rate: 29.97 },
    ],
    ['[info]   Stream #0:0: Video: mpeg4 (mp4v / 0x7634706D), yuv420p, 640x360, 1k fps', { rate: 1000 }],
    ['[info]   Stream #0:1: Audio: aac (LC), 48000 Hz', undefined],
  ])('claims are read from %s', (line, expected) => {
    expect(claimsIn(line)).toEqual(expected);
  });

  test('are enough after three keyframes and three seconds, or after eight seconds', () => {
    const needed = (all: ProbedPacket[]): number => {
      const enough = new Enough();
      return all.findIndex((packet) => enough.push(packet));
    };
    expect(needed(packets(1000, 40, 25))).toBe(75);
    expect(needed(packets(1000, 40, 50))).toBe(100);
    expect(needed(packets(1000, 40, 1))).toBe(75);
    expect(needed(packets(1000, 40, 500))).toBe(200);
  });

  test('tell rate, keyframe interval and bit rate', () => {
    expect(measure(packets(101, 40, 50))).toEqual({
      ...{ measuredMs: 4040, kbps: 200 },
      video: {
        rate: 25,
        even: true,
        allKeyframes: false,
        keyframeIntervalMs: 2000,
        keyframeIntervalOpen: false,
      },
    });
  });

  test('tell of an interval that is not over yet, and of none where every picture is a keyframe', () => {
    expect(measure(packets(200, 40, 1000)).video).toMatchObject({
      keyframeIntervalMs: 8000,
      keyframeIntervalOpen: true,
    });
    expect(measure(packets(50, 40, 1)).video).toEqual({
      ...{ rate: 25, even: true, allKeyframes: true, keyframeIntervalOpen: false },
    });
  });

  test('of a variable rate are uneven; jitter and reordering are not', () => {
    const jitter = packets(100, 40, 50).map((packet, index) => ({
      ...packet,
      timeMs: index * 40 + (index % 3) * 5,
    }));
    expect(measure(jitter).video.even).toBe(true);
    // As a camera that sends less while nothing moves: 25 a second, then 5.
    let timeMs = 0;
    const variable = packets(100, 40, 50).map((packet, index) => {
      timeMs += index % 30 < 25 ? 40 : 200;
      return { ...packet, timeMs };
    });
    expect(measure(variable).video.even).toBe(false);
    const reordered = packets(100, 40, 50);
    for (let i = 1; i + 1 < 100; i += 3) reordered.splice(i, 2, ...reordered.slice(i, i + 2).reverse());
    expect(measure(reordered).video).toMatchObject({ rate: 25, even: true });
  });

  test('that are too few tell nothing that would be wrong', () => {
    const timeless: ProbedPacket = { kind: 'video', timeMs: undefined, sizeBytes: 1, keyframe: true };
    for (const few of [[], packets(1, 40, 1), [timeless]]) {
      const { kbps, video } = measure(few);
      expect([kbps, video.rate, video.keyframeIntervalMs]).toEqual([undefined, undefined, undefined]);
    }
  });
});
