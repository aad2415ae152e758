import { expect, test } from 'vitest';
import type { MatroskaTrack } from '@faascam/core/matroska-packets';
import { codecName, mp4CodecOf } from './codec-names.ts';
import { mp4SoundOf, opusSamples, soundName } from './mp4-sound.ts';

const track = (codecId: string, codecPrivate: number[] | string = []): MatroskaTrack => ({
  ...{ number: 1, kind: 'other', codecId, width: 0, height: 0, sampleRate: 0, channels: 0 },
  ...{ defaultDurationUs: 0, delayUs: 0 },
  codecPrivate:
    typeof codecPrivate === 'string' ? Buffer.from(codecPrivate, 'hex') : Buffer.from(codecPrivate),
});

// Profile, constraints and level; a parameter set of each kind.
const avc = (profile: string): string => `01${profile}ffe10002676401000268ee`;
// Profile and tier, what it fits, six bytes of constraints, level; no arrays.
const hevc = (profile: string, fits: string, constraints: string, level: string): string =>
  `01${profile}${fits}${constraints}${level}f000fcfdf8f800000f00`;

test.each([
  [avc('42c01f'), 'avc1.42c01f'],
  [avc('640028'), 'avc1.640028'],
])('H.264 %s is %s', (record, type) => {
  expect(mp4CodecOf(track('V_MPEG4/ISO/AVC', record))).toMatchObject({ type, codec: { entry: 'avc1' } });
});

// The examples of ISO/IEC 14496-15, annex E, and what cameras send.
test.each([
  [hevc('01', '60000000', 'b00000000000', '5d'), 'hvc1.1.6.L93.B0'],
  [hevc('02', '20000000', '900000000000', '7b'), 'hvc1.2.4.L123.90'],
  [hevc('21', '60000000', '000000000000', '78'), 'hvc1.1.6.H120'],
  [hevc('41', '80000000', '9d0800000000', '5d'), 'hvc1.A1.1.L93.9D.8'],
])('H.265 %s is %s', (record, type) => {
  expect(mp4CodecOf(track('V_MPEGH/ISO/HEVC', record))).toMatchObject({ type, codec: { entry: 'hvc1' } });
});

test('what is damaged or of another codec goes into no MP4', () => {
  for (const record of ['', '01', avc('640028').slice(0, -4), `02${avc('640028').slice(2)}`])
    expect(mp4CodecOf(track('V_MPEG4/ISO/AVC', record))).toBeUndefined();
  expect(mp4CodecOf(track('V_MPEGH/ISO/HEVC', '0101'))).toBeUndefined();
  expect(mp4CodecOf(track('V_MJPEG'))).toBeUndefined();
  expect(codecName(track('V_MJPEG'))).toBe('Motion JPEG');
  expect(codecName(track('V_VP9'))).toBe('V_VP9');
});

// AudioSpecificConfigs: 44.1 kHz stereo, 8 kHz mono, HE-AAC told both ways, 960 samples a packet, a rate written out.
test.each([
  ['1210', 'mp4a.40.2', 44_100, 1024],
  ['1588', 'mp4a.40.2', 8000, 1024],
  ['2b920800', 'mp4a.40.5', 22_050, 1024],
  ['eb8a0800', 'mp4a.40.29', 22_050, 1024],
  ['1214', 'mp4a.40.2', 44_100, 960],
  ['17800fa010', 'mp4a.40.2', 8000, 1024],
])('AAC %s is %s, counted at %i a second, %i samples a packet', (config, codec, rate, samples) => {
  const sound = mp4SoundOf(track('A_AAC', config));
  expect(sound).toMatchObject({ codec, rate });
  expect(sound?.samplesOf(Buffer.alloc(1))).toBe(samples);
  expect(sound?.entry.includes(Buffer.from(config, 'hex'))).toBe(true);
});

test('AAC without a configuration, and Opus of many channels, are left out', () => {
  for (const config of ['', '12', '1780', '0000', '1690'])
    expect(mp4SoundOf(track('A_AAC', config))).toBeUndefined();
  const head = (family: number): string =>
    `${Buffer.from('OpusHead').toString('hex')}0102380180bb000000000${family}`;
  expect(mp4SoundOf(track('A_OPUS', head(0)))).toMatchObject({ codec: 'opus', rate: 48_000 });
  expect(mp4SoundOf(track('A_OPUS', head(1)))).toBeUndefined();
  expect(mp4SoundOf(track('A_OPUS', '00'))).toBeUndefined();
});

test('the first bytes of an Opus packet tell how long it is', () => {
  // 20 ms of SILK, of both, of CELT; 2.5 ms; two of 60 ms; three of 20 ms.
  const packets = [[0x08], [0x68], [0xf8], [0x80], [0x19], [0x0b, 3]];
  expect(packets.map((packet) => opusSamples(Buffer.from(packet)))).toEqual([960, 960, 960, 120, 5760, 2880]);
});

test('sound is called as people call it', () => {
  const named: [string, string, string][] = [
    ['A_AAC', '', 'AAC'],
    ['A_AAC/MPEG4/LC', '', 'AAC'],
    ['A_OPUS', '', 'Opus'],
    ['A_MS/ACM', '0600', 'G.711 A-law'],
    ['A_MS/ACM', '0700', 'G.711 µ-law'],
    ['A_MS/ACM', '4500', 'G.726'],
    ['A_MS/ACM', 'ffff', 'A_MS/ACM'],
    ['A_MS/ACM', '', 'A_MS/ACM'],
    ['A_PCM/INT/LIT', '', 'PCM'],
    ['A_MPEG/L3', '', 'MP3'],
    ['A_VORBIS', '', 'A_VORBIS'],
  ];
  for (const [id, config, name] of named) expect(soundName(track(id, config))).toBe(name);
});
