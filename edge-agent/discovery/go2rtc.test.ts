import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '@faascam/core/ports';
import { go2rtcAddress, go2rtcStreams } from './go2rtc.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
const { signal } = new AbortController();

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

const answer =
  (body: unknown): RequestListener =>
  (_request, response) => {
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };

describe('the address of a go2rtc', () => {
  test.each([
    ['nas', 'nas:1984', ''],
    ['192.0.2.5:1985', '192.0.2.5:1985', ''],
    ['http://nas:80/', 'nas:80', ''],
    ['go2rtc://me:p%40ss@nas', 'nas:1984', 'me:p%40ss@'],
  ])('%s', (text, host, login) => {
    expect(go2rtcAddress(text)).toEqual({ host, login });
  });

  test.each(['', 'https://nas', 'nas/some/path', 'http://', 'nas:99999', 'a b'])('%j is refused', (text) => {
    expect(() => go2rtcAddress(text)).toThrow(/give its host/);
  });
});

describe('the streams of a go2rtc', () => {
  test('are told with their codecs where they are known, else with where they come from, never a password', async () => {
    const host = await serve((request, response) => {
      if (request.url !== '/api/streams') response.statusCode = 404;
      response.end(
        JSON.stringify({
          yard: { producers: [{ url: 'rtsp://cam:s3cret@192.0.2.7/live' }], consumers: null },
          'front door': {
            producers: [
              {
                url: 'rtsp://x',
                medias: ['video, recvonly, H264', 'audio, recvonly, PCMA/8000', 'audio, sendonly, PCMU/8000'],
              },
            ],
          },
          empty: { producers: null },
          nothing: null,
        }),
      );
    });
    expect(await go2rtcStreams(go2rtcAddress(host), signal)).toEqual([
      { host, login: '', name: 'yard', offers: 'rtsp' },
      { host, login: '', name: 'front door', offers: 'H264, PCMA' },
      { host, login: '', name: 'empty', offers: '' },
      { host, login: '', name: 'nothing', offers: '' },
    ]);
  });

  test('are asked for with the login given', async () => {
    const host = await serve((request, response) => {
      const expected = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
      if (request.headers.authorization !== expected) response.statusCode = 401;
      response.end('{"yard":{}}');
    });
    const streams = await go2rtcStreams(go2rtcAddress(`me:p%40ss@${host}`), signal);
    expect(streams.map(({ name }) => name)).toEqual(['yard']);
    const refused = go2rtcStreams(go2rtcAddress(`me:wrong@${host}`), signal);
    await expect(refused).rejects.toMatchObject({ code: 'go2rtc-refused' });
    await expect(refused).rejects.not.toThrow(/wrong/);
  });

  test.each<[string, RequestListener]>([
    ['a page', answer('<html>')],
    ['a list', answer([1, 2])],
    ['other JSON', answer({ a: 1 })],
    [
      'an answer without end',
      (_request, response) => {
        const more = (): void => {
          while (response.write('x'.repeat(65_536)));
        };
        response.on('drain', more);
        more();
      },
    ],
    ['an error', (_request, response) => response.writeHead(500).end('{}')],
  ])('%s instead of them is told of', async (_what, listener) => {
    const host = await serve(listener);
    await expect(go2rtcStreams(go2rtcAddress(host), signal)).rejects.toMatchObject({
      code: 'go2rtc-garbled',
    });
  });

  test('cannot be had where nobody listens', async () => {
    const address = go2rtcAddress(`127.0.0.1:${await freePort()}`);
    await expect(go2rtcStreams(address, signal)).rejects.toThrow(/does not listen: check that it runs/);
  });

  test('are no longer waited for when the signal says so', async () => {
    const stop = new AbortController();
    const host = await serve(() => stop.abort(new Error('enough')));
    await expect(go2rtcStreams(go2rtcAddress(host), stop.signal)).rejects.toThrow('enough');
  });
});
