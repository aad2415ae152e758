import { AxeBuilder } from '@axe-core/playwright';
import { activityKey, type ActivityHour } from '@faascam/core/activity';
import { areaSettings } from '@faascam/core/analysis-settings';
import { openActivity } from '@faascam/core/site-buckets';
import type { BrowserContext, BrowserContextOptions, Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { storeEvent } from './fixture.ts';
import { H264, makeMedia, startBrowser, startPageSite, type PageSite } from './page-site.ts';

const DAY = '2026-03-04';
const NOON_US = Date.UTC(2026, 2, 4, 12) * 1000;
const MINUTE_US = 60_000_000;
/** First load of all that the page needs to run, compressed. */
const BUDGET_BYTES = 150_000;
const PAGES = ['', 'cameras/yard', 'events', 'timeline/yard?day=2026-03-04', 'health', 'zones/yard'];

let site: PageSite;
let browser: Browser;
let context: BrowserContext | undefined;
let faults: string[] = [];
let eventId: string;

beforeAll(async () => {
  browser = await startBrowser();
  site = await startPageSite();
  const clip = await makeMedia('clip.mp4', ['-t', '14', ...H264]);
  const picture = await makeMedia('snapshot.jpg', ['-frames:v', '1']);
  eventId = await storeEvent(site.store, {
    ...{ camera: 'yard', startUs: NOON_US, labels: ['person'], clip, snapshot: picture, clipMs: 14_000 },
  });
  await storeEvent(site.store, {
    camera: 'yard',
    startUs: NOON_US + 5 * MINUTE_US,
    labels: ['car'],
    demo: true,
  });
  await storeEvent(site.store, { camera: 'yard', startUs: NOON_US - 30 * 60 * MINUTE_US, labels: ['dog'] });
  await site.tell({
    yard: {},
    gate: {
      state: 'waiting',
      cause: 'Camera gate does not answer: check its cable.',
      lastFrameAtUs: undefined,
    },
  });
  await site.show('yard', picture);
});

afterAll(async () => {
  await browser.close();
  await site.stop();
});

afterEach(async () => {
  await context?.close();
  context = undefined;
});

async function open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
  await context?.close();
  context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options });
  const page = await context.newPage();
  faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      faults.push(message.text());
    }
  });
  await page.goto(site.url + path);
  return page;
}

/** That all is there which was asked for, without waiting for a network that never rests. */
async function settled(page: Page): Promise<void> {
  await page.locator('h1, .empty h2').first().waitFor();
  await page.locator('.link-state[data-state="live"]').waitFor();
}

async function isSeen(page: Page, selector: string): Promise<void> {
  const picture = page.locator(selector);
  await expect
    .poll(async () => await picture.evaluate((img: { naturalWidth: number }) => img.naturalWidth))
    .toBe(640);
}

it('the wall shows each camera’s picture, and why one has none; a click leads to the camera', async () => {
  const page = await open('');
  await isSeen(page, 'a[aria-label="Camera yard, live"] img');
  const gate = page.getByRole('link', {
    name: /^Camera gate, waiting to retry: Camera gate does not answer/,
  });
  await gate.waitFor();
  await page.getByRole('heading', { name: 'Latest events' }).waitFor();
  await page.getByRole('link', { name: /^Camera yard/ }).click();
  expect(new URL(page.url()).pathname).toBe('/function/viewer/cameras/yard');
  await page.getByRole('heading', { level: 1, name: 'yard' }).waitFor();
  await isSeen(page, 'img.live-picture');
  await page.goBack();
  await gate.waitFor();
  expect(faults).toEqual([]);
});

it('the page’s first load is below its budget, and comes from the viewer alone', async () => {
  const page = await open('events');
  await page.locator('[data-event]').first().waitFor();
  const loaded = z.array(z.object({ name: z.string(), bytes: z.number() })).parse(
    await page.evaluate(`performance.getEntriesByType('resource')
      .filter(({ initiatorType }) => initiatorType === 'link' || initiatorType === 'script')
      .map(({ name, encodedBodySize }) => ({ name, bytes: encodedBodySize }))`),
  );
  expect(loaded.map(({ name }) => name.replace(/-[\w-]{8}\./, '.')).sort()).toEqual(
    expect.arrayContaining([`${site.url}assets/index.css`, `${site.url}assets/index.js`]),
  );
  for (const { name } of loaded) expect(name.startsWith(site.url)).toBe(true);
  const bytes = loaded.reduce((sum, each) => sum + each.bytes, 0);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(BUDGET_BYTES);
});

it('an event has an address of its own, and its clip is stepped through and played at another speed by keys', async () => {
  const page = await open(`events/${eventId}`);
  await page.getByRole('dialog', { name: 'Person on yard' }).waitFor();
  const video = page.locator('#player-video');
  const time = async (): Promise<number> =>
    await video.evaluate((shown: { currentTime: number }) => shown.currentTime);
  await expect.poll(time).toBeGreaterThan(0.5);
  await page.getByRole('button', { name: 'Pause' }).click();
  const before = await time();
  await page.keyboard.press('.');
  await page.keyboard.press('.');
  await expect.poll(time).toBeGreaterThan(before + 0.06);
  expect(await time()).toBeLessThan(before + 0.2);
  await page.keyboard.press(',');
  await page.keyboard.press('>');
  const speed = page.getByRole('combobox', { name: 'Speed' });
  await expect.poll(async () => await speed.inputValue()).toBe('1.5');
  // The newer one, beside it in the list, and then back to the list.
  await page.keyboard.press('n');
  await page.getByRole('dialog', { name: 'Car on yard' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  expect(new URL(page.url()).pathname).toBe('/function/viewer/events');
  expect(faults).toEqual([]);
});

it('an event that is gone is said to be', async () => {
  const page = await open('events/yard-20200101t000000-000000');
  await page.getByText('This event is not there.', { exact: false }).waitFor();
});

it('a day is looked through by keys: from event to event, nearer, and into one', async () => {
  const page = await open(`timeline/yard?day=${DAY}`);
  const track = page.getByRole('slider', { name: /camera yard/ });
  await page.getByText('2 events').waitFor();
  await track.focus();
  await expect.poll(async () => await track.getAttribute('aria-valuetext')).toBe('12:05:00, Car');
  await page.keyboard.press('p');
  await expect.poll(async () => await track.getAttribute('aria-valuetext')).toBe('12:00:00, Person');
  // The clip stands at that time: five seconds of pre-roll are before it.
  const video = page.locator('.day-stage video');
  await expect
    .poll(async () => await video.evaluate((shown: { currentTime: number }) => shown.currentTime))
    .toBeCloseTo(5, 1);
  const marks = async (): Promise<string[]> => await page.locator('.track-marks span').allTextContents();
  expect(await marks()).toContain('12:00');
  for (let step = 0; step < 6; step += 1) await page.keyboard.press('+');
  await expect.poll(marks).toContain('12:04');
  await page.keyboard.press('Shift+ArrowRight');
  await expect.poll(async () => await track.getAttribute('aria-valuetext')).toBe('12:10:00');
  await page.getByText('Nothing was stored at this time.').waitFor();
  await page.keyboard.press('p');
  await page.keyboard.press('p');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Person on yard' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'The day before' }).click();
  await page.getByText('1 event', { exact: true }).waitFor();
  expect(new URL(page.url()).search).toBe('?day=2026-03-03');
  expect(faults).toEqual([]);
});

it('what moved is below the events of the day, by sight and in words, and keys lead to it', async () => {
  const bucket = await openActivity(site.nats);
  const put = async (hour: number, moved: Record<number, number>): Promise<void> => {
    const startUs = NOON_US + (hour - 12) * 60 * MINUTE_US;
    const levels = Array.from({ length: 360 }, (_, slot) => moved[slot] ?? 0).join('');
    const value: ActivityHour = { v: 1, camera: 'yard', startUs, levels };
    await bucket.put(activityKey('yard', startUs), JSON.stringify(value));
  };
  // Two minutes from 14:00 on, and ten seconds at 16:30.
  await put(14, { 0: 9, 5: 3, 11: 2 });
  await put(16, { 180: 1 });
  const page = await open(`timeline/yard?day=${DAY}`);
  await page.getByText('motion for 2:10').waitFor();
  const bars = await page.locator('.track-motion path').getAttribute('d');
  // 480 bars are a day: one is three minutes, as high as the most that moved in them.
  expect(bars).toBe('M280 9V0H281V9ZM330 9V8H331V9Z');
  const track = page.getByRole('slider', { name: /camera yard/ });
  await track.focus();
  await page.keyboard.press('m');
  await expect.poll(async () => await track.getAttribute('aria-valuetext')).toBe('14:00:00, motion');
  await page.keyboard.press('m');
  await expect.poll(async () => await track.getAttribute('aria-valuetext')).toBe('16:30:00, motion');
  await page.keyboard.press('Shift+M');
  await page.keyboard.press('ArrowRight');
  await expect.poll(async () => await track.getAttribute('aria-valuetext')).toBe('14:01:00');
  const spells = page.getByRole('list', { name: 'When something moved' }).getByRole('listitem');
  expect(await spells.allTextContents()).toEqual(['14:00 to 14:02', '16:30 to 16:30']);
  expect(faults).toEqual([]);
});

it('the health page tells what each camera does and why one does not', async () => {
  const page = await open('health');
  const gate = page.locator('[data-camera="gate"]');
  await gate.getByText('Camera gate does not answer: check its cable.').waitFor();
  expect(await gate.getByText('waiting to retry').count()).toBe(1);
  await page.getByText('1 of 2 cameras are live.').waitFor();
  const graph = page
    .locator('[data-camera="yard"]')
    .getByRole('img', { name: 'Frames a second over time, now 5' });
  const points = async (): Promise<number> =>
    (await graph.locator('polyline').getAttribute('points'))?.split(' ').length ?? 0;
  await expect.poll(points).toBeGreaterThan(2);
});

it('a zone and a mask are drawn by mouse and keys, and their text is what the config takes', async () => {
  const page = await open('zones/yard');
  await isSeen(page, '.board img');
  const box = await page.locator('.board').boundingBox();
  if (box === null) throw new Error('The board is not shown.');
  const click = async (x: number, y: number): Promise<void> => {
    await page.mouse.click(box.x + x * box.width, box.y + y * box.height);
  };
  await page.getByRole('button', { name: 'Add zone' }).click();
  for (const [x, y] of [
    [0.1, 0.5],
    [0.6, 0.5],
    [0.6, 0.9],
    [0.1, 0.9],
  ] as const) {
    await click(x, y);
  }
  await click(0.1, 0.5);
  const config = z.object(areaSettings);
  const text = async (): Promise<z.infer<typeof config>> =>
    config.parse(parse((await page.locator('#yaml').textContent()) ?? ''));
  const zone = (await text()).zones['zone-1'];
  expect(zone?.polygon).toHaveLength(4);
  expect(zone?.polygon[2]?.[0]).toBeCloseTo(0.6, 2);
  expect(zone?.polygon[2]?.[1]).toBeCloseTo(0.9, 2);

  // Renamed, moved by mouse and by keys, and back a step.
  await page.getByRole('textbox', { name: 'Name: zone-1' }).fill('porch');
  await page.keyboard.press('Tab');
  await page.getByRole('checkbox', { name: 'Only who enters it makes events' }).check();
  const corner = page.getByRole('button', { name: /^Corner 3,/ });
  await corner.hover();
  await page.mouse.down();
  await page.mouse.move(box.x + 0.7 * box.width, box.y + 0.8 * box.height, { steps: 4 });
  await page.mouse.up();
  await corner.focus();
  await page.keyboard.press('Shift+ArrowRight');
  await expect.poll(async () => (await text()).zones['porch']?.polygon[2]?.[0]).toBeCloseTo(0.75, 2);
  expect((await text()).zones['porch']?.required).toBe(true);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(async () => (await text()).zones['porch']?.polygon[2]?.[0]).toBeCloseTo(0.7, 2);

  // A mask by keys alone.
  await page.getByRole('button', { name: 'Add mask' }).focus();
  await page.keyboard.press('Enter');
  for (const key of ['Enter', 'ArrowRight', 'Enter', 'ArrowDown', 'Enter']) await page.keyboard.press(key);
  await page.keyboard.press('Escape');
  expect((await text()).masks).toEqual([
    [
      [0.5, 0.5],
      [0.52, 0.5],
      [0.52, 0.52],
    ],
  ]);

  // It is still there after the page was opened anew.
  const drawn = await text();
  await page.reload();
  await page.getByRole('textbox', { name: 'Name: porch' }).waitFor();
  expect(await text()).toEqual(drawn);
  expect(faults).toEqual([]);
});

it('zone, score and days filter the events, out of the address and into it', async () => {
  const stored = await storeEvent(site.store, {
    ...{ camera: 'gate', startUs: NOON_US - 60 * 60 * MINUTE_US, labels: ['dog'], score: 0.95 },
    told: { zones: ['drive'] },
  });
  site.viewer.noteStored(stored);
  const page = await open('events?zone=drive');
  const shown = page.locator('[data-event]');
  await page.locator('[data-event^="gate-"]').waitFor();
  expect(await shown.count()).toBe(1);
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect.poll(async () => await shown.count()).toBeGreaterThan(3);
  await page.getByRole('textbox', { name: 'To' }).fill('2026-03-03');
  await expect.poll(async () => await shown.count()).toBe(2);
  await page.getByRole('combobox', { name: 'Score' }).selectOption('90');
  await page.getByRole('textbox', { name: 'From' }).fill('2026-03-03');
  await page.locator('[data-event^="yard-20260303"]').waitFor();
  await expect.poll(async () => await shown.count()).toBe(1);
  expect(new URL(page.url()).search).toBe('?to=2026-03-03&score=90&from=2026-03-03');
  expect(faults).toEqual([]);
});

it('the page speaks German and is dark where that was chosen, also after it was opened anew', async () => {
  const page = await open('events', { locale: 'de-DE', colorScheme: 'light' });
  await page.getByRole('heading', { level: 1, name: 'Ereignisse' }).waitFor();
  await page.getByRole('button', { name: /^Person vor yard/ }).waitFor();
  await page.getByRole('button', { name: 'Einstellungen' }).click();
  await page.getByRole('combobox', { name: 'Aussehen' }).selectOption('dark');
  await page.getByRole('combobox', { name: 'Sprache' }).selectOption('en');
  await page.getByRole('heading', { level: 1, name: 'Events' }).waitFor();
  const ground = async (): Promise<string> =>
    z.string().parse(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
  expect(await ground()).toBe('rgb(13, 17, 23)');
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Events' }).waitFor();
  expect(await ground()).toBe('rgb(13, 17, 23)');
  expect(await page.evaluate('document.documentElement.lang')).toBe('en');
});

it('everything fits a phone, and the places to go are in reach', async () => {
  const page = await open('', { viewport: { width: 360, height: 720 }, hasTouch: true, isMobile: true });
  for (const path of PAGES) {
    await page.goto(site.url + path);
    await settled(page);
    const wide = z.number().parse(await page.evaluate('document.documentElement.scrollWidth'));
    expect(wide, path).toBeLessThanOrEqual(360);
    const nav = await page.getByRole('navigation').boundingBox();
    expect((nav?.y ?? 0) + (nav?.height ?? 0), path).toBeGreaterThan(700);
  }
  await page.getByRole('link', { name: 'Events' }).tap();
  await page.locator('[data-event] button').first().tap();
  await page.getByRole('dialog').waitFor();
});

it.each(['light', 'dark'] as const)('axe finds no serious fault on any page (%s)', async (colorScheme) => {
  const page = await open('', { colorScheme });
  const serious: string[] = [];
  for (const path of [...PAGES, `events/${eventId}`]) {
    await page.goto(site.url + path);
    await settled(page);
    if (path.startsWith('events/')) await page.getByRole('dialog').waitFor();
    else if (path.startsWith('events')) await page.locator('[data-event]').first().waitFor();
    const axe = new AxeBuilder({ page });
    // The theme changes nothing but colours.
    const { violations } = await (
      colorScheme === 'light' ? axe : axe.withRules(['color-contrast'])
    ).analyze();
    serious.push(
      ...violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(
          ({ id, nodes }) =>
            `${path}: ${id}: ${nodes
              .map(({ html }) => html)
              .join(' ')
              .slice(0, 300)}`,
        ),
    );
  }
  expect(serious).toEqual([]);
});
