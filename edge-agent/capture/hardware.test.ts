import { describe, expect, test } from 'vitest';
import { decoderChoices } from './hardware.ts';

const namesOf = (...asked: Parameters<typeof decoderChoices>): (string | undefined)[] =>
  decoderChoices(...asked).map(({ hardware }) => hardware);

describe('decoders to try', () => {
  test('none but the processor unless asked', () => {
    expect(namesOf('none', () => true)).toEqual([undefined]);
  });

  test('automatically: what the host shows in /dev, then the processor', () => {
    expect(namesOf('auto', () => false)).toEqual([undefined]);
    expect(namesOf('auto', (path) => path === '/dev/dri/renderD128')).toEqual(['vaapi', undefined]);
    expect(namesOf('auto', (path) => path === '/dev/video10')).toEqual([
      'v4l2m2m h264',
      'v4l2m2m hevc',
      undefined,
    ]);
  });

  test('what is asked for is tried even if the host does not show it', () => {
    expect(namesOf('cuda', () => false)).toEqual(['cuda', undefined]);
    expect(decoderChoices('v4l2m2m', () => false)[0]?.args).toEqual(['-c:v', 'h264_v4l2m2m']);
  });
});
