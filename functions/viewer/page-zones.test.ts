import { profileOf } from '@faascam/core/camera-profile';
import type { CameraSettings } from '@faascam/core/camera-settings';
import { parseConfig } from '@faascam/core/config';
import { buckets } from '@faascam/core/subjects';
import { Kvm } from '@nats-io/kv';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { makeMedia, startBrowser, startPageSite, type PageSite } from './page-site.ts';

let site: PageSite;
let browser: Browser;
let page: Page;

const AREAS = `masks:
  - [[0.8, 0], [1, 0], [1, 0.123456]]
zones:
  porch:
    polygon: [[0.1, 0.5], [0.4, 0.5], [0.4, 0.9], [0.1, 0.9]]
    labels: [person, dog]
    loiteringMs: 2000
  no:
    polygon: [[0.6, 0.6], [0.9, 0.6], [0.9, 0.9]]
    required: true
lines:
  gate: {from: [0.2, 0.2], to: [0.3, 0.25], direction: left-to-right}
`;

/** The camera's section of a faascam.yml with these areas, as the agent reads it. */
function cameraWith(areas: string): CameraSettings {
  const indented = areas.replaceAll(/^(?=.)/gm, '    ');
  const text = `cameras:\n  yard:\n    source: rtsp://root:pass-of-yard@192.0.2.10/1\n    objects: {dog: {minScore: 0.5}}\n${indented}`;
  const camera = parseConfig(text, 'faascam.yml').cameras['yard'];
  if (camera === undefined) throw new Error('The config has no such camera.');
  return camera;
}

/** As the agent does when its file was saved. */
async function save(areas: string): Promise<void> {
  const bucket = await new Kvm(site.nats.js).create(buckets.cameras);
  await bucket.put('yard', JSON.stringify(profileOf('yard', cameraWith(areas))));
}

async function shownText(): Promise<string> {
  return (await page.locator('#yaml').textContent()) ?? '';
}

function areasOf({ masks, zones, lines }: CameraSettings): object {
  return { masks, zones, lines };
}

beforeAll(async () => {
  browser = await startBrowser();
  site = await startPageSite();
  await site.tell({ yard: {} });
  await site.show('yard', await makeMedia('picture.jpg', ['-frames:v', '1']));
});

afterAll(async () => {
  await browser.close();
  await site.stop();
});

beforeEach(async () => {
  await save(AREAS);
  const context = await browser.newContext({ locale: 'en-GB' });
  page = await context.newPage();
  await page.goto(`${site.url}zones/yard`);
});

it('the shapes of the config are there, and the text for it is what it has already', async () => {
  await page.getByRole('textbox', { name: 'Name: porch' }).waitFor();
  const shown = page.locator('.board .outline');
  await expect.poll(async () => await shown.count()).toBe(4);
  // Where the config has them: corners as shares of the picture.
  await page.getByRole('button', { name: 'Zone porch' }).click();
  const corner = await page.getByRole('button', { name: /^Corner 3,/ }).boundingBox();
  const board = await page.locator('.board svg').boundingBox();
  if (corner === null || board === null) throw new Error('No corner is shown.');
  expect((corner.x + corner.width / 2 - board.x) / board.width).toBeCloseTo(0.4, 2);
  expect((corner.y + corner.height / 2 - board.y) / board.height).toBeCloseTo(0.9, 2);
  expect(areasOf(cameraWith(await shownText()))).toEqual(areasOf(cameraWith(AREAS)));
  expect(await page.getByText('Not yet in faascam.yml').count()).toBe(0);
});

it('what is changed, added and removed there is what the config has once the text is in it, and nothing else', async () => {
  const before = cameraWith(AREAS);
  await page.getByRole('button', { name: 'Zone porch' }).click();
  await page.getByRole('button', { name: /^Corner 3,/ }).focus();
  await page.keyboard.press('Shift+ArrowRight');
  await page.getByRole('button', { name: 'Remove: no' }).click();
  await page.getByRole('button', { name: 'Add mask' }).focus();
  await page.keyboard.press('Enter');
  for (const key of ['Enter', 'ArrowRight', 'Enter', 'ArrowDown', 'Enter']) await page.keyboard.press(key);
  await page.keyboard.press('Escape');
  await page.getByText('Not yet in faascam.yml').waitFor();

  const text = await shownText();
  const porch = before.zones['porch'];
  expect(areasOf(cameraWith(text))).toEqual({
    masks: [
      ...before.masks,
      [
        [0.5, 0.5],
        [0.52, 0.5],
        [0.52, 0.52],
      ],
    ],
    zones: {
      porch: {
        ...porch,
        polygon: [
          [0.1, 0.5],
          [0.4, 0.5],
          [0.45, 0.9],
          [0.1, 0.9],
        ],
      },
    },
    lines: before.lines,
  });

  // Saved: the agent has taken it over, so it is no draft of this browser any more.
  await save(text);
  await page.getByText('Not yet in faascam.yml').waitFor({ state: 'detached' });
  // What is changed in the file from then on shows by itself.
  await save(AREAS);
  await page.getByRole('textbox', { name: 'Name: no' }).waitFor();
  expect(areasOf(cameraWith(await shownText()))).toEqual(areasOf(before));
});

it('what was drawn and not saved is still there, beside the way back to the config', async () => {
  await page.getByRole('button', { name: 'Remove: porch' }).click();
  await page.reload();
  await page.getByText('Not yet in faascam.yml').waitFor();
  expect(await page.getByRole('textbox', { name: 'Name: porch' }).count()).toBe(0);
  await page.getByRole('button', { name: 'As it is now' }).click();
  await page.getByRole('textbox', { name: 'Name: porch' }).waitFor();
  expect(areasOf(cameraWith(await shownText()))).toEqual(areasOf(cameraWith(AREAS)));
});
