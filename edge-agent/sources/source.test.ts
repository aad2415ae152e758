import { UsageError } from '@faascam/core/errors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reachOf } from './reach.ts';
import { parseSource, shownSource, type Source } from './source.ts';

const HOST = 'rtsp://cam:geheim@10.0.0.7';

describe('source', () => {
  test('a bare path and file: both name a file', () => {
    expect(parseSource('videos/yard 1.mp4')).toEqual({ kind: 'file', path: 'videos/yard 1.mp4' });
    expect(parseSource('file:videos/yard.mp4')).toEqual({ kind: 'file', path: 'videos/yard.mp4' });
    expect(parseSource('file:/srv/yard.mp4')).toEqual({ kind: 'file', path: '/srv/yard.mp4' });
    expect(parseSource('file:///srv/my%20yard.mp4')).toEqual({ kind: 'file', path: '/srv/my yard.mp4' });
    expect(parseSource('file:50%.mp4')).toEqual({ kind: 'file', path: '50%.mp4' });
  });

  test.each<[string, Source]>([
    ['file:shots/img%06d.jpg', { kind: 'images', pattern: 'shots/img%06d.jpg', rate: 5 }],
    ['images:shots/%d.png?rate=0.5', { kind: 'images', pattern: 'shots/%d.png', rate: 0.5 }],
    ['test:', { kind: 'test', size: { width: 1280, height: 720 }, rate: 25 }],
    ['test:?size=640x360&rate=15', { kind: 'test', size: { width: 640, height: 360 }, rate: 15 }],
    ['rtsps://h/s', { kind: 'rtsp', url: 'rtsps://h/s' }],
    ['RTSP://h/S', { kind: 'rtsp', url: 'rtsp://h/S' }],
    ['http://h/v?x=1', { kind: 'http', url: 'http://h/v?x=1' }],
    ['https://u:p@h:8443/v', { kind: 'http', url: 'https://u:p@h:8443/v' }],
    ['rtmp://h/live/cam', { kind: 'rtmp', url: 'rtmp://h/live/cam' }],
    ['udp://0.0.0.0:5000', { kind: 'udp', host: '0.0.0.0', port: 5000 }],
    ['udp://@239.0.0.1:5000', { kind: 'udp', host: '239.0.0.1', port: 5000 }],
    [
      'rtp://239.0.0.1:5004?interface=10.0.0.2&sender=10.0.0.7',
      { kind: 'rtp', host: '239.0.0.1', port: 5004, localAddress: '10.0.0.2', sender: '10.0.0.7' },
    ],
    ['sdp:cam.sdp', { kind: 'sdp', path: 'cam.sdp' }],
    ['srt://h:9000', { kind: 'srt', host: 'h', port: 9000, mode: 'caller', latencyMs: 200 }],
    [
      'srt://0.0.0.0:9000?mode=listener&latency=500&passphrase=correct%20horse&streamid=yard',
      {
        ...{ kind: 'srt', host: '0.0.0.0', port: 9000, mode: 'listener', latencyMs: 500 },
        ...{ passphrase: 'correct horse', streamId: 'yard' },
      },
    ],
    [
      'go2rtc://u:p@h/front door',
      {
        kind: 'go2rtc',
        api: 'http://u:p@h:1984/',
        url: 'rtsp://u:p@h:8554/front%20door',
        name: 'front door',
      },
    ],
    [
      'go2rtc://h:80/yard?rtsp=554',
      { kind: 'go2rtc', api: 'http://h:80/', url: 'rtsp://h:554/yard', name: 'yard' },
    ],
    ['onvif://u:p@h', { kind: 'onvif', device: 'http://u:p@h/onvif/device_service', profile: 'main' }],
    [
      'onvif://[::1]:8000/service?profile=sub',
      { kind: 'onvif', device: 'http://[::1]:8000/service', profile: 'sub' },
    ],
    ['v4l2:/dev/video0', { kind: 'v4l2', device: '/dev/video0', encoder: 'libx264' }],
    [
      'v4l2:/dev/video2?size=1280x720&rate=30&format=yuyv422&encoder=h264_v4l2m2m',
      {
        ...{ kind: 'v4l2', device: '/dev/video2', size: { width: 1280, height: 720 }, rate: 30 },
        ...{ format: 'yuyv422', encoder: 'h264_v4l2m2m' },
      },
    ],
    ['csi:', { kind: 'csi', camera: 0, size: { width: 1280, height: 720 }, rate: 25 }],
    ['csi:1?size=640x480&rate=10', { kind: 'csi', camera: 1, size: { width: 640, height: 480 }, rate: 10 }],
    ['screen::0.0', { kind: 'screen', display: ':0.0', rate: 10, encoder: 'libx264' }],
    ['exec:cat a.ts | pv', { kind: 'exec', command: 'cat a.ts | pv' }],
    ['exec+mjpeg:cam --out -?x=1', { kind: 'exec', command: 'cam --out -?x=1', format: 'mjpeg' }],
  ])('%s', (text, source) => {
    if (text.includes(' door')) expect(() => parseSource(text)).toThrow(/%20/);
    expect(parseSource(text.replace(' door', '%20door'))).toEqual(source);
  });

  test('an RTSP address is kept as written', () => {
    const url = 'rtsp://cam:p%40ss@10.0.0.7:8554/stream?channel=1';
    expect(parseSource(url)).toEqual({ kind: 'rtsp', url });
  });

  test.each([
    [`${HOST}/s`, 'rtsp://cam:***@10.0.0.7/s'],
    ['rtmp://h/bcs/c.bcs?user=a&password=geheim', 'rtmp://h/bcs/***?user=a&password=***'],
    ['http://h/snap?usr=a&pwd=geheim&n=1', 'http://h/snap?usr=a&pwd=***&n=1'],
    ['srt://h:9000?passphrase=geheimgeheim', 'srt://h:9000'],
    ['onvif://cam:geheim@h', 'onvif://cam:***@h/onvif/device_service'],
    ['go2rtc://cam:geheim@h/yard', 'go2rtc://cam:***@h:1984/yard'],
    ['exec:KEY=geheim cam --password geheim', 'exec:(command)'],
    ['exec:/usr/bin/cam --password geheim', 'exec:/usr/bin/cam'],
    ['file:a.mp4', 'a.mp4'],
  ])('of %s is shown what is no secret', (text, shown) => {
    expect(shownSource(parseSource(text))).toBe(shown);
  });

  test.each(['concat:a|b', 'gopher://cam/live', 'constructor:x'])(
    '%s is refused with what is supported instead',
    (text) => {
      expect(() => parseSource(text)).toThrow(UsageError);
      expect(() => parseSource(text)).toThrow(
        /rtsp:\/\/user:password@host\/path, or file:PATH.*onvif:, v4l2:/,
      );
    },
  );

  test.each([
    ['', /file:PATH/],
    ['file:', /file:PATH/],
    ['file:a\0b', /names no file/],
    ['file://other-host/a.mp4', /no file of this machine/],
    ['rtsp://', /rtsp:\/\/user:password@host\/path/],
    ['rtsp:///cam', /rtsp:\/\/user:password@host\/path/],
    ['http:///cam', /no usable address/],
    ['rtsp://h/a b', /%20/],
    ['rtsp://h:0/a', /port 0/],
    ['rtsp://h:99999/a', /no usable address/],
    ['rtsp://cam:50%@h/a', /%25/],
    ['udp://239.0.0.1', /has no port/],
    ['udp://239.0.0.1:5000/x', /has a path/],
    ['udp://239.0.0.1:5000?fifo=1', /only interface and sender may stand/],
    ['udp://239.0.0.1:5000?interface=1%262', /wrong interface: it must be an IP address/],
    ['srt://h:9000?passphrase=short', /10 to 79 characters/],
    ['srt://h:9000?mode=both', /caller or listener/],
    ['go2rtc://h', /names no stream/],
    ['onvif://h?profile=big', /main or sub/],
    ['v4l2:', /names no file/],
    ['v4l2:video0', /v4l2:\/dev\/video0/],
    ['v4l2:/dev/video0?size=big', /wrong size: it must be WIDTHxHEIGHT/],
    ['v4l2:/dev/video0?fps=5', /"fps" behind its \?, where only size, rate, format and encoder may stand/],
    ['v4l2:/dev/video0?rate=5&rate=6', /rate twice/],
    ['test:?rate=0', /at least 0.1/],
    ['test:?rate=1e3', /number of pictures/],
    ['test:bars', /test:\?size=/],
    ['csi:front', /csi:1/],
    ['screen:', /screen::0.0/],
    ['images:a.jpg', /img%06d.jpg/],
    ['exec:  ', /names no command/],
    ['exec+avi:cam', /exec\+mjpeg:/],
  ])('%j is refused, with what to write instead', (text, message) => {
    expect(() => parseSource(text)).toThrow(UsageError);
    expect(() => parseSource(text)).toThrow(message);
  });

  test.each([
    'gopher://cam:geheim@10.0.0.7/video',
    'rtsp://cam:geh/geheim@10.0.0.7/video',
    'rtsp://cam:geh@geheim@10.0.0.7/vi deo',
    'rtsp://cam:#geheim@10.0.0.7/video',
    'srt://h?passphrase=geheim',
    'udp://h:1?password=geheim',
  ])('a refusal of %s does not give the password away', (text) => {
    expect(() => parseSource(text)).toThrow(UsageError);
    expect(() => parseSource(text)).not.toThrow(/geheim/);
  });
});

describe('what a source waits for', () => {
  test.each([
    ['rtsp://h/s', { kind: 'tcp', host: 'h', port: 554 }],
    ['rtsps://h/s', { kind: 'tcp', host: 'h', port: 322 }],
    ['rtsp://[fe80::1]:8554/s', { kind: 'tcp', host: 'fe80::1', port: 8554 }],
    ['http://h/s', { kind: 'tcp', host: 'h', port: 80 }],
    ['https://h/s', { kind: 'tcp', host: 'h', port: 443 }],
    ['rtmp://h/s', { kind: 'tcp', host: 'h', port: 1935 }],
    ['go2rtc://h/s', { kind: 'tcp', host: 'h', port: 8554 }],
    ['onvif://h', { kind: 'tcp', host: 'h', port: 80 }],
    ['file:a.mp4', { kind: 'path', path: 'a.mp4' }],
    ['images:/srv/a/%d.jpg', { kind: 'path', path: '/srv/a' }],
    ['v4l2:/dev/video0?rate=5', { kind: 'path', path: '/dev/video0' }],
    ['udp://239.0.0.1:1', undefined],
    ['test:', undefined],
    ['exec:true', undefined],
  ])('%s', (text, reach) => {
    expect(reachOf(parseSource(text))).toEqual(reach);
  });
});

describe('any text', () => {
  const scheme = fc.constantFrom(
    ...[
      'rtsp',
      'rtsps',
      'http',
      'https',
      'rtmp',
      'udp',
      'rtp',
      'srt',
      'go2rtc',
      'onvif',
      'v4l2',
      'csi',
      'screen',
    ],
    ...['exec', 'exec+h264', 'test', 'images', 'file', 'sdp', 'demo', 'x'],
  );
  const tail = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.webUrl({ withQueryParameters: true }).map((url) => url.replace(/^https?:/, '')),
    fc.stringMatching(/^(\/\/)?[a-z:@%/?&=0-9.[\]-]{0,30}$/),
  );

  test('is a source, or is refused with a UsageError', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(scheme, tail).map(([name, rest]) => `${name}:${rest}`),
        ),
        (text) => {
          try {
            const source = parseSource(text);
            shownSource(source);
            reachOf(source);
          } catch (error) {
            expect(error).toBeInstanceOf(UsageError);
          }
        },
      ),
      { numRuns: 5000 },
    );
  });

  test('never gives a password away, in a source or in a refusal', () => {
    const secret = fc.stringMatching(/^[Qq%7/:@?#&= ~]{4,12}$/);
    const url = fc.constantFrom('rtsp', 'http', 'rtmp', 'onvif', 'go2rtc', 'rtsps', 'gopher');
    fc.assert(
      fc.property(url, secret, fc.constantFrom('/s', '/s?a=1', ''), (name, part, path) => {
        const password = `Xy${part}Zz`;
        let shown: string;
        try {
          shown = shownSource(parseSource(`${name}://cam:${password}@10.0.0.7${path}`));
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
          shown = String(error);
        }
        // Either end of it would be a part of the password.
        expect(shown).not.toMatch(/Xy|Zz/);
      }),
      { numRuns: 3000 },
    );
  });
});
