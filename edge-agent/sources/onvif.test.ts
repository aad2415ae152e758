import { startHttpCamera } from '@faascam/test-servers/http-camera';
import {
  startOnvifCamera,
  type OnvifCamera,
  type OnvifCameraOptions,
} from '@faascam/test-servers/onvif-camera';
import { startRtspCamera } from '@faascam/test-servers/rtsp-camera';
import { afterEach, describe, expect, test } from 'vitest';
import { openInput, SourceError } from './input.ts';
import { chooseProfile, streamAddress } from './onvif.ts';
import { parseSource } from './source.ts';
import { openOptions, watch } from './test-play.ts';

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

const PROFILES = [
  { token: 'main', width: 2560, height: 1440, uri: 'rtsp://192.168.7.7:8554/main?a=1&b=2' },
  { token: 'third', width: 1280, height: 720, uri: 'rtsp://192.168.7.7:8554/third' },
  { token: 'small', width: 640, height: 360, uri: 'rtsp://192.168.7.7:8554/small' },
];

async function camera(options: Partial<OnvifCameraOptions> = {}): Promise<OnvifCamera> {
  const started = await startOnvifCamera({ user: 'cam', password: 'p&ss', profiles: PROFILES, ...options });
  stops.push(() => started.stop());
  return started;
}

/** The address that ffmpeg would be given. */
async function addressOf(text: string): Promise<string | undefined> {
  const input = await openInput(parseSource(text), openOptions());
  await input.close();
  return input.args.at(-1);
}

async function errorOf(text: string): Promise<SourceError> {
  const error: unknown = await addressOf(text).catch((reason: unknown) => reason);
  if (error instanceof SourceError) return error;
  throw new Error(`no SourceError: ${String(error)}`);
}

function withLogin(url: string, login = 'cam:p%26ss'): string {
  return url.replace('://', `://${login}@`);
}

describe('onvif://', () => {
  test('finds the stream of a camera, which plays', async () => {
    const rtsp = await startRtspCamera({
      lavfi: 'testsrc2=size=320x240:rate=10',
      user: 'cam',
      password: 'p&ss',
    });
    stops.push(() => rtsp.stop());
    const uri = `rtsp://10.255.255.1:${rtsp.port}/cam`;
    const { url } = await camera({ profiles: [{ token: 'p0', width: 320, height: 240, uri }] });
    const { times, size } = await watch(withLogin(url), 3);
    expect(size).toBe('320x240');
    expect(times).toHaveLength(3);
  });

  test('takes the main profile, or the smallest, on the host that was asked, with its login', async () => {
    const { url } = await camera({ toldHost: '192.168.7.7' });
    expect(await addressOf(withLogin(url))).toBe('rtsp://cam:p%26ss@127.0.0.1:8554/main?a=1&b=2');
    expect(await addressOf(withLogin(`${url}?profile=sub`))).toBe('rtsp://cam:p%26ss@127.0.0.1:8554/small');
  });

  test('signs with the time of the camera, whose clock may be wrong', async () => {
    const { url } = await camera({ clockAheadMs: -40 * 365 * 86_400_000 });
    expect(await addressOf(withLogin(url))).toContain('/main');
  });

  test('a refused login is told, and that ONVIF may have users of its own', async () => {
    const { url } = await camera();
    expect(await errorOf(withLogin(url, 'cam:wrong'))).toMatchObject({
      ...{ code: 'wrong-password', retry: 'slow' },
      message: expect.stringMatching(/users of their own for ONVIF/) as unknown,
    });
    expect(await errorOf(url)).toMatchObject({ code: 'wrong-password' });
  });

  test('a camera without video, and one without RTSP, are told', async () => {
    const { url } = await camera({ profiles: [] });
    expect(await errorOf(withLogin(url))).toMatchObject({ code: 'no-video' });
    const uri = 'file:///etc/hostname';
    const hostile = await camera({ profiles: [{ token: 'p', width: 1, height: 1, uri }] });
    expect(await errorOf(withLogin(hostile.url))).toMatchObject({ code: 'no-video' });
  });

  test('what is no ONVIF camera is told', async () => {
    const page = await startHttpCamera({
      routes: { '/onvif/device_service': (_request, response) => void response.end('<html><p>hi') },
    });
    stops.push(() => page.stop());
    expect(await errorOf(page.origin.replace('http', 'onvif'))).toMatchObject({
      message: expect.stringMatching(/not answer as an ONVIF camera does .*switched on/) as unknown,
    });
    expect(await errorOf('onvif://127.0.0.1:1')).toMatchObject({ code: 'unreachable', retry: 'soon' });
  });
});

describe('the address that a camera tells', () => {
  const asked = new URL('http://cam:p%26ss@10.0.0.7:8000/onvif/device_service');
  test.each([
    ['rtsp://10.0.0.7:554/s', 'rtsp://cam:p%26ss@10.0.0.7:554/s'],
    ['rtsp://192.168.1.64/s', 'rtsp://cam:p%26ss@10.0.0.7/s'],
    ['rtsp://0.0.0.0:0/s?x=1', 'rtsp://cam:p%26ss@10.0.0.7/s?x=1'],
    ['rtsp://u:p@camera.local:8554/s', 'rtsp://cam:p%26ss@10.0.0.7:8554/s'],
    ['rtsp://[fe80::1]:8554/s', 'rtsp://cam:p%26ss@10.0.0.7:8554/s'],
    ['RTSPS://h:322/s', 'rtsps://cam:p%26ss@10.0.0.7:322/s'],
  ])('%s becomes one that we can use', (uri, address) => {
    expect(streamAddress(uri, asked)).toBe(address);
  });

  test.each(['', 'http://h/s', 'file:///etc/hostname', 'rtsp://h/a b'])('%j is refused', (uri) => {
    expect(() => streamAddress(uri, asked)).toThrow(SourceError);
  });
});

test('of profiles without sizes the second is the small one', () => {
  const unknown = ['a', 'b', 'c'].map((token) => ({ token, area: 0 }));
  expect(chooseProfile(unknown, 'sub')?.token).toBe('b');
  expect(chooseProfile(unknown, 'main')?.token).toBe('a');
  expect(chooseProfile(unknown.slice(0, 1), 'sub')?.token).toBe('a');
  expect(chooseProfile([], 'sub')).toBeUndefined();
});
