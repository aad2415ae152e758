import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '@faascam/core/errors';
import { freePort } from '@faascam/core/ports';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { hostHandler, type HandlerHost } from './fixture.ts';
import viewer, { close, ready } from './handler.ts';
import { errorAnswer } from './page/api.ts';
import { PageFiles } from './page-files.ts';

// What the page is made of is the page's tests' matter; here it need not be built.
vi.mock(import('./page-files.ts'), async (original) => ({
  ...(await original()),
  loadPageFiles: () => Promise.resolve(new PageFiles('<!doctype html>', new Map())),
}));

let directory: string;
let host: HandlerHost;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-viewer-'));
  vi.stubEnv('FAASCAM_DATA', directory);
  vi.stubEnv('FAASCAM_VIEWER_OPEN', '1');
  vi.stubEnv('NATS_URL', `nats://127.0.0.1:${await freePort()}`);
  host = await hostHandler(viewer);
});

afterEach(async () => {
  await host.stop();
  await close();
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

it('wrong settings are told to whoever starts it and to whoever calls, and mended without a restart', async () => {
  vi.stubEnv('FAASCAM_STORE', 'kind: cupboard');
  await expect(ready()).rejects.toThrow(UsageError);
  const refused = await fetch(host.url);
  expect(refused.status).toBe(503);
  expect(errorAnswer(await refused.json(), 'the answer').error).toMatch(/FAASCAM_STORE/);

  vi.stubEnv('FAASCAM_STORE', `{ kind: directory, path: ${JSON.stringify(join(directory, 'elsewhere'))} }`);
  await ready();
  const page = await fetch(host.url);
  expect(page.status).toBe(200);
  expect(await page.text()).toBe('<!doctype html>');
});

it('it is ready and shows events while NATS is away', async () => {
  await ready();
  const response = await fetch(`${host.url}api/events`);
  expect(await response.json()).toEqual({ events: [] });
});
