import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import type { AgentHealth } from '@faascam/core/messages';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { ensureSite } from '@faascam/core/site-buckets';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { buckets } from '@faascam/core/subjects';
import { Kvm } from '@nats-io/kv';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hostHandler, storeEvent, type HandlerHost } from './fixture.ts';
import { loadPageFiles } from './page-files.ts';
import { Viewer } from './viewer.ts';

/** Each would show in the page's title if any of it ran; `mark` tells them apart. */
const markup = (mark: string): string =>
  `"><img src=x onerror="document.title='${mark} taken'"><script>document.title='${mark} taken'</script>${mark}`;

let directory: string;
let nats: NatsServer;
let messaging: Messaging;
let store: ObjectStore;
let viewer: Viewer;
let host: HandlerHost;
let browser: Browser;
let event: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-markup-'));
  nats = await startNatsServer({ directory: join(directory, 'nats') });
  messaging = await connectNats(nats.url, 'test');
  await ensureSite(messaging);
  const nowUs = systemClock.nowUs();
  const health: AgentHealth = {
    v: 1,
    agent: 'host',
    atUs: nowUs,
    software: markup('software'),
    versions: { node: markup('node'), ffmpeg: markup('ffmpeg') },
    cameras: {
      yard: {
        state: 'waiting',
        cause: markup('cause'),
        causeCode: 'unreachable',
        restarts: 3,
        framesPublished: 5,
        framesDropped: 0,
        ring: { segments: 0, bytes: 0, spanMs: 0 },
      },
    },
  };
  await (await new Kvm(messaging.js).open(buckets.agents)).put('host', JSON.stringify(health));
  store = await openStore({ kind: 'directory', path: '' }, directory);
  event = await storeEvent(store, {
    camera: 'yard',
    startUs: nowUs - 600_000_000,
    labels: [markup('label')],
    told: { zones: [markup('zone')], model: { name: markup('model'), sha256: 'a'.repeat(64), demo: true } },
  });
  viewer = new Viewer({
    store,
    page: await loadPageFiles(),
    nats: { url: nats.url },
    clock: systemClock,
    log: createLogger('test'),
  });
  host = await hostHandler(async (call, context) => await viewer.handle(call, context), '/function/viewer');
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  });
});
afterAll(async () => {
  await browser.close();
  await host.stop();
  await viewer.close();
  await store.close();
  await messaging.nc.close();
  await nats.stop();
  await rm(directory, { recursive: true });
});

it.each([
  ['the wall of cameras', '', 'yard'],
  ['the list of events', 'events', 'label'],
  ['an event', 'events/EVENT', 'label'],
  ['the health of cameras', 'health', 'yard'],
])(
  'markup in names, labels, zones and causes is text in %s, and nothing of it runs',
  async (_what, path, shown) => {
    const context = await browser.newContext({ locale: 'en-GB' });
    try {
      const page = await context.newPage();
      const asked: string[] = [];
      const faults: string[] = [];
      page.on('request', (request) => asked.push(new URL(request.url()).pathname));
      page.on('console', (message) => {
        if (/Content Security Policy|Trusted/.test(message.text())) faults.push(message.text());
      });
      page.on('dialog', (dialog) => faults.push(dialog.message()));
      const answer = await page.goto(`${host.url}${path.replace('EVENT', event)}`);
      expect(answer?.headers()['content-security-policy']).toMatch(/script-src 'self'(?!.*unsafe-inline)/);
      await page.getByText(shown, { exact: false }).first().waitFor();
      await page.waitForLoadState('networkidle');
      expect(await page.title()).not.toContain('taken');
      expect(await page.locator('[onerror], img[src="x"], script:not([src])').count()).toBe(0);
      expect(asked.filter((each) => each.endsWith('/x'))).toEqual([]);
      expect(faults).toEqual([]);
    } finally {
      await context.close();
    }
  },
);
