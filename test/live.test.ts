import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import WebSocket from 'ws';
import { z } from 'zod';
import { makeLiveToken } from '@faascam/core/live-token';
import { makeVideo } from '@faascam/edge-agent/capture/test-video';
import { openLiveSite, PROGRAM, SECRET, type LiveSite } from './live-site.ts';

const WAIT = { timeout: 60_000, interval: 100 };
let site: LiveSite;
let browser: Browser;
const pages: Page[] = [];

beforeAll(async () => {
  site = await openLiveSite();
  const made = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=10:duration=30', '-g', '10', '-bf', '0'];
  const yard = `${site.directory}/yard.mkv`;
  const barn = `${site.directory}/barn.mkv`;
  await makeVideo(...made, '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', yard);
  await makeVideo(
    ...made,
    '-t',
    '5',
    '-c:v',
    'libx265',
    '-preset',
    'ultrafast',
    '-x265-params',
    'log-level=none:bframes=0',
    barn,
  );
  await site.add('yard', `file:${yard}`);
  await site.add('barn', `file:${barn}`);
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
      ...['--disable-features=WebRtcHideLocalIpsWithMdns', '--allow-loopback-in-peer-connection'],
      '--autoplay-policy=no-user-gesture-required',
    ],
  });
});

afterAll(async () => {
  await browser.close();
  await site.close();
});

afterEach(async () => {
  for (const page of pages.splice(0)) await page.close();
});

const told = z.object({
  paths: z.array(z.object({ kind: z.string(), by: z.string() })),
  faults: z.array(z.string()),
});

async function watch(camera: string, kinds = ''): Promise<Page> {
  const page = await browser.newPage();
  pages.push(page);
  await page.goto(`${site.pageUrl}?camera=${camera}${kinds === '' ? '' : `&kinds=${kinds}`}`);
  return page;
}

async function liveOf(page: Page): Promise<z.infer<typeof told>> {
  return told.parse(await page.evaluate('window.live'));
}

/** What the page shows, in a few numbers: another picture has others. */
async function look(page: Page): Promise<string> {
  return String(
    await page.evaluate(`(() => {
      const shown = document.querySelector('video, canvas');
      if (!shown || !(shown.videoWidth || shown.width)) return '';
      const canvas = new OffscreenCanvas(64, 36);
      const context = canvas.getContext('2d');
      context.drawImage(shown, 0, 0, 64, 36);
      return [...context.getImageData(0, 0, 64, 36).data].join();
    })()`),
  );
}

/** Waits until so many different pictures were shown. */
async function seesPictures(page: Page, count: number): Promise<void> {
  const seen = new Set<string>();
  await vi.waitFor(async () => {
    const picture = await look(page);
    if (picture !== '') seen.add(picture);
    expect(seen.size, JSON.stringify(await liveOf(page))).toBeGreaterThanOrEqual(count);
  }, WAIT);
}

async function freed(): Promise<void> {
  await vi.waitFor(() => {
    expect([...site.taps.values()].map(({ takers }) => takers)).toEqual([0, 0]);
  }, WAIT);
}

describe('live view in Chromium', () => {
  test.each([
    ['webrtc', { kind: 'webrtc', by: 'viewer' }],
    ['mse', { kind: 'mse', by: 'agent' }],
    ['mjpeg', { kind: 'mjpeg', by: 'agent' }],
    ['jpeg', { kind: 'jpeg', by: 'viewer' }],
  ])('%s plays, picture after picture, and all is freed when its page is closed', async (kind, path) => {
    const page = await watch('yard', kind);
    // Single pictures come twice a second.
    await seesPictures(page, kind === 'jpeg' ? 3 : 8);
    expect((await liveOf(page)).paths).toEqual([path]);
    await page.close();
    await freed();
  });

  test('a page that is told to stop frees all at once, and WebRTC is what it tries first', async () => {
    const page = await watch('yard');
    await seesPictures(page, 3);
    expect((await liveOf(page)).paths).toEqual([{ kind: 'webrtc', by: 'viewer' }]);
    await page.evaluate('window.stopLive()');
    await freed();
  });

  test('what WebRTC does not carry is shown by another path', async () => {
    const page = await watch('barn');
    await seesPictures(page, 5);
    const { paths, faults } = await liveOf(page);
    expect(paths[0]?.kind).not.toBe('webrtc');
    expect(faults[0]).toBe('Camera barn sends H.265, and WebRTC carries only H.264: use MSE or MJPEG.');
  });

  test('several watch one camera by several paths, and when one leaves the others go on', async () => {
    const [first, second, third] = await Promise.all([
      watch('yard', 'webrtc'),
      watch('yard', 'webrtc'),
      watch('yard', 'mse'),
    ]);
    await Promise.all([first, second, third].map((page) => seesPictures(page, 2)));
    await first.close();
    await Promise.all([second, third].map((page) => seesPictures(page, 5)));
  });
});

/** Asks the agent's live server for something. */
async function ask(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string; response: Response }> {
  const response = await fetch(`${site.url}${path}`, { headers });
  const text = response.ok ? '' : await response.text();
  if (response.ok) await response.body?.cancel();
  return { status: response.status, text, response };
}

const inS = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

describe("the agent's live server", () => {
  test('whoever shows no token, or none that counts, sees nothing', async () => {
    const of = (camera: string, seconds: number, secret = SECRET): string =>
      makeLiveToken(secret, camera, inS(seconds));
    for (const path of ['frame.jpg', 'stream.mjpeg', 'mse']) {
      const at = `/cameras/yard/${path}`;
      expect(await ask(at)).toMatchObject({ status: 401 });
      expect(await ask(`${at}?token=${of('yard', -1)}`)).toMatchObject({ status: 401 });
      expect(await ask(`${at}?token=${of('yard', 60, 'another secret of somebody else')}`)).toMatchObject({
        status: 401,
      });
      expect(await ask(`${at}?token=${of('barn', 60)}`)).toMatchObject({ status: 403 });
      expect(await ask(`${at}?token=${of('yard', 60).replace('yard', 'barn')}`)).toMatchObject({
        status: 401,
      });
    }
    const offer = await fetch(`${site.url}/cameras/yard/whep`, {
      method: 'POST',
      body: 'v=0',
      headers: { 'content-type': 'application/sdp' },
    });
    expect(offer.status).toBe(401);
    const socket = new WebSocket(`${site.url.replace('http', 'ws')}/cameras/yard/mse`);
    await expect(new Promise((_, reject) => socket.once('error', reject))).rejects.toThrow('401');
  });

  test('a program with a token of the config gets pictures, and so does one of the viewer', async () => {
    const bearer = { authorization: `Bearer ${PROGRAM}` };
    const picture = await ask('/cameras/yard/frame.jpg', bearer);
    expect(picture.status).toBe(200);
    expect(picture.response.headers.get('content-type')).toBe('image/jpeg');
    expect(picture.response.headers.get('access-control-allow-origin')).toBe('*');
    expect(Number(picture.response.headers.get('faascam-captured-at'))).toBeGreaterThan(
      (Date.now() - 60_000) * 1000,
    );
    expect(
      await ask(`/cameras/yard/stream.mjpeg?token=${makeLiveToken(SECRET, 'yard', inS(60))}`),
    ).toMatchObject({ status: 200 });
    expect(await ask('/cameras/nowhere/frame.jpg', bearer)).toMatchObject({ status: 404 });
    expect(await ask('/cameras/..%2Fyard/frame.jpg', bearer)).toMatchObject({ status: 400 });
  });

  test('an offer that is none is refused with a sentence', async () => {
    const response = await fetch(`${site.url}/cameras/yard/whep`, {
      method: 'POST',
      body: 'no sdp at all',
      headers: { 'content-type': 'application/sdp', authorization: `Bearer ${PROGRAM}` },
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'bad-offer' });
    const later = await fetch(`${site.url}/cameras/yard/whep/00000000-0000-4000-8000-000000000000`, {
      method: 'PATCH',
      body: 'a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n',
      headers: { 'content-type': 'application/trickle-ice-sdpfrag' },
    });
    expect(later.status).toBe(404);
    expect(await later.json()).toMatchObject({ code: 'no-session' });
  });

  test('a viewer that reads nothing keeps nobody else from seeing', async () => {
    const stuck = new WebSocket(`${site.url.replace('http', 'ws')}/cameras/yard/mse?token=${PROGRAM}`);
    await new Promise((resolve) => stuck.once('open', resolve));
    stuck.pause();
    const page = await watch('yard', 'mse');
    await seesPictures(page, 8);
    stuck.terminate();
    await page.close();
    await freed();
  });
});
