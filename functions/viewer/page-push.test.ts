import { createECDH } from 'node:crypto';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { listSubscriptions, readSubscription, tellPublicKey } from '@faascam/core/push-subscriptions';
import { ensureSite } from '@faascam/core/site-buckets';
import { storeEvent } from './fixture.ts';
import { startBrowser, startPageSite, type PageSite } from './page-site.ts';

const KEY = createECDH('prime256v1').generateKeys('base64url');
const OTHER_KEY = createECDH('prime256v1').generateKeys('base64url');
/** A push service for the page, where the browser has none: the browser's own is its maker's, in the internet. */
const PUSH_SERVICE = `{
  let made = null;
  const of = (key) => ({
    options: { applicationServerKey: Uint8Array.from(atob(key.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0)).buffer },
    toJSON: () => ({
      endpoint: 'https://push.example.org/send/' + key.slice(0, 8),
      expirationTime: null,
      keys: { p256dh: 'B'.padEnd(87, 'x'), auth: 'a'.padEnd(22, 'x') },
    }),
    unsubscribe: async () => { sessionStorage.removeItem('made'); return true; },
  });
  PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
    sessionStorage.setItem('made', applicationServerKey);
    return of(applicationServerKey);
  };
  PushManager.prototype.getSubscription = async () => {
    const key = sessionStorage.getItem('made');
    return key === null ? null : of(key);
  };
}`;

let browser: Browser;
let site: PageSite;
let eventId: string;
let context: BrowserContext;

beforeAll(async () => {
  browser = await startBrowser();
  site = await startPageSite();
  await ensureSite(site.nats);
  eventId = await storeEvent(site.store, { camera: 'yard', startUs: Date.UTC(2026, 2, 4, 12) * 1000 });
});

afterAll(async () => {
  await browser.close();
  await site.stop();
});

afterEach(async () => {
  await context.close();
});

async function open(path: string, permissions: string[], script = ''): Promise<Page> {
  context = await browser.newContext({ locale: 'en-GB', permissions });
  const page = await context.newPage();
  if (script !== '') await page.addInitScript(script);
  await page.goto(site.url + path);
  return page;
}

async function openSettings(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Settings' }).click();
}

it('where nobody sends notifications, none are offered', async () => {
  const page = await open('events', ['notifications']);
  const asked = page.waitForResponse(`${site.url}api/push`);
  await openSettings(page);
  await asked;
  await page.getByRole('combobox', { name: 'Language' }).waitFor();
  expect(await page.getByRole('group', { name: 'Notifications' }).count()).toBe(0);
});

it('a browser that blocks them, that cannot, and that gets no address for them is told so in plain words', async () => {
  await tellPublicKey(site.nats, KEY);
  const group = (page: Page) => page.getByRole('group', { name: 'Notifications' });
  const blocked = await open('events', []);
  await openSettings(blocked);
  // Without a permission headless Chromium refuses for the user.
  await group(blocked).getByText('The browser blocks notifications of this page', { exact: false }).waitFor();
  await context.close();

  const lacking = await open('events', ['notifications'], 'delete window.PushManager;');
  await openSettings(lacking);
  await group(lacking).getByText('This browser cannot be notified.', { exact: false }).waitFor();
  await context.close();

  // Chromium without its maker's push service.
  const alone = await open('events', ['notifications']);
  await openSettings(alone);
  await group(alone).getByText('This browser is not notified of events.').waitFor();
  await alone.getByRole('button', { name: 'Notify this browser' }).click();
  await group(alone).getByRole('alert').getByText('The browser got no address for notifications').waitFor();
  expect(await listSubscriptions(site.nats)).toEqual([]);
});

it('a browser is told of events from a click on, also with a new key, until another click', async () => {
  await tellPublicKey(site.nats, KEY);
  const page = await open('events', ['notifications'], PUSH_SERVICE);
  await openSettings(page);
  const turnedOn = page.getByText('This browser is notified of events', { exact: false });
  const turnedOff = page.getByText('This browser is not notified of events.');
  const turnOn = page.getByRole('button', { name: 'Notify this browser' });
  const turnOff = page.getByRole('button', { name: 'Stop notifying this browser' });
  await turnOn.click();
  await turnedOn.waitFor();
  // And again, without opening the page anew.
  await turnOff.click();
  await turnedOff.waitFor();
  await turnOn.click();
  await turnedOn.waitFor();
  const all = await listSubscriptions(site.nats);
  expect(all).toHaveLength(1);
  expect(await readSubscription(site.nats, all[0] ?? '')).toMatchObject({ user: 'anybody' });

  await tellPublicKey(site.nats, OTHER_KEY);
  await page.reload();
  // In place of the address that was of the other key.
  await expect
    .poll(async () => {
      const now = await listSubscriptions(site.nats);
      return now.length === 1 && now[0] !== all[0];
    })
    .toBe(true);
  await openSettings(page);
  await turnOff.click();
  await turnedOff.waitFor();
  expect(await listSubscriptions(site.nats)).toEqual([]);
});

it('a browser is told of events for whoever has logged in last, also without opening the page anew', async () => {
  await tellPublicKey(site.nats, KEY);
  const page = await open('events', ['notifications'], PUSH_SERVICE);
  let user: string | undefined = 'ann';
  // As from a viewer with users.
  await page.route('**/api/session', async (route) => {
    await route.fulfill({
      json: user === undefined ? { state: 'needed' } : { state: 'in', user: { name: user, role: 'viewer' } },
    });
  });
  let told = 0;
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/api/push/subscriptions')) told += 1;
  });
  const becomes = async (next: string | undefined): Promise<void> => {
    user = next;
    const asked = page.waitForResponse(`${site.url}api/session`);
    await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
    await asked;
  };
  await becomes('ann');
  await openSettings(page);
  await page.getByRole('button', { name: 'Notify this browser' }).click();
  await page.getByText('This browser is notified of events', { exact: false }).waitFor();
  expect(told).toBe(1);
  await becomes(undefined);
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await becomes('ben');
  await expect.poll(() => told).toBe(2);
});

it.each([['/function/viewer'], ['']])(
  'what is pushed is shown, and a click on it opens the event in the page (below %j)',
  async (prefix) => {
    const own = prefix === '' ? await startPageSite('') : site;
    try {
      if (own !== site) await ensureSite(own.nats);
      await tellPublicKey(own.nats, KEY);
      const id =
        own === site
          ? eventId
          : await storeEvent(own.store, { camera: 'yard', startUs: 1_800_000_000_000_000 });
      context = await browser.newContext({ locale: 'en-GB', permissions: ['notifications'] });
      const page = await context.newPage();
      await page.addInitScript(PUSH_SERVICE);
      const worker = context.waitForEvent('serviceworker');
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(error.message));
      await page.goto(`${own.url}events`);
      const devtools = await context.newCDPSession(page);
      const registered = new Promise<string>((resolve) => {
        devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
          const one = registrations.find(({ scopeURL, isDeleted }) => scopeURL === own.url && !isDeleted);
          if (one !== undefined) resolve(one.registrationId);
        });
      });
      await devtools.send('ServiceWorker.enable');
      await openSettings(page);
      await page.getByRole('button', { name: 'Notify this browser' }).click();
      await page.getByText('This browser is notified of events', { exact: false }).waitFor();
      const running = await worker;
      expect(running.url()).toBe(`${own.url}push-worker.js`);
      expect(await running.evaluate('self.registration.scope')).toBe(own.url);

      const push = { v: 1, id: `door.${id}`, title: 'person at yard', text: '12:00:00', eventId: id };
      const registrationId = await registered;
      const deliver = async (): Promise<void> => {
        const { origin } = new URL(own.url);
        await devtools.send('ServiceWorker.deliverPushMessage', {
          ...{ origin, registrationId, data: JSON.stringify(push) },
        });
      };
      const shown = z.array(z.object({ title: z.string(), body: z.string(), tag: z.string() }));
      await expect
        .poll(async () => {
          // One that comes again takes the place of the one before.
          await deliver();
          return shown.parse(
            await running.evaluate(
              `self.registration.getNotifications().then((all) => all.map(({ title, body, tag }) => ({ title, body, tag })))`,
            ),
          );
        })
        .toEqual([{ title: 'person at yard', body: '12:00:00', tag: `door.${id}` }]);
      // As the browser does when somebody clicks.
      await running.evaluate(
        `self.registration.getNotifications().then(([notification]) => self.dispatchEvent(new NotificationEvent('notificationclick', { notification })))`,
      );
      await page.getByRole('dialog', { name: 'Person on yard' }).waitFor();
      expect(page.url()).toBe(`${own.url}events/${id}`);
      expect(faults).toEqual([]);
    } finally {
      if (own !== site) await own.stop();
    }
  },
);

it('the address that notifications name leads to the event', async () => {
  const page = await open(`?event=${eventId}`, []);
  await page.getByRole('dialog', { name: 'Person on yard' }).waitFor();
  expect(page.url()).toBe(`${site.url}events/${eventId}`);
});
