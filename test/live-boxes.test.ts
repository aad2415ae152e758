import { Kvm } from '@nats-io/kv';
import { chromium, type Browser, type Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { agentHealth } from '@faascam/core/messages';
import { buckets, subjects } from '@faascam/core/subjects';
import type { TracksMessage } from '@faascam/core/track-message';
import type { CameraTest } from '@faascam/edge-agent/capture/test-camera';
import { makeVideo } from '@faascam/edge-agent/capture/test-video';
import { openLiveSite, type LiveSite } from './live-site.ts';

/** A white square of 60 pixels that goes from left to right, again and again, on a dark ground. */
const [WIDTH, HEIGHT, FPS, SIDE, WAY] = [640, 360, 15, 60, 560] as const;
const PIXELS_A_SECOND = 120;
/**
 * The picture shown may be a frame ahead of, or behind, the one that the canvas was drawn for when both are read. The
 * codec and the JPEG that the box was found in blur an edge by a pixel or two.
 */
const TOLERANCE = PIXELS_A_SECOND / FPS + 3;
/** As a slow detector on a weak host: four times as far off as what is tolerated, were pictures not shown later. */
const DETECTED_AFTER_MS = 400;

let site: LiveSite;
let browser: Browser;
let camera: CameraTest;
let detecting: NodeJS.Timeout;
let telling: NodeJS.Timeout;

beforeAll(async () => {
  site = await openLiveSite();
  const recording = `${site.directory}/square.mkv`;
  const scene = [
    `color=c=0x203040:s=${WIDTH}x${HEIGHT}:r=${FPS}:d=120[ground]`,
    `color=c=white:s=${SIDE}x${SIDE}:r=${FPS}:d=120[square]`,
    `[ground][square]overlay=x='mod(${PIXELS_A_SECOND}*t,${WAY})':y=150`,
  ].join(';');
  await makeVideo(
    ...['-filter_complex', scene, '-g', '15', '-bf', '0', '-c:v', 'libx264', '-preset', 'ultrafast'],
    ...['-pix_fmt', 'yuv420p', recording],
  );
  camera = await site.add('yard', `file:${recording}`);
  detecting = detect(camera);
  telling = setInterval(() => void tellAgain(), 2000);
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
      '--autoplay-policy=no-user-gesture-required',
    ],
  });
});

afterAll(async () => {
  clearInterval(detecting);
  clearInterval(telling);
  await browser.close();
  await site.close();
});

/** The agent's word that it is there, which the site gives once. */
async function tellAgain(): Promise<void> {
  const bucket = await new Kvm(site.messaging.nc).open(buckets.agents);
  const told = await bucket.get('test');
  if (told === null) return;
  const health = agentHealth.parse(told.json());
  await bucket.put('test', JSON.stringify({ ...health, atUs: Date.now() * 1000 }));
}

/** Finds the square in each frame that the agent samples, and tells of it as the function events does, but late. */
function detect({ frames }: CameraTest): NodeJS.Timeout {
  let next = 0;
  let track = 0;
  let lastLeft = 0;
  return setInterval(() => {
    for (const { jpeg, capturedAtUs } of frames.slice(next)) {
      setTimeout(() => {
        void squareIn(jpeg).then(({ left, top, right, bottom }) => {
          // At the right edge it vanishes, and another one begins at the left.
          if (left < lastLeft) track += 1;
          lastLeft = left;
          const box: [number, number, number, number] = [left, top, right - left, bottom - top];
          const told: TracksMessage = {
            ...{ v: 1, camera: 'yard', capturedAtUs, inferred: true },
            objects: [{ track, label: 'square', score: 0.9, box, confirmed: true }],
          };
          site.messaging.nc.publish(subjects.tracks('yard'), JSON.stringify(told));
        });
      }, DETECTED_AFTER_MS);
    }
    next = frames.length;
  }, 10);
}

interface Sides {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** As shares of the picture. */
async function squareIn(jpeg: Buffer): Promise<Sides> {
  const { data, info } = await sharp(jpeg).greyscale().raw().toBuffer({ resolveWithObject: true });
  const sides = { left: info.width, top: info.height, right: 0, bottom: 0 };
  for (const [at, value] of data.entries()) {
    if (value < 140) continue;
    const [x, y] = [at % info.width, Math.floor(at / info.width)];
    sides.left = Math.min(sides.left, x);
    sides.right = Math.max(sides.right, x + 1);
    sides.top = Math.min(sides.top, y);
    sides.bottom = Math.max(sides.bottom, y + 1);
  }
  return {
    ...{ left: sides.left / info.width, right: sides.right / info.width },
    ...{ top: sides.top / info.height, bottom: sides.bottom / info.height },
  };
}

const sample = z.object({ square: z.number(), box: z.number(), behind: z.number() }).nullable();

/**
 * Where the square is in the picture that is shown, and the box over it: the middle of each, in the picture's pixels from the
 * left, as they are read from canvases. Null while there is not both.
 */
async function look(page: Page): Promise<z.infer<typeof sample>> {
  return sample.parse(
    await page.evaluate(`new Promise((resolve) => requestAnimationFrame(() => {
      const shown = document.querySelector('.live-way > *');
      const boxes = document.querySelector('canvas.live-boxes');
      const size = shown && { width: shown.videoWidth || shown.width, height: shown.videoHeight || shown.height };
      if (!size?.width || !boxes?.width) return resolve(null);
      const middle = (source, part, is) => {
        const canvas = new OffscreenCanvas(${WIDTH}, ${HEIGHT});
        const context = canvas.getContext('2d', { willReadFrequently: true });
        context.drawImage(source, part.x, part.y, part.width, part.height, 0, 0, ${WIDTH}, ${HEIGHT});
        // Across the square's middle, where no caption is.
        const { data } = context.getImageData(0, 180, ${WIDTH}, 1);
        const found = [];
        for (let x = 0; x < ${WIDTH}; x += 1) if (is(data.subarray(4 * x, 4 * x + 4))) found.push(x);
        return found.length === 0 ? undefined : (found[0] + found.at(-1) + 1) / 2;
      };
      const square = middle(shown, { x: 0, y: 0, ...size }, ([red]) => red > 140);
      // The picture is fitted into the place, and so are its boxes.
      const scale = Math.min(boxes.width / size.width, boxes.height / size.height);
      const [width, height] = [size.width * scale, size.height * scale];
      const fitted = { x: (boxes.width - width) / 2, y: (boxes.height - height) / 2, width, height };
      const box = middle(boxes, fitted, ([, green, , alpha]) => alpha > 100 && green > 150);
      const behind = Date.now() - Number(boxes.dataset.capturedAtUs) / 1000;
      resolve(square === undefined || box === undefined ? null : { square, box, behind });
    }))`),
  );
}

/** Looks until the box was seen so often while the square was clear of the edges, where one ends and another begins. */
async function offsets(page: Page, count: number): Promise<{ offset: number; behind: number }[]> {
  const seen: { offset: number; behind: number }[] = [];
  const squares = new Set<number>();
  await expect
    .poll(
      async () => {
        const looked = await look(page);
        if (looked !== null && looked.square > 100 && looked.square < 480 && !squares.has(looked.square)) {
          squares.add(looked.square);
          seen.push({ offset: looked.box - looked.square, behind: looked.behind });
        }
        return seen.length;
      },
      { timeout: 60_000, interval: 60 },
    )
    .toBeGreaterThanOrEqual(count);
  return seen;
}

test.each([
  ['MSE', false],
  ['MJPEG', true],
])('by %s a box lies over what it was drawn for, as that moves', async (way, withoutMse) => {
  const page = await browser.newPage();
  try {
    if (withoutMse) await page.addInitScript('delete window.MediaSource');
    await page.goto(new URL('cameras/yard', site.pageUrl).href);
    await page.getByRole('button', { name: 'Boxes' }).click();
    await page.getByText(`by ${way}`).waitFor();
    const seen = await offsets(page, 25);
    // How late boxes come is known by now, whatever it was at first.
    const judged = seen.slice(5).map(({ offset }) => Math.abs(offset));
    const behind = seen.slice(5).map((each) => each.behind);
    // Where a busy machine held the page up, the picture may have gone on for a moment before its box.
    const off = judged.filter((offset) => offset > TOLERANCE);
    expect(off.length, JSON.stringify(seen)).toBeLessThanOrEqual(judged.length / 10);
    expect(Math.min(...behind)).toBeGreaterThan(DETECTED_AFTER_MS);
    // Without boxes there is nothing to wait for, and nobody listens.
    await page.getByRole('button', { name: 'Boxes' }).click();
    await page.locator('canvas.live-boxes').waitFor({ state: 'detached' });
  } finally {
    await page.close();
  }
});
