import { UsageError } from '@faascam/core/errors';
import { describe, expect, test } from 'vitest';
import { parseSource, shownSource } from './source.ts';

describe('source', () => {
  test('a bare path and file: both name a file', () => {
    expect(parseSource('videos/yard 1.mp4')).toEqual({ kind: 'file', path: 'videos/yard 1.mp4' });
    expect(parseSource('file:videos/yard.mp4')).toEqual({ kind: 'file', path: 'videos/yard.mp4' });
    expect(parseSource('file:/srv/yard.mp4')).toEqual({ kind: 'file', path: '/srv/yard.mp4' });
    expect(parseSource('file:///srv/my%20yard.mp4')).toEqual({ kind: 'file', path: '/srv/my yard.mp4' });
  });

  test('an RTSP address is kept as written', () => {
    const url = 'rtsp://cam:p%40ss@10.0.0.7:8554/stream?channel=1';
    expect(parseSource(url)).toEqual({ kind: 'rtsp', url });
  });

  test('what is shown has no password', () => {
    expect(shownSource(parseSource('rtsp://cam:p%40ss@10.0.0.7/s'))).toBe('rtsp://cam:***@10.0.0.7/s');
    expect(shownSource(parseSource('file:a.mp4'))).toBe('a.mp4');
  });

  test.each(['http://cam/stream.mjpg', 'rtmp://cam/live', 'v4l2:/dev/video0', 'concat:a|b'])(
    '%s is refused with what is supported instead',
    (text) => {
      expect(() => parseSource(text)).toThrow(UsageError);
      expect(() => parseSource(text)).toThrow(/rtsp:\/\/user:password@host\/path, or file:PATH/);
    },
  );

  test.each(['', 'file:', 'rtsp://', 'rtsp:///cam', 'file:a\0b', 'file://other-host/a.mp4'])(
    '%j is refused',
    (text) => {
      expect(() => parseSource(text)).toThrow(UsageError);
    },
  );

  test('a refusal does not give the password away', () => {
    const attempt = () => parseSource('http://cam:geheim@10.0.0.7/video');
    expect(attempt).toThrow(/cam:\*\*\*@/);
    expect(attempt).not.toThrow(/geheim/);
  });
});
