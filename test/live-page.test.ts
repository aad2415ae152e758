import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { freePort, requirePort } from '@faascam/core/ports';
import { makeVideo } from '@faascam/edge-agent/capture/test-video';
import { userOf } from '@faascam/viewer/auth/fixture';
import { usersText } from '@faascam/viewer/auth/users-file';
import { startFaascam, type Running } from './program.ts';

/**
 * The page's own tiles, as a user has them: `faascam up` with a login, its demo, and a camera over RTSP that
 * `faascam simulate` shows.
 */

// All of faascam starts here, and two browsers: on a loaded machine that takes long.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });
const WAIT = { timeout: 90_000, interval: 100 };
const scratch = mkdtempSync(join(tmpdir(), 'faascam-live-page-'));
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
];
const NO_UDP = '--webrtc-ip-handling-policy=disable_non_proxied_udp';

let browser: Browser;
/** Nothing but TCP gets out of it, as from behind a strict firewall. */
let walledBrowser: Browser;
let simulate: string[];
let camera: Running;
let up: Running;
let url = '';
/** Of whoever has logged in by the page's form. */
let session: Exclude<BrowserContextOptions['storageState'], string | undefined>;
let pages: Page[] = [];

beforeAll(async () => {
  const recording = join(scratch, 'yard.mp4');
  await makeVideo(
    ...[
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=320x180:rate=10:duration=20',
      '-f',
      'lavfi',
      '-i',
      'sine=duration=20',
    ],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '10', '-bf', '0'],
    ...['-c:a', 'aac', '-shortest', recording],
  );
  const port = await freePorts();
  simulate = ['simulate', recording, '--port', String(port)];
  const data = join(scratch, 'data');
  mkdirSync(data);
  writeFileSync(
    join(data, 'viewer-users.yml'),
    usersText({ users: [await userOf('ann', 'viewer')], tokens: [] }),
    {
      mode: 0o600,
    },
  );
  const config = join(scratch, 'faascam.yml');
  const cameras = {
    yard: { source: `rtsp://127.0.0.1:${port + 1}/yard` },
    // The same, as MPEG-TS with its sound.
    barn: { source: `http://127.0.0.1:${port}/yard/stream.ts` },
    demo: { source: 'demo:' },
  };
  writeFileSync(config, JSON.stringify({ data, page: { port: await freePort() }, cameras }));
  camera = startFaascam(simulate);
  up = startFaascam(['up', '--config', config]);
  const webRtc = ['--disable-features=WebRtcHideLocalIpsWithMdns', '--allow-loopback-in-peer-connection'];
  const executablePath = '/usr/bin/chromium';
  browser = await chromium.launch({ executablePath, args: [...ARGS, ...webRtc] });
  walledBrowser = await chromium.launch({ executablePath, args: [...ARGS, NO_UDP] });
  await camera.said(/The cameras are on/);
  [, url = ''] = await up.said(/ready: (http:\S+)/);
  const page = await open(browser, '');
  await logIn(page);
  for (const name of ['yard', 'demo']) await page.locator(tile(name)).waitFor(WAIT);
  session = await page.context().storageState();
});

afterAll(async () => {
  await browser.close();
  await walledBrowser.close();
  await up.stop();
  await camera.stop();
  rmSync(scratch, { recursive: true });
});

afterEach(async () => {
  for (const page of pages) await page.context().close();
  pages = [];
});

/** Two in a row: the second one is RTSP's. */
async function freePorts(): Promise<number> {
  for (;;) {
    const port = await freePort();
    const next = await requirePort(port + 1, '127.0.0.1', 'RTSP').then(
      () => true,
      () => false,
    );
    if (next) return port;
  }
}

async function open(by: Browser, path: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await by.newContext({ locale: 'en-GB', ...options });
  const page = await context.newPage();
  pages.push(page);
  return await goTo(page, path);
}

async function logIn(page: Page): Promise<void> {
  await page.getByLabel('User name').fill('ann');
  await page.getByLabel('Password').fill('password of ann');
  await page.getByRole('button', { name: 'Log in' }).click();
}

async function goTo(page: Page, path: string): Promise<Page> {
  await page.goto(url + path);
  return page;
}

/** What refuses to be reached. */
type Refused = 'webrtc' | 'mse' | "the agent's MJPEG" | "the viewer's MJPEG";

async function openRefused(path: string, refused: readonly Refused[]): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-GB', storageState: session });
  const page = await context.newPage();
  pages.push(page);
  const pageHost = new URL(url).host;
  await page.route('**/whep', (route) => (refused.includes('webrtc') ? route.abort() : route.continue()));
  if (refused.includes('mse')) await page.routeWebSocket(/\/mse/, (socket) => socket.close());
  await page.route('**/stream.mjpeg*', (route) => {
    const by = new URL(route.request().url()).host === pageHost ? 'viewer' : 'agent';
    return refused.includes(`the ${by}'s MJPEG`) ? route.abort() : route.continue();
  });
  return await goTo(page, path);
}

const seen = z.object({
  /** What shows the pictures; live view is over the single pictures only while it plays. */
  by: z.enum(['webrtc', 'mse', 'canvas', 'img', 'none']),
  frames: z.number(),
  seconds: z.number(),
  /** Of what is shown, in a few numbers: another picture has others. */
  picture: z.string(),
});

/** What the box of a camera shows: a tile of the wall, or the stage of the single view. */
async function look(page: Page, box: string): Promise<z.infer<typeof seen>> {
  return seen.parse(
    await page.evaluate(`(() => {
      const box = document.querySelector(${JSON.stringify(box)});
      const live = box?.querySelector('.live-way[data-playing]');
      const shown = live?.querySelector('video, canvas') ?? box?.querySelector('img:not([hidden])');
      const none = { by: 'none', frames: 0, seconds: 0, picture: '' };
      const width = shown?.videoWidth || shown?.naturalWidth || shown?.width;
      if (!width) return none;
      const canvas = new OffscreenCanvas(64, 36);
      const context = canvas.getContext('2d');
      context.drawImage(shown, 0, 0, 64, 36);
      const picture = [...context.getImageData(0, 0, 64, 36).data].join();
      const name = shown.localName;
      if (name !== 'video') return { ...none, by: name, picture };
      const frames = shown.getVideoPlaybackQuality().totalVideoFrames;
      return { by: shown.srcObject ? 'webrtc' : 'mse', frames, seconds: shown.currentTime, picture };
    })()`),
  );
}

/** The best first. */
const WAYS: readonly string[] = ['none', 'img', 'webrtc', 'mse', 'canvas'];

const tile = (name: string): string => `.tile-box:has(a[href$="cameras/${name}"])`;
const STAGE = '.live-stage';

/** Waits until the box shows one picture after the other, by this. */
async function plays(page: Page, box: string, by: z.infer<typeof seen>['by']): Promise<void> {
  await vi.waitFor(async () => {
    const now = await look(page, box);
    // On a loaded machine the page has given up the better way, and will try it again when it is opened anew.
    if (WAYS.indexOf(now.by) > WAYS.indexOf(by)) await page.reload();
    expect(now.by).toBe(by);
  }, WAIT);
  const first = await look(page, box);
  const pictures = new Set<string>();
  await vi.waitFor(async () => {
    const now = await look(page, box);
    expect(now.by).toBe(by);
    pictures.add(now.picture);
    expect(pictures.size).toBeGreaterThanOrEqual(3);
    if (by !== 'webrtc' && by !== 'mse') return;
    expect(now.frames).toBeGreaterThan(first.frames + 5);
    expect(now.seconds).toBeGreaterThan(first.seconds + 0.5);
  }, WAIT);
}

test('whoever has logged in sees the demo and a camera, each playing in its tile by WebRTC, and one large', async () => {
  const page = await open(browser, '', { storageState: session });
  for (const name of ['yard', 'demo']) await plays(page, tile(name), 'webrtc');
  await page.getByRole('link', { name: 'Camera yard, live' }).click();
  await plays(page, STAGE, 'webrtc');
  await page.getByText('by WebRTC').waitFor();
  await page.goBack();
  await plays(page, tile('demo'), 'webrtc');
});

test('live views end before the login does, while they still may say so', async () => {
  const page = await open(browser, '');
  await logIn(page);
  await plays(page, tile('demo'), 'webrtc');
  const ended: string[] = [];
  page.on('response', (response) => {
    if (response.request().method() !== 'DELETE') return;
    ended.push(`${/whep|session/.exec(response.url())?.[0]} ${response.status()}`);
  });
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  expect(ended.at(-1)).toMatch(/^session 2/);
  expect(ended.filter((each) => each.startsWith('whep 2')).length).toBe(ended.length - 1);
  expect(ended.length).toBeGreaterThan(1);
});

test('where no UDP gets through, tiles play by MSE, and one waits for that but once', async () => {
  const page = await open(walledBrowser, '', { storageState: session });
  await plays(page, tile('demo'), 'mse');
  await plays(page, tile('yard'), 'mse');
  const offers: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/whep')) offers.push(request.url());
  });
  await page.getByRole('link', { name: 'Camera yard, live' }).click();
  await plays(page, STAGE, 'mse');
  await page.getByText('by MSE').waitFor();
  expect(offers).toEqual([]);
});

test.each<[Refused[], z.infer<typeof seen>['by'], string]>([
  [['webrtc'], 'mse', 'MSE'],
  [['webrtc', 'mse'], 'canvas', 'MJPEG'],
  [['webrtc', 'mse', "the agent's MJPEG"], 'canvas', 'MJPEG'],
  [['webrtc', 'mse', "the agent's MJPEG", "the viewer's MJPEG"], 'img', 'single pictures'],
])('where %s is refused, a camera still plays: as %s, by %s', async (refused, by, words) => {
  const page = await openRefused('', refused);
  await plays(page, tile('yard'), by);
  await page.getByRole('link', { name: 'Camera yard, live' }).click();
  await page.locator('.state').getByText(`by ${words}`).waitFor();
});

test('sound is off until it is switched on, comes by MSE, and is said not to be there where it is not', async () => {
  const page = await open(browser, 'cameras/barn', { storageState: session });
  await plays(page, STAGE, 'webrtc');
  expect(await heard(page)).toEqual({ muted: true, bytes: 0 });
  const button = page.getByRole('button', { name: 'Sound' });
  expect(await button.getAttribute('aria-pressed')).toBe('false');
  await button.click();
  await plays(page, STAGE, 'mse');
  expect(await button.getAttribute('aria-pressed')).toBe('true');
  const before = await heard(page);
  expect(before.muted).toBe(false);
  await vi.waitFor(
    async () => expect((await heard(page)).bytes).toBeGreaterThan(before.bytes + 10_000),
    WAIT,
  );
  await button.click();
  await vi.waitFor(async () => expect(await heard(page)).toEqual({ muted: true, bytes: 0 }), WAIT);

  await goTo(page, 'cameras/demo');
  await button.click();
  await page.getByText('This camera sends no sound.').waitFor();
  await plays(page, STAGE, 'mse');
});

/** Of the video on the stage: whether it may be heard, and how much sound was decoded. */
async function heard(page: Page): Promise<{ muted: boolean; bytes: number }> {
  return z.object({ muted: z.boolean(), bytes: z.number() }).parse(
    await page.evaluate(`(() => {
      const video = document.querySelector('${STAGE} video');
      return { muted: video?.muted ?? true, bytes: video?.webkitAudioDecodedByteCount ?? 0 };
    })()`),
  );
}

test('a camera that goes dark is said so in its tile, and plays again when it is back', async () => {
  const page = await open(browser, '', { storageState: session });
  await plays(page, tile('yard'), 'webrtc');
  await camera.stop();
  const dark = page.getByRole('link', { name: /^Camera yard, waiting to retry: Camera yard .*/ });
  await dark.waitFor(WAIT);
  // What is shown no more is not taken for what is now.
  await vi.waitFor(async () => expect((await look(page, tile('yard'))).by).not.toBe('webrtc'), WAIT);
  await plays(page, tile('demo'), 'webrtc');

  camera = startFaascam(simulate);
  await camera.said(/The cameras are on/);
  await page.getByRole('link', { name: 'Camera yard, live', exact: true }).waitFor(WAIT);
  await plays(page, tile('yard'), 'webrtc');
});

test('on a phone tiles play below each other, and a tap shows one as wide as the screen', async () => {
  const page = await open(browser, '', { ...PHONE, storageState: session });
  await plays(page, tile('demo'), 'webrtc');
  await plays(page, tile('yard'), 'webrtc');
  const [yard, demo] = [await boxOf(page, tile('yard')), await boxOf(page, tile('demo'))];
  expect(yard.x).toBe(demo.x);
  expect(yard.width).toBeGreaterThan(330);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
  await page.getByRole('link', { name: 'Camera yard, live' }).tap();
  await plays(page, STAGE, 'webrtc');
  const stage = await boxOf(page, STAGE);
  expect(stage.width).toBeGreaterThan(350);
  expect(stage.width / stage.height).toBeCloseTo(16 / 9, 1);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
});

async function boxOf(page: Page, selector: string): Promise<{ x: number; width: number; height: number }> {
  const box = await page.locator(selector).boundingBox();
  if (box === null) throw new Error(`${selector} is not to be seen`);
  return box;
}
