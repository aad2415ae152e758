import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { startHttpCamera, type HttpCamera, type HttpCameraOptions } from '@faascam/test-servers/http-camera';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openInput, SourceError, type SourceInput } from './input.ts';
import { parseSource } from './source.ts';
import { openOptions, play, testJpegs } from './test-play.ts';

let jpegs: Buffer[];
const cameras: HttpCamera[] = [];
const inputs: SourceInput[] = [];

beforeAll(async () => {
  jpegs = await testJpegs(4);
});

afterEach(async () => {
  await Promise.all(inputs.splice(0).map((input) => input.close()));
  await Promise.all(cameras.splice(0).map((camera) => camera.stop()));
});

async function camera(
  route: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
  login?: HttpCameraOptions['login'],
): Promise<HttpCamera> {
  const started = await startHttpCamera({ routes: { '/snap.jpg': route }, ...(login && { login }) });
  cameras.push(started);
  return started;
}

async function open(origin: string, pollMs: number, format: 'auto' | 'jpeg' = 'jpeg'): Promise<SourceInput> {
  const settings = { transport: 'tcp', format, pollMs } as const;
  const input = await openInput(parseSource(`${origin}/snap.jpg`), openOptions({ settings }));
  inputs.push(input);
  return input;
}

async function errorOf(opening: Promise<unknown>): Promise<SourceError> {
  const error: unknown = await opening.catch((reason: unknown) => reason);
  if (error instanceof SourceError) return error;
  throw new Error(`no SourceError: ${String(error)}`);
}

function picture(response: ServerResponse, jpeg: Buffer | undefined): void {
  response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpeg);
}

describe('a camera that only gives single pictures', () => {
  test.each([
    ['basic', 'no hash'],
    ['digest', 'MD5'],
    ['digest', 'SHA-256'],
  ] as const)('is told by its answer and plays, with %s authentication (%s)', async (scheme, algorithm) => {
    let count = 0;
    const seen = await camera((_request, response) => picture(response, jpegs[count++ % 4]), {
      ...{ user: 'cam', password: 'p:a/s s%', scheme },
      ...(algorithm === 'no hash' ? {} : { algorithm }),
    });
    const input = await open(seen.origin, 100, 'auto');
    const { times, size } = await play(input, 20);
    expect(input.jpeg).toBe(true);
    expect(size).toBe('320x240');
    expect(times).toHaveLength(20);
    // As often as it was asked, not the 25 a second that ffmpeg makes of what has no times. What came while a slow machine
    // started ffmpeg comes at once.
    const intervals = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(Math.max(...intervals)).toBeGreaterThan(0.06);
  });

  test('that always shows the same goes on', async () => {
    const seen = await camera((_request, response) => picture(response, jpegs[0]));
    expect((await play(await open(seen.origin, 50), 10)).times).toHaveLength(10);
  });

  test('that says 304 shows the same again', async () => {
    let count = 0;
    const seen = await camera((_request, response) => {
      if (count++ === 0) picture(response, jpegs[0]);
      else response.writeHead(304).end();
    });
    expect((await play(await open(seen.origin, 50), 5)).times).toHaveLength(5);
  });

  test('that is slow is never asked twice at once', async () => {
    const seen = await camera(async (_request, response) => {
      await sleep(150);
      picture(response, jpegs[0]);
    });
    expect((await play(await open(seen.origin, 50), 5)).times).toHaveLength(5);
    expect(seen.mostAtOnce).toBe(1);
  });

  test('that fails twice and mends itself goes on', async () => {
    let count = 0;
    const seen = await camera((_request, response) => {
      count += 1;
      if (count === 3 || count === 4) response.writeHead(500).end();
      else picture(response, jpegs[0]);
    });
    const input = await open(seen.origin, 50);
    expect((await play(input, 6)).times).toHaveLength(6);
    expect(input.failure?.()).toBeUndefined();
  });

  test.each([
    [
      'goes away',
      'cut-off',
      (_request: IncomingMessage, response: ServerResponse) => void response.destroy(),
    ],
    [
      'changes its password',
      'wrong-password',
      (_request: IncomingMessage, response: ServerResponse) => void response.writeHead(401).end(),
    ],
    [
      'shows a login page instead',
      'not-a-picture',
      (_request: IncomingMessage, response: ServerResponse) => void response.end('<html>'),
    ],
  ])('that %s ends the stream and leaves the reason', async (_what, code, fails) => {
    let count = 0;
    const seen = await camera((request, response) => {
      if (count++ < 3) picture(response, jpegs[0]);
      else fails(request, response);
    });
    const input = await open(seen.origin, 50);
    expect((await play(input, 1000)).times).toHaveLength(3);
    expect(input.failure?.()).toMatchObject({ code });
  });

  test.each([
    ['a page', Buffer.from('<html>log in</html>'), 'not-a-picture'],
    ['half a picture', undefined, 'not-a-picture'],
    ['nothing', Buffer.alloc(0), 'not-a-picture'],
  ])('that gives %s instead is told', async (_what, body, code) => {
    const seen = await camera((_request, response) => picture(response, body ?? jpegs[0]?.subarray(0, 900)));
    expect(await errorOf(open(seen.origin, 1000))).toMatchObject({
      code,
      message: expect.stringMatching(/no whole JPEG/) as unknown,
    });
  });

  test('that sends without end is stopped', async () => {
    const seen = await camera((_request, response) => {
      const block = Buffer.alloc(1 << 20, 0xff);
      const more = (): void => {
        while (!response.destroyed && response.write(block));
        response.once('drain', more);
      };
      more();
    });
    expect(await errorOf(open(seen.origin, 1000))).toMatchObject({ code: 'too-large', retry: 'slow' });
  });

  test('is asked no more once it is closed', async () => {
    const seen = await camera((_request, response) => picture(response, jpegs[0]));
    const input = await open(seen.origin, 50);
    await expect.poll(() => seen.served.length).toBeGreaterThan(2);
    await input.close();
    const asked = seen.served.length;
    // Several times its interval.
    await sleep(300);
    expect(seen.served).toHaveLength(asked);
  });
});
