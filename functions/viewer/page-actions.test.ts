import { AxeBuilder } from '@axe-core/playwright';
import { AckPolicy } from '@nats-io/jetstream';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { keptEvent } from '@faascam/core/event-keeping';
import { eventKey } from '@faascam/core/ids';
import { clipWanted } from '@faascam/core/messages';
import { readObject } from '@faascam/core/read-object';
import { streams } from '@faascam/core/subjects';
import { userOf, startLoginSite, type LoginSite } from './auth/fixture.ts';
import { manifestOf, storeEvent, type EventFixture } from './fixture.ts';
import { loadPageFiles } from './page-files.ts';
import { H264, makeMedia, startBrowser, startPageSite, type PageSite } from './page-site.ts';

const NOON_US = Date.UTC(2026, 2, 4, 12) * 1000;

let browser: Browser;
let context: BrowserContext | undefined;
let h264: Buffer;
let hevc: Buffer;
let strip: Buffer;

beforeAll(async () => {
  browser = await startBrowser();
  h264 = await makeMedia('clip.mp4', ['-t', '6', ...H264]);
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
  strip = await makeMedia('strip.jpg', ['-vf', 'fps=1,scale=160:-2,tile=4x2', '-frames:v', '1']);
});
afterAll(async () => {
  await browser.close();
});
afterEach(async () => {
  await context?.close();
  context = undefined;
});

async function open(url: string): Promise<Page> {
  context ??= await browser.newContext({
    locale: 'en-GB',
    timezoneId: 'UTC',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** What axe finds that keeps people out. */
async function seriousFaults(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' ')}`);
}

async function videoOf(page: Page): Promise<{ src: string; time: number; paused: boolean }> {
  return await page
    .locator('#player-video')
    .evaluate((video: { currentSrc: string; currentTime: number; paused: boolean }) => ({
      src: video.currentSrc.slice(video.currentSrc.lastIndexOf('/') + 1),
      time: video.currentTime,
      paused: video.paused,
    }));
}

/** An event with further clips beside the first. */
async function storeClips(
  { store, viewer }: Pick<PageSite, 'store'> & Partial<Pick<PageSite, 'viewer'>>,
  fixture: EventFixture & { clip: Buffer },
  more: { part2?: Buffer; h264?: Buffer; strip?: Buffer },
): Promise<string> {
  const id = await storeEvent(store, fixture);
  const receipt = manifestOf(fixture);
  const { clip, requested } = receipt;
  if (clip === undefined) throw new Error('no clip');
  const fileOf = async (name: 'clip-2.mp4' | 'clip-h264.mp4', bytes: Buffer, codec: string) => {
    await store.put(eventKey(id, name), bytes, { contentType: 'video/mp4' });
    return { ...clip, key: eventKey(id, name), sizeBytes: bytes.length, video: { ...clip.video, codec } };
  };
  const parts = more.part2 && [
    { ...clip, delivered: requested },
    { ...(await fileOf('clip-2.mp4', more.part2, 'h264')), delivered: requested },
  ];
  const renditions = more.h264 && [await fileOf('clip-h264.mp4', more.h264, 'h264')];
  if (more.strip) await store.put(eventKey(id, 'strip.jpg'), more.strip, { contentType: 'image/jpeg' });
  const tiles = more.strip && {
    ...{ key: eventKey(id, 'strip.jpg'), sha256: 'a'.repeat(64), sizeBytes: more.strip.length },
    ...{ columns: 4, count: 6, tileWidth: 160, tileHeight: 90, everyMs: 1000 },
  };
  const whole = {
    ...receipt,
    ...(parts && { parts }),
    ...(renditions && { renditions }),
    ...(tiles && { strip: tiles }),
  };
  await store.put(eventKey(id, 'event.json'), Buffer.from(JSON.stringify(whole)), {
    contentType: 'application/json',
  });
  viewer?.noteStored(id);
  return id;
}

describe('an event', () => {
  let site: PageSite;
  beforeAll(async () => {
    site = await startPageSite();
  });
  afterAll(async () => {
    await site.stop();
  });

  it('that the browser cannot play as it came is played as H.264, and the other can be chosen', async () => {
    const fixture = { camera: 'yard', startUs: NOON_US, clip: hevc, clipMs: 1000, videoCodec: 'hevc' };
    const id = await storeClips(site, fixture, { h264 });
    const page = await open(`${site.url}events/${id}`);
    await expect.poll(async () => (await videoOf(page)).time).toBeGreaterThan(0.3);
    expect((await videoOf(page)).src).toBe('clip-h264.mp4');
    const choice = page.getByRole('combobox', { name: 'Video' });
    expect(await choice.inputValue()).toBe('h264');
    const link = page.getByRole('link', { name: 'Download clip' });
    expect(await link.getAttribute('href')).toMatch(/clip-h264\.mp4\?download=1$/);
    await choice.selectOption('original');
    // This browser has no HEVC: it comes back to what it plays.
    await expect.poll(async () => await choice.inputValue()).toBe('h264');
    await expect.poll(async () => (await videoOf(page)).time).toBeGreaterThan(0.3);
    expect(await page.locator('#player-fault').count()).toBe(0);
  });

  it('of several parts goes on with the next, and each can be chosen', async () => {
    const fixture = { camera: 'yard', startUs: NOON_US + 60_000_000, clip: h264, clipMs: 6000 };
    const id = await storeClips(site, fixture, { part2: h264 });
    const page = await open(`${site.url}events/${id}`);
    await expect.poll(async () => (await videoOf(page)).time).toBeGreaterThan(0.1);
    const part = page.getByRole('combobox', { name: 'Part' });
    expect(await part.locator('option').allTextContents()).toEqual(['1 of 2', '2 of 2']);
    expect((await videoOf(page)).src).toBe('clip.mp4');
    await page.locator('#player-video').evaluate((video: { currentTime: number }) => {
      video.currentTime = 5.7;
    });
    await expect.poll(async () => (await videoOf(page)).src).toBe('clip-2.mp4');
    await expect.poll(async () => (await videoOf(page)).time).toBeGreaterThan(0.1);
    await part.selectOption('1');
    await expect.poll(async () => (await videoOf(page)).src).toBe('clip.mp4');
  });

  it('shows its strip where one points, and goes there; pictures are stepped through and the speed is chosen by buttons', async () => {
    const fixture = { camera: 'yard', startUs: NOON_US + 120_000_000, clip: h264, clipMs: 6000 };
    const id = await storeClips(site, fixture, { strip });
    const page = await open(`${site.url}events/${id}`);
    await expect.poll(async () => (await videoOf(page)).time).toBeGreaterThan(0.1);
    await page.getByRole('button', { name: 'Pause' }).click();
    const line = page.getByRole('slider', { name: 'Position in the clip' });
    const box = await line.boundingBox();
    if (box === null) throw new Error('The line is not shown.');
    await page.mouse.move(box.x + box.width * 0.85, box.y + box.height / 2);
    const tile = page.locator('.scrub-tile');
    // The sixth of six: in the second row of four columns.
    await expect
      .poll(
        async () =>
          await tile.evaluate(
            (shown: { style: { backgroundPosition: string } }) => shown.style.backgroundPosition,
          ),
      )
      .toBe('-160px -90px');
    const loaded = `(async () => { const picture = new Image(); picture.src = /"(.*)"/.exec(document.querySelector('.scrub-tile').style.backgroundImage)[1]; await picture.decode(); return picture.naturalWidth; })()`;
    expect(await page.evaluate(loaded)).toBe(640);
    await page.mouse.click(box.x + box.width * 0.85, box.y + box.height / 2);
    await expect.poll(async () => (await videoOf(page)).time).toBeGreaterThan(4.9);
    expect((await videoOf(page)).time).toBeLessThan(5.3);
    // The player's keys go on working on the line.
    const { time: clicked } = await videoOf(page);
    await page.keyboard.press(' ');
    await expect.poll(async () => (await videoOf(page)).time).toBeGreaterThan(clicked + 0.2);
    await page.keyboard.press(',');
    expect((await videoOf(page)).paused).toBe(true);
    expect(await seriousFaults(page)).toEqual([]);
    await page.mouse.move(0, 0);
    await expect.poll(async () => await tile.count()).toBe(0);

    const { time: before } = await videoOf(page);
    await page.getByRole('button', { name: 'One frame back' }).click();
    await page.getByRole('button', { name: 'One frame back' }).click();
    await expect.poll(async () => (await videoOf(page)).time).toBeLessThan(before - 0.03);
    expect((await videoOf(page)).time).toBeGreaterThan(before - 0.2);
    await page.getByRole('button', { name: 'One frame on' }).click();
    await page.getByRole('combobox', { name: 'Speed' }).selectOption('0.25');
    const rate = (): Promise<number> =>
      page.locator('#player-video').evaluate((video: { playbackRate: number }) => video.playbackRate);
    expect(await rate()).toBe(0.25);
    await line.focus();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(async () => (await videoOf(page)).time).toBeLessThan(before - 0.5);
  });

  it('is kept, asked about before it is deleted, and gone afterwards', async () => {
    const id = await storeEvent(site.store, { camera: 'hall', startUs: NOON_US, clip: h264 });
    site.viewer.noteStored(id);
    const page = await open(`${site.url}events?camera=hall`);
    await page.locator('[data-event] button').click();
    const keep = page.getByRole('button', { name: 'Keep' });
    await keep.click();
    await expect.poll(async () => await keep.getAttribute('aria-pressed')).toBe('true');
    const mark = await readObject(site.store, eventKey(id, 'keep.json'), 1000);
    expect(keptEvent.parse(JSON.parse(String(mark))).eventId).toBe(id);

    await page.getByRole('button', { name: 'Delete' }).click();
    const question = page.getByRole('group', { name: 'Delete' });
    await question.getByText('Delete this event with its clip for good?').waitFor();
    await question.getByRole('button', { name: 'Leave it' }).click();
    expect(await question.count()).toBe(0);
    expect(await site.store.head(eventKey(id, 'clip.mp4'))).toBeDefined();

    await page.getByRole('button', { name: 'Delete' }).click();
    await question.getByRole('button', { name: 'Delete for good' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await expect.poll(async () => await page.locator('[data-event]').count()).toBe(0);
    expect(await site.store.head(eventKey(id, 'clip.mp4'))).toBeUndefined();
    expect(await site.store.head(eventKey(id, 'removed.json'))).toBeDefined();
  });

  it('can be made of any time that the camera’s host has', async () => {
    await site.tell({ yard: {} });
    const page = await open(`${site.url}cameras/yard`);
    await page.getByRole('button', { name: 'Export footage' }).click();
    const form = page.getByRole('form', { name: 'Export footage' });
    await form.getByText('The camera’s host has the last 10:00 min.', { exact: false }).waitFor();
    const minuteAgo = new Date(Date.now() - 90_000);
    const textOf = (date: Date): string => date.toISOString().slice(0, 19);
    await form.getByLabel('From').fill(textOf(minuteAgo));
    await form.getByLabel('To', { exact: true }).fill(textOf(new Date(minuteAgo.getTime() - 1000)));
    await form.getByRole('button', { name: 'Make the clip' }).click();
    await form.getByRole('alert').getByText('The end must come after the beginning.').waitFor();
    await form.getByLabel('To', { exact: true }).fill(textOf(new Date(minuteAgo.getTime() + 20_000)));
    await form.getByRole('button', { name: 'Make the clip' }).click();
    await form.getByText('The clip is being made').waitFor();
    expect(await seriousFaults(page)).toEqual([]);

    // What the agent hears, and the clip function then stores.
    await site.nats.jsm.consumers.add(streams.clips, { durable_name: 'asked', ack_policy: AckPolicy.None });
    const asked = await (await site.nats.js.consumers.get(streams.clips, 'asked')).next({ expires: 20_000 });
    const { event, fromUs, toUs } = clipWanted.parse(asked?.json());
    expect([fromUs, toUs].map((us) => textOf(new Date(us / 1000)))).toEqual([
      textOf(minuteAgo),
      textOf(new Date(minuteAgo.getTime() + 20_000)),
    ]);
    const id = await storeEvent(site.store, {
      camera: 'yard',
      startUs: event.startUs,
      clip: h264,
      clipMs: 20_000,
      told: event,
    });
    site.viewer.noteStored(id);
    await form.getByText('The clip is there, 20\u00a0s long.').waitFor();
    const link = form.getByRole('link', { name: 'Download clip' });
    expect(await link.getAttribute('href')).toContain(`${id}/clip.mp4?download=1`);
    await form.getByRole('link', { name: 'Show it' }).click();
    const dialog = page.getByRole('dialog', { name: 'Export on yard' });
    await dialog.getByText('Exported by').waitFor();
  });
});

describe('a share link', () => {
  let site: LoginSite;
  beforeAll(async () => {
    site = await startLoginSite({}, { prefix: '/function/viewer', page: await loadPageFiles() });
    await site.setUsers({ users: [await userOf('olga', 'operator')] });
  });
  afterAll(async () => {
    await site.stop();
  });

  it('is made and copied by a click, plays for whoever has it without a login, and shows nothing once it has expired', async () => {
    const fixture = { camera: 'yard', startUs: NOON_US, clip: hevc, clipMs: 1000, videoCodec: 'hevc' };
    const id = await storeClips(site, fixture, { h264 });
    const page = await open(`${site.host.url}events/${id}`);
    await page.getByLabel('User name').fill('olga');
    await page.getByLabel('Password').fill('password of olga');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('button', { name: 'Share' }).click();
    await page.getByRole('combobox', { name: 'Valid for' }).selectOption('1');
    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.getByText('The link is copied.').waitFor();
    const link = await page.getByRole('textbox', { name: 'The link' }).inputValue();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(link);
    await context?.close();
    context = undefined;

    const stranger = await open(link);
    await expect.poll(async () => (await videoOf(stranger)).time).toBeGreaterThan(0.3);
    expect((await videoOf(stranger)).src).toBe('clip-h264.mp4');
    expect(await stranger.getByRole('navigation').isHidden()).toBe(true);
    expect(await stranger.getByRole('button', { name: 'Delete' }).count()).toBe(0);

    site.clock.offsetMs += 3_601_000;
    await stranger.goto(link);
    await stranger.getByRole('heading', { name: 'This link shows nothing' }).waitFor();
    await stranger.getByText('This link has expired: ask for a new one.').waitFor();
    expect(await stranger.locator('video').count()).toBe(0);
    await stranger.goto(link.slice(0, -1));
    await stranger.getByText('There is no such link', { exact: false }).waitFor();
  });
});
