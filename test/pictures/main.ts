import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '@faascam/core/ports';
import { chromium, type Browser, type BrowserContextOptions } from 'playwright-core';
import sharp from 'sharp';
import { startUp } from '../bench/up.ts';

/**
 * `node test/dist/pictures/main.js [FOLDER]`: runs the demo for a while and takes the pictures of the page that the docs
 * show, into docs/images or FOLDER. Takes some three minutes.
 */
const PORCH = [
  [0.04, 0.56],
  [0.4, 0.56],
  [0.4, 0.95],
  [0.04, 0.95],
];
const HEDGE = [
  [0.62, 0.02],
  [0.99, 0.02],
  [0.99, 0.4],
  [0.62, 0.4],
];
/** The scene lasts a minute: by then there are some events of each camera. */
const EVENTS = 6;
const LONGEST_WAIT_MS = 300_000;

interface Shot {
  name: string;
  path: string;
  options?: BrowserContextOptions;
  /** What must be there. */
  until: string;
  /** Zones drawn on this device. */
  drawn?: boolean;
}

const desktop: BrowserContextOptions = { viewport: { width: 1280, height: 800 } };
const dark: BrowserContextOptions = { ...desktop, colorScheme: 'dark' };
const phone: BrowserContextOptions = {
  ...{ viewport: { width: 390, height: 844 }, deviceScaleFactor: 1, isMobile: true, hasTouch: true },
};

const shots = (event: string): Shot[] => [
  { name: 'page', path: '', until: '.latest img' },
  { name: 'page-dark', path: '', until: '.latest img', options: dark },
  { name: 'page-phone', path: '', until: '.latest img', options: phone },
  { name: 'events', path: 'events', until: '[data-event] img' },
  { name: 'player', path: `events/${event}`, until: '#player-facts' },
  { name: 'timeline', path: 'timeline/front', until: '.day-stage video', options: dark },
  { name: 'health', path: 'health', until: '.graph polyline' },
  { name: 'zones', path: 'zones/front', until: '.board img:not([hidden])', drawn: true },
];

const folder = process.argv[2] ?? new URL('../../../docs/images/', import.meta.url).pathname;
const scratch = await mkdtemp(join(tmpdir(), 'faascam-pictures-'));
const port = await freePort();
const url = `http://127.0.0.1:${String(port)}/`;
const up = await startUp(scratch, {
  page: { port },
  cameras: { front: { source: 'demo:' }, garden: { source: 'demo:' } },
});
try {
  await mkdir(folder, { recursive: true });
  const event = await firstOf(EVENTS);
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
  });
  for (const shot of shots(event)) await take(browser, shot);
  await browser.close();
} finally {
  await up.stop();
  await rm(scratch, { recursive: true, force: true });
}

/** Waits for so many events, and gives the id of one with a clip. */
async function firstOf(count: number): Promise<string> {
  const untilMs = Date.now() + LONGEST_WAIT_MS;
  while (Date.now() < untilMs) {
    const answer: unknown = await (await fetch(`${url}api/events`)).json().catch(() => undefined);
    const ids = idsIn(answer);
    const [newest] = ids;
    if (newest !== undefined && ids.length >= count) return newest;
    await wait(1000);
  }
  throw new Error(`The demo made fewer than ${String(count)} events.`);
}

function idsIn(answer: unknown): string[] {
  if (typeof answer !== 'object' || answer === null || !('events' in answer)) return [];
  if (!Array.isArray(answer.events)) return [];
  const events: unknown[] = answer.events;
  return events.flatMap((event) =>
    typeof event === 'object' && event !== null && 'id' in event && typeof event.id === 'string'
      ? [event.id]
      : [],
  );
}

async function take(browser: Browser, { name, path, options = desktop, until, drawn }: Shot): Promise<void> {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  if (drawn === true) {
    const zones = JSON.stringify({
      masks: [HEDGE],
      zones: { porch: { polygon: PORCH, required: true } },
      lines: {},
    });
    await context.addInitScript(`localStorage.setItem('faascam.zones.front', ${JSON.stringify(zones)})`);
  }
  const page = await context.newPage();
  await page.goto(url + path);
  await page.locator(until).first().waitFor();
  if (drawn === true) await page.getByRole('button', { name: 'Zone porch' }).click();
  // For pictures that come in and lines that grow.
  await wait(6000);
  const picture = await page.screenshot();
  // 256 colours are enough for the docs, at a third of the size.
  await sharp(picture)
    .png({ palette: true, effort: 10 })
    .toFile(join(folder, `${name}.png`));
  await context.close();
}
