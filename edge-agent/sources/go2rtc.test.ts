import { startHttpCamera } from '@faascam/test-servers/http-camera';
import { startRtspCamera } from '@faascam/test-servers/rtsp-camera';
import { afterEach, describe, expect, test } from 'vitest';
import { openInput } from './input.ts';
import { parseSource } from './source.ts';
import { openOptions, watch } from './test-play.ts';

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

/** The address that ffmpeg would be given. */
async function addressOf(text: string): Promise<string | undefined> {
  const input = await openInput(parseSource(text), openOptions());
  await input.close();
  return input.args.at(-1);
}

describe('go2rtc://', () => {
  async function go2rtc(names: string[] | undefined) {
    const started = await startHttpCamera({
      login: { user: 'cam', password: 'geheim', scheme: 'basic' },
      routes: {
        '/api/streams': (_request, response) => {
          if (names === undefined) response.writeHead(404).end();
          else
            response.end(JSON.stringify(Object.fromEntries(names.map((name) => [name, { producers: [] }]))));
        },
      },
    });
    stops.push(() => started.stop());
    return started;
  }

  test('plays a stream that its API knows', async () => {
    const rtsp = await startRtspCamera({
      lavfi: 'testsrc2=size=320x240:rate=10',
      user: 'cam',
      password: 'geheim',
    });
    stops.push(() => rtsp.stop());
    const { origin } = await go2rtc(['cam', 'yard']);
    const { times } = await watch(`${origin.replace('http', 'go2rtc')}/cam?rtsp=${rtsp.port}`, 3);
    expect(times).toHaveLength(3);
  });

  test('names the streams that there are', async () => {
    const { origin } = await go2rtc(['front', 'yard']);
    await expect(addressOf(`${origin.replace('http', 'go2rtc')}/garden`)).rejects.toMatchObject({
      ...{ code: 'not-found', retry: 'soon' },
      message: 'is no stream of this go2rtc: it has front, yard',
    });
  });

  test('whose API is closed is tried all the same', async () => {
    const { origin } = await go2rtc(undefined);
    expect(await addressOf(`${origin.replace('http', 'go2rtc')}/yard`)).toBe(
      'rtsp://cam:geheim@127.0.0.1:8554/yard',
    );
    expect(await addressOf('go2rtc://127.0.0.1:1/yard')).toBe('rtsp://127.0.0.1:8554/yard');
  });
});
