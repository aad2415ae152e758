import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { freePort } from '@faascam/core/ports';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { storeSettings } from '@faascam/core/store-settings';
import { s3ServerInstalled, startS3Server, type S3Server } from '@faascam/test-servers/s3';
import { hostHandler, storeEvent, type HandlerHost } from './fixture.ts';
import { loadPageFiles } from './page-files.ts';
import { H264, makeMedia, startBrowser } from './page-site.ts';
import { Viewer } from './viewer.ts';

const installed = await s3ServerInstalled();
const START_US = Date.UTC(2026, 2, 4, 12) * 1000;

describe.skipIf(!installed)('clips of a bucket that browsers reach', () => {
  let directory: string;
  let server: S3Server;
  let store: ObjectStore;
  let viewer: Viewer;
  let host: HandlerHost;
  let browser: Browser;
  let clip: Buffer;
  let id: string;
  /** Where browsers reach it, which is another address than the viewer's. */
  let outside: string;
  let relay: Server;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'faascam-elsewhere-'));
    server = await startS3Server();
    const port = await freePort();
    relay = createServer((socket) => {
      // Whichever of the two is broken off, so is the other.
      void pipeline(socket, connect(server.port, '127.0.0.1'), socket).catch(() => undefined);
    }).listen(port, '127.0.0.1');
    await once(relay, 'listening');
    outside = `http://127.0.0.1:${String(port)}`;
    await writeFile(join(directory, 'access'), server.accessKey);
    await writeFile(join(directory, 'secret'), server.secretKey);
    const settings = storeSettings.parse({
      ...{ kind: 's3', endpoint: server.endpoint, bucket: 'clips', prefix: 'site-1/', createBucket: true },
      accessKeyFile: join(directory, 'access'),
      secretKeyFile: join(directory, 'secret'),
      browserEndpoint: outside,
    });
    store = await openStore(settings, directory);
    clip = await makeMedia('clip.mp4', ['-t', '12', ...H264]);
    id = await storeEvent(store, { camera: 'yard', startUs: START_US, clip, snapshot: clip, clipMs: 12_000 });
    viewer = new Viewer({
      ...{ store, page: await loadPageFiles(), clock: systemClock, log: createLogger('test') },
      nats: { url: `nats://127.0.0.1:${String(await freePort())}` },
    });
    host = await hostHandler(
      async (event, context) => await viewer.handle(event, context),
      '/function/viewer',
    );
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await host.stop();
    await viewer.close();
    await store.close();
    relay.close();
    await server.stop();
    await rm(directory, { recursive: true });
  });

  async function ask(path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Response> {
    return await fetch(`${host.url}api/${path}`, { method, headers, redirect: 'manual' });
  }

  it('come from there, whole or in part, by an address that is good for a while and for nothing else', async () => {
    const sent = await ask(`events/${id}/clip.mp4`, 'GET', { Range: 'bytes=0-9' });
    expect([sent.status, sent.headers.get('cache-control')]).toEqual([307, 'no-store']);
    const address = sent.headers.get('location') ?? '';
    expect(address.startsWith(`${outside}/clips/site-1/yard/2026/03/04/${id}/clip.mp4?`)).toBe(true);
    expect(address).not.toContain(server.secretKey);
    const part = await fetch(address, { headers: { Range: 'bytes=100-2099' } });
    expect([part.status, part.headers.get('content-type')]).toEqual([206, 'video/mp4']);
    expect(part.headers.get('content-range')).toBe(`bytes 100-2099/${String(clip.length)}`);
    expect(Buffer.from(await part.arrayBuffer()).equals(clip.subarray(100, 2100))).toBe(true);
    expect((await fetch(address, { headers: { Range: `bytes=${String(clip.length)}-` } })).status).toBe(416);
    // The same for a while, so that a browser knows what it has.
    expect(new URL(address).searchParams.get('X-Amz-Expires')).toBe('1200');

    const saved = await ask(`events/${id}/clip.mp4?download=1`);
    const file = await fetch(saved.headers.get('location') ?? '');
    expect(file.headers.get('content-disposition')).toBe(`attachment; filename="${id}.mp4"`);
    expect(Buffer.from(await file.arrayBuffer()).equals(clip)).toBe(true);

    for (const [from, to] of [
      ['clip.mp4', 'event.json'],
      [id, 'yard-20260304t120000-000001'],
      ['X-Amz-Expires=1200', 'X-Amz-Expires=604800'],
    ] as const) {
      expect((await fetch(address.replace(from, to))).status, to).toBe(403);
    }
    expect((await fetch(address, { method: 'PUT', body: 'x' })).status).toBe(403);
    expect((await fetch(address, { method: 'DELETE' })).status).toBe(403);
  });

  it('what is small, HEAD, and what is not there are answered by the viewer itself', async () => {
    const head = await ask(`events/${id}/clip.mp4`, 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(clip.length)]);
    expect((await ask(`events/${id}/snapshot.jpg`)).status).toBe(200);
    expect((await ask(`events/${id}`)).status).toBe(200);
    expect((await ask('events/yard-20200101t000000-000000/clip.mp4')).status).toBe(404);
    const tag = head.headers.get('etag') ?? '';
    expect((await ask(`events/${id}/clip.mp4`, 'GET', { 'If-None-Match': tag })).status).toBe(304);
  });

  it('of a link go there as long as it lasts for longer than such an address', async () => {
    const statusFor = async (hours: number): Promise<number> => {
      const shared = await fetch(`${host.url}api/events/${id}/share`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ hours }),
      });
      const { urls } = z.object({ urls: z.object({ clip: z.string() }) }).parse(await shared.json());
      return (await ask(urls.clip.replace(/^api\//, ''), 'GET', { Range: 'bytes=0-9' })).status;
    };
    expect(await statusFor(1)).toBe(307);
    expect(await statusFor(0.1)).toBe(206);
  });

  it('play and seek in the page, whose policy lets clips come from there and nothing else', async () => {
    const context = await browser.newContext({ locale: 'en-GB' });
    const page = await context.newPage();
    const refused: string[] = [];
    page.on('console', (message) => {
      if (/Content Security Policy/.test(message.text())) refused.push(message.text());
    });
    const media: number[] = [];
    page.on('response', (response) => {
      if (response.url().startsWith(outside)) media.push(response.status());
    });
    const answer = await page.goto(`${host.url}events/${id}`);
    const policy = answer?.headers()['content-security-policy'] ?? '';
    expect(policy).toContain(`media-src 'self' blob: ${outside};`);
    expect(policy).toMatch(/img-src 'self' blob:;/);
    const time = (): Promise<number> =>
      page.locator('#player-video').evaluate((video: { currentTime: number }) => video.currentTime);
    await expect.poll(time).toBeGreaterThan(0.3);
    await page.locator('#player-video').evaluate((video: { currentTime: number }) => {
      video.currentTime = 10;
    });
    await expect.poll(time).toBeGreaterThan(10.2);
    expect(media.length).toBeGreaterThan(0);
    expect(media.filter((status) => status !== 206)).toEqual([]);
    expect(refused).toEqual([]);
    await context.close();
  });
});
