import { readFile, mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  sendMultipart,
  startHttpCamera,
  type HttpCamera,
  type HttpCameraOptions,
} from '@faascam/test-servers/http-camera';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makeVideo } from '../capture/test-video.ts';
import { openInput, SourceError } from './input.ts';
import { parseSource } from './source.ts';
import { openOptions, play, testJpegs, watch } from './test-play.ts';

let directory: string;
let jpegs: Buffer[];
let flv: Buffer;
let transportStream: Buffer;
const cameras: HttpCamera[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-http-'));
  jpegs = await testJpegs(4);
  const picture = [
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=320x240:rate=10',
    '-t',
    '3',
    '-pix_fmt',
    'yuv420p',
    '-g',
    '10',
  ];
  await makeVideo(...picture, join(directory, 'a.flv'));
  await makeVideo(...picture, '-c:v', 'libx264', join(directory, 'a.ts'));
  flv = await readFile(join(directory, 'a.flv'));
  transportStream = await readFile(join(directory, 'a.ts'));
});

afterEach(async () => {
  await Promise.all(cameras.splice(0).map((camera) => camera.stop()));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function camera(options: HttpCameraOptions): Promise<HttpCamera> {
  const started = await startHttpCamera(options);
  cameras.push(started);
  return started;
}

function serve(type: string | undefined, body: () => Buffer | string) {
  return (_request: unknown, response: ServerResponse): void => {
    response.writeHead(200, type === undefined ? {} : { 'content-type': type }).end(body());
  };
}

const multipart = (_request: unknown, response: ServerResponse): void =>
  sendMultipart(response, jpegs, { everyMs: 50 });

async function errorOf(attempt: Promise<unknown>): Promise<SourceError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof SourceError) return error;
  throw new Error(`no SourceError: ${String(error)}`);
}

describe('an http address', () => {
  test('MJPEG is told by its answer, plays, and has the times at which its pictures came', async () => {
    const { origin } = await camera({ routes: { '/video': multipart } });
    const { input, times, size } = await watch(`${origin}/video?channel=1`, 12);
    expect(input.jpeg).toBe(true);
    expect(size).toBe('320x240');
    expect(times).toHaveLength(12);
    // 25 a second, which ffmpeg invents without a clock, would be half of this.
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(0.5);
  });

  test('MJPEG without lengths in its parts plays too', async () => {
    const { origin } = await camera({
      routes: {
        '/video': (_request, response) => sendMultipart(response, jpegs, { everyMs: 50, lengths: false }),
      },
    });
    expect((await watch(`${origin}/video`, 5)).times).toHaveLength(5);
  });

  test.each([
    ['flv', 'video/x-flv', () => flv],
    ['flv', 'application/octet-stream', () => flv],
    ['mpegts', 'video/mp2t', () => transportStream],
    ['mpegts', undefined, () => transportStream],
  ])('%s of type %s is told and plays', async (format, type, body) => {
    const { origin } = await camera({ routes: { '/live': serve(type, body) } });
    const { input, times } = await watch(`${origin}/live`, 20);
    expect(input.args.join(' ')).toContain(`-f ${format}`);
    expect(times).toHaveLength(20);
  });

  test('HLS is told by its first line and plays', async () => {
    const playlist = '#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\na.ts\n#EXT-X-ENDLIST\n';
    const { origin } = await camera({
      routes: {
        '/live/stream': serve('text/plain', () => playlist),
        '/live/a.ts': serve('video/mp2t', () => transportStream),
      },
    });
    const { input, times } = await watch(`${origin}/live/stream`, 20);
    expect(input.args.join(' ')).toContain('-f hls');
    expect(times).toHaveLength(20);
  });

  test.each(['basic', 'digest'] as const)(
    'user and password go by %s authentication, to us and to ffmpeg',
    async (scheme) => {
      const login = { user: 'cam', password: 'p:a/s s%', scheme };
      const { origin } = await camera({ login, routes: { '/video': multipart } });
      expect((await watch(`${origin}/video?a=1`, 3)).times).toHaveLength(3);
    },
  );

  test('a digest with SHA-256, which ffmpeg does not know, is answered for it', async () => {
    const login = { user: 'cam', password: 'geheim', scheme: 'digest', algorithm: 'SHA-256' } as const;
    const { origin } = await camera({ login, routes: { '/video': multipart } });
    const { input, times } = await watch(`${origin}/video`, 5);
    expect(input.args.slice(0, 2)).toEqual(['-protocol_whitelist', 'pipe']);
    expect(times).toHaveLength(5);
  });

  test('a setting spares the look: the camera is asked once', async () => {
    const seen = await camera({ routes: { '/video': multipart } });
    await watch(`${seen.origin}/video`, 2, { settings: { transport: 'tcp', format: 'mjpeg', pollMs: 1000 } });
    expect(seen.served).toEqual(['GET /video']);
  });

  test('a redirect of the camera is followed, and the password stays with its host', async () => {
    let given: string | undefined = 'not asked';
    const other = await camera({
      routes: {
        '/video': (request, response) => {
          given = request.headers.authorization;
          multipart(request, response);
        },
      },
    });
    const login = { user: 'cam', password: 'geheim', scheme: 'basic' as const };
    const { origin } = await camera({
      login,
      routes: {
        '/video': (_request, response) => {
          // Another name of loopback is another host.
          response.writeHead(302, { location: `http://localhost:${other.port}/video` }).end();
        },
      },
    });
    expect((await watch(`${origin}/video`, 2)).times).toHaveLength(2);
    expect(given).toBeUndefined();
  });

  test.each([
    ['a wrong password', '/video', 'wrong-password', 'slow', /refused the login/],
    ['an unknown path', '/nothing', 'not-found', 'soon', /check the path/],
    ['a web page', '/page', 'not-a-video', 'slow', /a web page .* and no video/],
    ['an error of the camera', '/broken', 'refused-stream', 'soon', /HTTP status 503/],
    ['an empty answer', '/empty', 'no-answer', 'soon', /answers with nothing/],
    ['a redirect to a file', '/file', 'bad-redirect', 'slow', /no web address/],
    ['redirects in a circle', '/circle', 'bad-redirect', 'slow', /circle/],
  ])('%s is told', async (_what, path, code, retry, message) => {
    const page = '<!DOCTYPE html><title>Login</title>';
    const to = (location: string) => (_request: unknown, response: ServerResponse) => {
      response.writeHead(302, { location }).end();
    };
    const seen = await camera({
      login: { user: 'cam', password: 'right', scheme: 'digest' },
      routes: {
        '/page': serve('text/html', () => page),
        '/broken': (_request, response) => void response.writeHead(503).end(),
        '/empty': serve('video/mp2t', () => ''),
        '/file': to('file:///etc/hostname'),
        '/circle': to('/circle'),
      },
    });
    const password = code === 'wrong-password' ? 'wrong' : 'right';
    const source = parseSource(`http://cam:${password}@127.0.0.1:${seen.port}${path}`);
    expect(await errorOf(openInput(source, openOptions()))).toMatchObject({
      ...{ code, retry },
      message: expect.stringMatching(message) as unknown,
    });
  });

  test('nobody on the port, and a host without a name, are told', async () => {
    const gone = await camera({ routes: {} });
    await gone.stop();
    cameras.splice(0);
    const refused = openInput(parseSource(`http://127.0.0.1:${gone.port}/video`), openOptions());
    expect(await errorOf(refused)).toMatchObject({ code: 'unreachable', retry: 'soon' });
    const unknown = openInput(parseSource('http://no-such-camera.invalid/video'), openOptions());
    expect(await errorOf(unknown)).toMatchObject({ code: 'unknown-host' });
  });

  test('an abort ends the question to a camera that does not answer', async () => {
    const { origin } = await camera({ routes: { '/video': () => undefined } });
    const stop = new AbortController();
    const opening = openInput(parseSource(`${origin}/video`), openOptions({ signal: stop.signal }));
    stop.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
  });
});

describe('a hostile camera', () => {
  test.each([
    ['names a local file', 'file:///etc/hostname'],
    ['names a local file by its path', '/etc/hostname'],
    ['names a playlist of another kind', 'concat:/etc/hostname'],
    ['hides a file behind another scheme', 'subfile,,start,0,end,9,,:/etc/hostname'],
  ])('whose HLS playlist %s gets nothing read', async (_what, uri) => {
    const text = `#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n${uri}\n#EXT-X-ENDLIST\n`;
    const seen = await camera({ routes: { '/live.m3u8': serve('application/x-mpegurl', () => text) } });
    const input = await openInput(parseSource(`${seen.origin}/live.m3u8`), openOptions());
    const { times, complaints } = await play(input, 1);
    await input.close();
    expect(times).toEqual([]);
    expect(complaints).toMatch(/whitelist|404|not in allowed|Invalid data|Failed to open/i);
  });

  test('whose playlist leads to a text of this host over HTTP gets no file read either', async () => {
    const list = `ffconcat version 1.0\nfile '${join(directory, 'a.ts')}'\n`;
    const text = '#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nlist.ts\n#EXT-X-ENDLIST\n';
    const seen = await camera({
      routes: {
        '/live.m3u8': serve('application/x-mpegurl', () => text),
        '/list.ts': serve('video/mp2t', () => list),
      },
    });
    const input = await openInput(parseSource(`${seen.origin}/live.m3u8`), openOptions());
    const { times } = await play(input, 1);
    await input.close();
    expect(seen.served).toContain('GET /list.ts');
    expect(times).toEqual([]);
  });

  test('whose stream redirects ffmpeg to a file gets nothing read', async () => {
    let asked = 0;
    const seen = await camera({
      routes: {
        '/video': (request, response) => {
          asked += 1;
          // The look before sees a stream.
          if (asked === 1) multipart(request, response);
          else response.writeHead(302, { location: `file://${join(directory, 'a.ts')}` }).end();
        },
      },
    });
    const input = await openInput(parseSource(`${seen.origin}/video`), openOptions());
    const { times } = await play(input, 1);
    await input.close();
    expect(asked).toBe(2);
    expect(times).toEqual([]);
  });
});
