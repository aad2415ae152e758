import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { chromium, type Browser, type Page } from 'playwright-core';
import { z } from 'zod';
import { FaascamError } from '@faascam/core/errors';
import { openLiveSite, type LiveSite } from '../live-site.ts';
import { startBenchCamera } from './agent-camera.ts';
import { busyRecording } from './agent-footage.ts';
import { codeOf } from './agent-time-code.ts';
import { atMost, percentile, type Figure } from './figures.ts';

const WATCHED_MS = 20_000;
const COST_MS = 10_000;
const MANY = 10;
const ROUNDS = 5;
const PATIENCE_MS = 30_000;
const AIMS = { webrtc: 250, mse: 500, mjpeg: 500 } as const;

/** Notes the squares of the code in each new picture, and when it was on the screen. */
const SAMPLE = `(() => {
  const canvas = new OffscreenCanvas(40, 1);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  let last = '';
  window.samples = [];
  const look = () => {
    const shown = document.querySelector('video, canvas');
    const width = shown && (shown.videoWidth || shown.width);
    const height = shown && (shown.videoHeight || shown.height);
    if (width) {
      context.drawImage(shown, 0, (height * 4) / 360, width, (height * 8) / 360, 0, 0, 40, 1);
      const data = context.getImageData(0, 0, 40, 1).data;
      const squares = Array.from({ length: 40 }, (_, square) => data[square * 4 + 1]);
      const key = squares.map((value) => (value > 128 ? 1 : 0)).join('');
      if (key !== last) window.samples.push({ atMs: Date.now(), squares });
      last = key;
    }
    requestAnimationFrame(look);
  };
  look();
})()`;

const samples = z.array(z.object({ atMs: z.number(), squares: z.array(z.number()) }));

/**
 * How old a picture is when a browser shows it, by each path, from a camera over RTSP of 1280x720 at 25 fps whose pictures
 * tell when they were made; and what a WebRTC viewer costs the agent. All with the machine's own load.
 */
export async function benchLiveView(scratch: string): Promise<Figure[]> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
      ...['--disable-features=WebRtcHideLocalIpsWithMdns', '--allow-loopback-in-peer-connection'],
    ],
  });
  try {
    return [...(await benchLatency(browser)), ...(await benchCost(browser, scratch))];
  } finally {
    await browser.close();
  }
}

async function benchLatency(browser: Browser): Promise<Figure[]> {
  const camera = await startBenchCamera({ picture: { fps: 25, width: 1280 } });
  const site = await openLiveSite();
  try {
    const recorded = await site.add('yard', camera.url);
    await recorded.until(({ footage }) => footage.ring.stats.segments > 1);
    const figures: Figure[] = [];
    for (const kind of ['webrtc', 'mse', 'mjpeg'] as const)
      figures.push(...(await latencyOf(browser, site, kind)));
    return figures;
  } finally {
    await site.close();
    await camera.kill();
  }
}

async function latencyOf(browser: Browser, site: LiveSite, kind: keyof typeof AIMS): Promise<Figure[]> {
  const page = await open(browser, site, kind);
  // The first pictures come as a burst, and a player takes a moment to catch up.
  await wait(5000);
  await page.evaluate('window.samples.length = 0');
  await wait(WATCHED_MS);
  const seen = samples.parse(await page.evaluate('window.samples'));
  await page.close();
  const ages = seen.flatMap(({ atMs, squares }) => {
    const madeMs = codeOf(squares);
    return madeMs === undefined ? [] : [(atMs - madeMs) & 0x7fffffff];
  });
  if (ages.length < 10)
    throw new FaascamError('no-pictures', `By ${kind} only ${ages.length} pictures were seen.`);
  return [
    { name: `live view by ${kind}: picture made to shown, median`, value: percentile(ages, 50), unit: 'ms' },
    atMost(`live view by ${kind}: picture made to shown, p95`, percentile(ages, 95), 'ms', AIMS[kind]),
    {
      name: `live view by ${kind}: pictures shown a second`,
      value: (ages.length * 1000) / WATCHED_MS,
      unit: '1/s',
    },
  ];
}

/** The agent runs in this process: what viewers add is told by the difference. */
async function benchCost(browser: Browser, scratch: string): Promise<Figure[]> {
  const video = join(scratch, 'busy.ts');
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', await busyRecording(scratch), '-c', 'copy', video]);
  const camera = await startBenchCamera({ picture: { video, codec: 'h264' } });
  const site = await openLiveSite();
  try {
    const recorded = await site.add('yard', camera.url);
    await recorded.until(({ footage }) => footage.ring.stats.segments > 1);
    return await costOf(browser, site);
  } finally {
    await site.close();
    await camera.kill();
  }
}

async function costOf(browser: Browser, site: LiveSite): Promise<Figure[]> {
  const rounds: { one: number; many: number }[] = [];
  while (rounds.length < ROUNDS) {
    await wait(3000);
    const without = await spentS();
    const pages = [await open(browser, site, 'webrtc')];
    await wait(3000);
    const one = (await spentS()) - without;
    while (pages.length < MANY) pages.push(await open(browser, site, 'webrtc'));
    await wait(3000);
    rounds.push({ one, many: (await spentS()) - without });
    for (const page of pages) await page.close();
  }
  const middle = (values: number[]): number => percentile(values, 50);
  return [
    atMost(
      'live view by webrtc: the first viewer, CPU of the agent in 10 s',
      middle(rounds.map(({ one }) => one)),
      's',
      0.1,
    ),
    atMost(
      `live view by webrtc: each of ${MANY} viewers, CPU of the agent in 10 s`,
      middle(rounds.map(({ many }) => many)) / MANY,
      's',
      0.1,
    ),
  ];
}

async function spentS(): Promise<number> {
  const before = process.cpuUsage();
  await wait(COST_MS);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function open(browser: Browser, site: LiveSite, kind: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 640, height: 360 } });
  await page.goto(`${site.pageUrl}?camera=yard&kinds=${kind}`);
  await page.waitForFunction('window.live.paths.length > 0', undefined, { timeout: PATIENCE_MS });
  await page.evaluate(SAMPLE);
  return page;
}
