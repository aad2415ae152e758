import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { FunctionModule } from '@faascam/core/function';
import { freePort } from '@faascam/core/ports';
import { openStore, type ObjectStore } from '@faascam/core/store';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { hostHandler, storeEvent, type HandlerHost } from './fixture.ts';
import { startBrowser } from './page-site.ts';

const run = promisify(execFile);
const START_US = Date.UTC(2026, 2, 4, 12) * 1000;
const ODD_LABEL = '<img src=x onerror=document.title="taken">';

let directory: string;
let store: ObjectStore;
let viewer: FunctionModule;
let host: HandlerHost;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let faults: string[];
let h264: Buffer;
let hevc: Buffer;
let picture: Buffer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-page-'));
  h264 = await makeMedia('clip.mp4', [
    '-t',
    '20',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-pix_fmt',
    'yuv420p',
  ]);
  hevc = await makeMedia('hevc.mp4', [
    '-t',
    '1',
    '-c:v',
    'libx265',
    '-preset',
    'ultrafast',
    '-tag:v',
    'hvc1',
  ]);
  picture = await makeMedia('snapshot.jpg', ['-frames:v', '1']);
  viewer = await import('./handler.ts');
  browser = await startBrowser();
});

afterAll(async () => {
  await browser.close();
  await rm(directory, { recursive: true });
});

beforeEach(async () => {
  const data = await mkdtemp(join(directory, 'data-'));
  store = await openStore({ kind: 'directory', path: '' }, data);
  process.env['FAASCAM_DATA'] = data;
  process.env['FAASCAM_VIEWER_OPEN'] = '1';
  process.env['NATS_URL'] = `nats://127.0.0.1:${await freePort()}`;
  await viewer.ready?.();
  host = await hostHandler(viewer.default, '/function/viewer');
  context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin' });
  page = await context.newPage();
  faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    // Answers like 503 while NATS is away are told in the page; all else would be a fault of the page.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      faults.push(message.text());
    }
  });
});

afterEach(async () => {
  await context.close();
  await host.stop();
  await viewer.close?.();
  await store.close();
});

async function makeMedia(name: string, args: string[]): Promise<Buffer> {
  const path = join(directory, name);
  const source = ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25'];
  await run('nice', ['ffmpeg', '-v', 'error', ...source, ...args, path]);
  return await readFile(path);
}

/** What the video of the player shows, in seconds. */
async function videoTime(): Promise<number> {
  return await page.locator('#player-video').evaluate((video: { currentTime: number }) => video.currentTime);
}

async function shownEvents(): Promise<(string | null)[]> {
  const cards = await page.locator('[data-event]').all();
  return await Promise.all(cards.map(async (card) => await card.getAttribute('data-event')));
}

/** The event whose card has the focus. */
async function focusedEvent(): Promise<unknown> {
  return await page.evaluate('document.activeElement.closest("[data-event]")?.dataset.event');
}

it('an event is a card with what matters, and a click on it plays its clip', async () => {
  await storeEvent(store, {
    camera: 'yard',
    startUs: START_US,
    labels: ['person', 'dog'],
    score: 0.87,
    clip: h264,
    clipMs: 20_000,
    snapshot: picture,
    demo: true,
    gaps: [{ fromUs: START_US, toUs: START_US + 2_500_000, cause: 'camera-lost' }],
  });
  await page.goto(`${host.url}events`);
  const card = page.getByRole('button', { name: /Person and dog on yard/ });
  await card.waitFor();
  const text = await card.innerText();
  for (const part of ['person', 'dog', 'yard', '13:00:00', '20\u00a0s', '87%', 'incomplete: camera lost']) {
    expect(text).toContain(part);
  }
  expect(text).toContain('demo model');
  const image = card.locator('img');
  await expect
    .poll(async () => await image.evaluate((img: { naturalWidth: number }) => img.naturalWidth))
    .toBe(640);

  await card.click();
  await page.getByRole('dialog', { name: 'Person and dog on yard' }).waitFor();
  await expect.poll(videoTime).toBeGreaterThan(0.3);
  expect(await page.getByText('2.5 s missing').count()).toBe(1);

  // To the end of a clip in one step: only ranges make that possible.
  await page.locator('#player-video').evaluate((video: { currentTime: number }) => {
    video.currentTime = 18;
  });
  await expect.poll(videoTime).toBeGreaterThan(18.2);

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByText('Download clip').click(),
  ]);
  expect(download.suggestedFilename()).toBe('yard-20260304t120000-000000.mp4');
  expect((await readFile(await download.path())).equals(h264)).toBe(true);
  expect(faults).toEqual([]);
});

it('an event tells in the player why it began and ended, its zones and lines, and links to its clean snapshot', async () => {
  const at = { seq: 7, model: 'a'.repeat(64) };
  const sighting = { atUs: START_US, seq: 7, score: 0.81 };
  await storeEvent(store, {
    ...{ camera: 'yard', startUs: START_US, snapshot: picture, clean: h264.subarray(0, 1000) },
    told: {
      zones: ['drive', ODD_LABEL],
      crossings: [{ line: 'gate', direction: 'left-to-right', atUs: START_US, track: 0 }],
      began: {
        ...{ ...at, rule: 'entered-zone', atUs: START_US, track: 0, label: 'person', zone: ODD_LABEL },
        ...{ sightings: [sighting, sighting, sighting], medianScore: 0.81 },
        needed: { hits: 3, medianScore: 0.6 },
      },
      ended: { ...at, rule: 'objects-left', atUs: START_US + 6_000_000, quietMs: 2000 },
    },
  });
  await storeEvent(store, {
    ...{ camera: 'gate', startUs: START_US - 1 },
    told: {
      endReason: undefined,
      ended: { ...at, rule: 'state-lost', atUs: START_US, quietMs: 0 },
    },
  });
  await page.goto(`${host.url}events`);
  await page.getByRole('button', { name: /on yard/ }).click();
  const facts = page.locator('#player-facts > div');
  const fact = async (name: string): Promise<string | undefined> =>
    (
      await facts
        .filter({ has: page.getByText(name, { exact: true }) })
        .locator('dd')
        .textContent()
    )?.replaceAll('\u00a0', ' ');
  expect(await fact('Why it began')).toBe(
    `person entered the zone ${ODD_LABEL}, seen 3 times, median score 81%`,
  );
  expect(await fact('Why it ended')).toBe('the last object left, and nothing followed for 2 s');
  expect(await fact('Zones')).toBe(`drive, ${ODD_LABEL}`);
  expect(await fact('Lines crossed')).toBe('gate left to right');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Clean snapshot' }).click(),
  ]);
  expect((await readFile(await download.path())).equals(h264.subarray(0, 1000))).toBe(true);

  await page.getByRole('button', { name: 'Older event' }).click();
  await page.getByRole('dialog', { name: 'Person on gate' }).waitFor();
  expect(await fact('Why it ended')).toMatch(/^what was known of it was lost/);
  expect(await page.getByText('Why it began').count()).toBe(0);
  expect(await page.getByRole('link', { name: 'Clean snapshot' }).isHidden()).toBe(true);
  expect(await page.title()).toBe('Events · faascam');
  expect(faults).toEqual([]);
});

it('new events come in while a clip plays, without disturbing it or the focus', async () => {
  await storeEvent(store, { camera: 'yard', startUs: START_US, clip: h264, snapshot: picture });
  await page.goto(`${host.url}events`);
  const card = page.getByRole('button', { name: /on yard/ });
  await card.waitFor();
  await card.focus();
  await page.keyboard.press('Enter');
  await expect.poll(videoTime).toBeGreaterThan(0.2);
  const before = await videoTime();

  await storeEvent(store, { camera: 'gate', startUs: START_US + 60_000_000, labels: ['car'] });
  await page.locator('[data-event^="gate-"]').waitFor();
  await expect.poll(videoTime).toBeGreaterThan(before + 0.2);
  expect(await page.locator('#news').textContent()).toBe('New event: Car on gate.');

  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  expect(await focusedEvent()).toMatch(/^yard-/);
  const order = (await shownEvents()).map((id) => id?.slice(0, 4));
  expect(order).toEqual(['gate', 'yard']);

  await storeEvent(store, { camera: 'hall', startUs: START_US + 120_000_000 });
  await page.locator('[data-event^="hall-"]').waitFor();
  expect(await focusedEvent()).toMatch(/^yard-/);
  expect(faults).toEqual([]);
});

it('a filter is kept in the address, and what is shown follows it back', async () => {
  await storeEvent(store, { camera: 'yard', startUs: START_US, labels: ['person'] });
  await storeEvent(store, { camera: 'gate', startUs: START_US + 1, labels: ['car'] });
  // Also under the address that the list had before it had a path of its own.
  await page.goto(`${host.url}?label=car`);
  await page.locator('[data-event]').waitFor();
  expect(await page.locator('[data-event]').count()).toBe(1);
  await page.getByRole('combobox', { name: 'Camera' }).selectOption('yard');
  await page.getByText('No event with “car” on camera “yard”').waitFor();
  expect(new URL(page.url()).search).toBe('?label=car&camera=yard');
  await page.goBack();
  await page.locator('[data-event^="gate-"]').waitFor();
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect.poll(async () => await page.locator('[data-event]').count()).toBe(2);
  expect(new URL(page.url()).search).toBe('');
  expect(faults).toEqual([]);
});

it('older events come as one scrolls, each once', async () => {
  for (let index = 0; index < 60; index += 1) {
    await storeEvent(store, {
      camera: index % 2 === 0 ? 'yard' : 'gate',
      startUs: START_US - index * 7_200_000_000,
    });
  }
  await page.goto(`${host.url}events`);
  await page.locator('[data-event]').first().waitFor();
  await expect
    .poll(async () => {
      await page.mouse.wheel(0, 3000);
      return await page.locator('[data-event]').count();
    })
    .toBe(60);
  const ids = await shownEvents();
  expect(new Set(ids).size).toBe(60);
  expect(await page.locator('#older').isHidden()).toBe(true);
  expect(faults).toEqual([]);
});

it('a label that looks like markup is shown as it is and does nothing', async () => {
  await storeEvent(store, { camera: 'yard', startUs: START_US, labels: [ODD_LABEL] });
  await page.goto(`${host.url}events`);
  await page.locator('.chip', { hasText: ODD_LABEL }).waitFor();
  await page.locator('[data-event] button').click();
  await page.getByRole('dialog').getByText('There is no footage of this event.').waitFor();
  expect(await page.title()).toBe('Events · faascam');
  expect(faults).toEqual([]);
});

it('a clip that the browser cannot play is told so in a sentence, with a link to download it', async () => {
  await storeEvent(store, {
    camera: 'yard',
    startUs: START_US,
    clip: hevc,
    videoCodec: 'hevc',
    snapshot: picture,
  });
  await page.goto(`${host.url}events`);
  await page.locator('[data-event] button').click();
  const fault = page.locator('#player-fault');
  await fault.getByText('which this browser cannot play').waitFor();
  expect(await fault.getByRole('link').getAttribute('href')).toMatch(/clip\.mp4\?download=1$/);
});

it('an empty list says what is being waited for, and a server that is away is said to be', async () => {
  await page.goto(`${host.url}events`);
  await page.getByRole('heading', { name: 'No events yet' }).waitFor();
  await page.getByText('Cameras are out of sight', { exact: false }).waitFor();
  const { port } = new URL(host.url);
  await host.stop();
  await page.getByRole('alert').getByText('The viewer does not answer.', { exact: false }).waitFor();
  host = await hostHandler(viewer.default, '/function/viewer', Number(port));
  await page.getByRole('alert').waitFor({ state: 'hidden' });
});
