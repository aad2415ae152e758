import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLoginSite, userOf, type LoginSite } from './auth/fixture.ts';
import { storeEvent } from './fixture.ts';
import { loadPageFiles } from './page-files.ts';
import { startBrowser } from './page-site.ts';

let browser: Browser;
let site: LoginSite;

beforeAll(async () => {
  browser = await startBrowser();
  site = await startLoginSite({}, { prefix: '/function/viewer', page: await loadPageFiles() });
  await site.setUsers({ users: [await userOf('ann', 'viewer'), await userOf('olga', 'operator')] });
  await storeEvent(site.store, { camera: 'yard', startUs: Date.UTC(2026, 2, 4, 12) * 1000 });
});

afterAll(async () => {
  await browser.close();
  await site.stop();
});

it('whoever is not logged in is asked to, sees then what was asked for, and only what the role allows', async () => {
  const context = await browser.newContext({ locale: 'en-GB' });
  const page = await context.newPage();
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(`${site.host.url}events/yard-20260304t120000-000000`);
  const logIn = async (name: string, password: string): Promise<void> => {
    await page.getByLabel('User name').fill(name);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
  };
  await logIn('ann', 'wrong password');
  await page.getByRole('alert').getByText('This user name and password do not belong together.').waitFor();
  expect(await page.getByRole('navigation').isHidden()).toBe(true);
  await logIn('ann', 'password of ann');
  const dialog = page.getByRole('dialog', { name: 'Person on yard' });
  await dialog.waitFor();
  expect(await dialog.getByRole('button', { name: 'Delete' }).count()).toBe(0);
  expect(asked.filter((url) => url.includes('password'))).toEqual([]);
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByText('ann, viewer').waitFor();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await logIn('olga', 'password of olga');
  await page.locator('[data-event] button').click();
  await dialog.getByRole('button', { name: 'Delete' }).waitFor();
  await context.close();
});
