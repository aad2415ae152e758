import { describe, expect, test } from 'vitest';
import { parseTarget, restreamSettings, shownTarget } from './restream-settings.ts';

describe('the address of a target', () => {
  test.each([
    ['rtmps://a.example.com/live2/my-key', 'rtmps://a.example.com/live2/***'],
    ['rtmp://user:pass@example.com:1936/app/room/my-key?auth=1', 'rtmp://example.com:1936/app/room/***'],
    ['srt://192.0.2.1:9000?passphrase=0123456789&streamid=publish:my-key', 'srt://192.0.2.1:9000'],
    ['udp://239.1.2.3:5000?ttl=4&interface=192.0.2.2', 'udp://239.1.2.3:5000'],
    ['rtsp://sender:my-key@example.com:8554/yard', 'rtsp://example.com:8554/yard'],
  ])('%s is shown without its secrets', (address, shown) => {
    expect(shownTarget(parseTarget(address))).toBe(shown);
  });

  test('tells RTMP’s stream key apart from the rest, with what belongs to it', () => {
    expect(parseTarget('rtmp://example.com/app/room/my-key?auth=1')).toEqual({
      ...{ kind: 'rtmp', address: 'rtmp://example.com/app/room', app: 'app/room', key: 'my-key?auth=1' },
    });
  });

  test.each([
    ['http://example.com/my-key', /must be one of/],
    ['my-key', /must be one of/],
    ['rtmp://example.com/my-key', /needs an app and the stream key/],
    ['srt://my-key', /needs a host and a port/],
    ['srt://example.com:9000?passphrase=my-key', /has \?passphrase=/],
    ['udp://239.1.2.3:5000?interface=eth0:my-key|', /has \?interface=/],
    ['udp://239.1.2.3:5000?my-option=1', /has \?my-option=, which is unknown here; known are ttl, interface/],
    ['rtsp://sender:my-key@example.com', /names no path/],
  ])('that is wrong (%s) is refused without its secrets', (address, reason) => {
    const parsed = restreamSettings.safeParse([{ to: address }]);
    const message = parsed.success ? '' : (parsed.error.issues[0]?.message ?? '');
    expect(message).toMatch(reason);
    expect(message).not.toContain('my-key');
    expect(() => parseTarget(address)).toThrow(message);
  });
});
