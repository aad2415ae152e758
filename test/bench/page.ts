import { makeMedia, startBrowser, startPageSite } from '@faascam/viewer/page-site';
import { storeEvent } from '@faascam/core/event-fixture';
import { atMost, median, type Figure } from './figures.ts';

const RUNS = 7;
const EVENTS = 60;
const START_US = Date.UTC(2026, 2, 4, 12) * 1000;

/**
 * How long after it is asked for the page can be used, in real Chromium over loopback with nothing cached: until the first
 * event's card is there and the page has done all that kept it busy, and until the first camera's picture is seen.
 */
export async function benchPage(): Promise<Figure[]> {
  const browser = await startBrowser();
  const site = await startPageSite();
  try {
    const picture = await makeMedia('snapshot.jpg', ['-frames:v', '1']);
    for (let index = 0; index < EVENTS; index += 1) {
      const startUs = START_US - index * 60_000_000;
      await storeEvent(site.store, { camera: 'yard', startUs, snapshot: picture });
    }
    await site.tell({ yard: {} });
    await site.show('yard', picture);
    const usable: number[] = [];
    const seen: number[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      const context = await browser.newContext();
      const page = await context.newPage();
      // Looked for in the page itself, picture by picture: asking from outside would add its own time.
      const after = async (condition: string): Promise<number> =>
        Number(
          await page.evaluate(`new Promise((seen) => {
            const look = () => (${condition} ? seen(performance.now()) : requestAnimationFrame(look));
            look();
          })`),
        );
      await page.goto(`${site.url}events`, { waitUntil: 'commit' });
      usable.push(await after(`document.querySelector('[data-event] button')`));
      await page.goto(site.url, { waitUntil: 'commit' });
      seen.push(await after(`document.querySelector('.tile img:not([hidden])')?.naturalWidth > 0`));
      await context.close();
    }
    return [
      atMost('page asked for to usable, median', Math.round(median(usable)), 'ms', 1000),
      atMost('page asked for to the first camera picture, median', Math.round(median(seen)), 'ms', 1000),
    ];
  } finally {
    await browser.close();
    await site.stop();
  }
}
