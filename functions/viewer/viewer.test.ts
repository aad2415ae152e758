import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@faascam/core/log';
import { systemClock } from '@faascam/core/clock';
import { StoreError } from '@faascam/core/errors';
import { eventIdOf, eventKey } from '@faascam/core/ids';
import { manifest } from '@faascam/core/clip-messages';
import { freePort } from '@faascam/core/ports';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostHandler, manifestOf, storeEvent, type HandlerHost } from './fixture.ts';
import { camerasAnswer, errorAnswer, eventsAnswer, statusAnswer } from './page/api.ts';
import { PageFiles } from './page-files.ts';
import { Viewer } from './viewer.ts';

const HOUR_US = 3_600_000_000;
const START_US = Date.UTC(2026, 2, 4, 12) * 1000;
/** Larger than what is sent in one piece, and different everywhere. */
const clip = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, index) => index * 31 + (index >> 8)));
const snapshot = Buffer.from('not really a JPEG');
const page = new PageFiles(
  '<link href="./assets/app-1.css"><script src="./assets/app-1.js"></script>',
  new Map([
    ['app-1.js', Buffer.from('export {};')],
    ['app-1.css', Buffer.from('body {}')],
  ]),
);

let directory: string;
let store: ObjectStore;
let viewer: Viewer;
let host: HandlerHost;
let clipId: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-viewer-'));
  store = await openStore({ kind: 'directory', path: '' }, directory);
  clipId = await storeEvent(store, {
    camera: 'yard',
    startUs: START_US,
    labels: ['person', 'dog'],
    clip,
    snapshot,
  });
  for (let hour = 1; hour <= 30; hour += 1) {
    const camera = hour % 3 === 0 ? 'gate' : 'yard';
    await storeEvent(store, {
      camera,
      startUs: START_US - hour * HOUR_US,
      labels: [hour % 10 === 0 ? 'bus' : 'car'],
    });
  }
  // No NATS anywhere: the list must do without.
  const nats = { url: `nats://127.0.0.1:${await freePort()}` };
  viewer = new Viewer({ store, page, nats, clock: systemClock, log: createLogger('test') });
  host = await hostHandler(async (event, context) => await viewer.handle(event, context), '/function/viewer');
});

afterAll(async () => {
  await host.stop();
  await viewer.close();
  await store.close();
  await rm(directory, { recursive: true });
});

async function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
  return await fetch(host.url + path, { headers, method });
}

async function events(query = '') {
  const response = await get(`api/events${query}`);
  expect(response.status).toBe(200);
  return eventsAnswer(await response.json(), 'the answer');
}

async function sentenceOf(response: Response): Promise<string> {
  expect(response.headers.get('content-type')).toContain('application/json');
  const { error } = errorAnswer(await response.json(), 'the answer');
  expect(error).toMatch(/^[A-Z].*[.]$/);
  expect(error).not.toMatch(/\n|\.ts:/);
  return error;
}

describe('the page', () => {
  it('names its assets relative to itself on each of its paths, and may load nothing from elsewhere', async () => {
    const response = await get('');
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('href="assets/app-1.css"');
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toContain('unsafe');
    expect(policy).not.toContain('http');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await (await get('events')).text()).toContain('href="assets/app-1.css"');
    for (const path of ['events/some-id', 'zones/yard', 'events/']) {
      expect(await (await get(path)).text()).toContain('src="../assets/app-1.js"');
    }
    const again = await get('events/some-id', { 'If-None-Match': response.headers.get('etag') ?? '' });
    expect(again.status).toBe(304);
  });

  it('comes compressed to whoever can take that, with assets that browsers may keep for good', async () => {
    const zipped = await get('assets/app-1.js', { 'Accept-Encoding': 'gzip' });
    expect(zipped.headers.get('content-type')).toContain('text/javascript');
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    expect(zipped.headers.get('cache-control')).toContain('immutable');
    expect(await zipped.text()).toBe('export {};');
    const plain = await get('assets/app-1.js', { 'Accept-Encoding': 'identity' });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(plain.headers.get('vary')).toBe('Accept-Encoding');
    expect(await plain.text()).toBe('export {};');
  });

  it('has no other files', async () => {
    for (const path of [
      'assets/handler.js',
      'assets/..%2fpackage.json',
      'assets/%2e%2e/package.json',
      'assets/x/app-1.js',
      'package.json',
      'events/a/b/c',
    ]) {
      const response = await get(path);
      expect(response.status).toBe(404);
      await sentenceOf(response);
    }
  });
});

describe('the list of events', () => {
  it('is newest first over all cameras, and tells what there is to see', async () => {
    const { events: list } = await events('?limit=5');
    expect(list.map(({ camera }) => camera)).toEqual(['yard', 'yard', 'yard', 'gate', 'yard']);
    expect(list[0]).toMatchObject({
      id: clipId,
      labels: ['person', 'dog'],
      startUs: START_US,
      startIso: '2026-03-04T12:00:00.000Z',
      eventMs: 4000,
      clipMs: 14_000,
      score: 0.91,
      complete: true,
      demo: false,
      urls: { clip: `api/events/${clipId}/clip.mp4`, snapshot: `api/events/${clipId}/snapshot.jpg` },
    });
    expect(list[1]?.clipMs).toBeUndefined();
    expect(list[1]?.urls.clip).toBeUndefined();
  });

  it('comes in pages that join without a gap or a repetition', async () => {
    const ids: string[] = [];
    let before: string | undefined;
    let pages = 0;
    do {
      const answer = await events(`?limit=7&before=${before ?? ''}`);
      ids.push(...answer.events.map(({ id }) => id));
      before = answer.before;
      pages += 1;
    } while (before !== undefined);
    expect(pages).toBe(5);
    expect(new Set(ids).size).toBe(31);
    const stamps = ids.map((id) => id.slice(-22));
    expect(stamps).toEqual(stamps.toSorted().toReversed());
  });

  it('can be of one camera and of one label, also over pages', async () => {
    const gate = await events('?camera=gate&limit=100');
    expect(gate.events).toHaveLength(10);
    const buses = await events('?label=bus&limit=2');
    expect(buses.events).toHaveLength(2);
    const more = await events(`?label=bus&limit=2&before=${buses.before ?? ''}`);
    expect(more.events).toHaveLength(1);
    expect(more.before).toBeUndefined();
    expect((await events('?camera=gate&label=dog')).events).toEqual([]);
    expect((await events('?camera=nobody')).events).toEqual([]);
  });

  it('costs no body while it is unchanged', async () => {
    const tag = (await get('api/events?limit=3')).headers.get('etag') ?? '';
    expect((await get('api/events?limit=3', { 'If-None-Match': tag })).status).toBe(304);
  });

  it('carries a label that looks like markup as what it is', async () => {
    const label = '<img src=x onerror=alert(1)>';
    const id = await storeEvent(store, { camera: 'odd', startUs: START_US - 90 * HOUR_US, labels: [label] });
    viewer.noteStored(id);
    const { events: list } = await events(`?label=${encodeURIComponent(label)}`);
    expect(list.map(({ labels }) => labels)).toEqual([[label]]);
    await store.delete(eventKey(id, 'event.json'));
    viewer.noteStored(id);
  });

  it('leaves out an event whose receipt is missing, broken or of another event, and shows the rest', async () => {
    const startUs = START_US - 200 * HOUR_US;
    const missing = eventIdOf('hall', startUs);
    await store.put(eventKey(missing, 'clip.mp4'), clip, { contentType: 'video/mp4' });
    const broken = eventIdOf('hall', startUs + 1);
    await store.put(eventKey(broken, 'event.json'), Buffer.from('{'), { contentType: 'application/json' });
    const foreign = eventIdOf('hall', startUs + 2);
    const other = JSON.stringify(manifestOf({ camera: 'gate', startUs }));
    await store.put(eventKey(foreign, 'event.json'), Buffer.from(other), { contentType: 'application/json' });
    const good = await storeEvent(store, { camera: 'hall', startUs: startUs + 3 });
    viewer.noteStored(good);
    expect((await events('?camera=hall')).events.map(({ id }) => id)).toEqual([good]);
    const status = statusAnswer(await (await get('api/status')).json(), 'the answer');
    expect(status.events.unreadable).toBe(2);

    await storeEvent(store, { camera: 'hall', startUs });
    viewer.noteStored(missing);
    expect((await events('?camera=hall')).events.map(({ id }) => id)).toEqual([good, missing]);
  });

  it.each([
    'api/events?limit=0',
    'api/events?limit=many',
    'api/events?camera=No%20Camera',
    'api/events?camera=a&camera=b',
    'api/events?before=yesterday',
    `api/events?label=${'x'.repeat(100)}`,
    'api/events/nothing',
    'api/events/..%2f..%2fetc/clip.mp4',
    'api/cameras/frames.%3e/frame.jpg',
  ])('answers %s with 400 and a sentence', async (path) => {
    const response = await get(path);
    expect(response.status).toBe(400);
    await sentenceOf(response);
  });
});

describe('an event', () => {
  it('is its receipt, as stored', async () => {
    for (const path of [`api/events/${clipId}`, `api/events/${clipId}/event.json`]) {
      const response = await get(path);
      expect(response.headers.get('content-type')).toBe('application/json');
      expect(manifest.parse(await response.json()).event.id).toBe(clipId);
    }
  });

  it('that is unknown is 404 with a sentence, and so is an object that it does not have', async () => {
    const unknown = eventIdOf('yard', 1);
    const bare = eventIdOf('yard', START_US - HOUR_US);
    for (const path of [unknown, `${unknown}/clip.mp4`, `${bare}/clip.mp4`, `${bare}/snapshot.jpg`]) {
      const response = await get(`api/events/${path}`);
      expect(response.status).toBe(404);
      await sentenceOf(response);
    }
  });

  it('gives its snapshot, and 304 to whoever has it', async () => {
    const response = await get(`api/events/${clipId}/snapshot.jpg`);
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    expect(Buffer.from(await response.arrayBuffer())).toEqual(snapshot);
    const tag = response.headers.get('etag') ?? '';
    expect((await get(`api/events/${clipId}/snapshot.jpg`, { 'If-None-Match': tag })).status).toBe(304);
  });
});

describe('without NATS', () => {
  it('the cameras are none, and it says why', async () => {
    const { cameras, notice } = camerasAnswer(await (await get('api/cameras')).json(), 'the answer');
    expect(cameras).toEqual([]);
    expect(notice).toMatch(/^Cameras are out of sight .*NATS.*127.0.0.1:\d+/);
  });

  it('a picture is 503 with a sentence', async () => {
    const response = await get('api/cameras/yard/frame.jpg');
    expect(response.status).toBe(503);
    expect(await sentenceOf(response)).toMatch(/NATS/);
  });

  it('the status says so, what the store is, and what filters can be chosen', async () => {
    await events();
    const status = statusAnswer(await (await get('api/status')).json(), 'the answer');
    expect(status.messaging.connected).toBe(false);
    expect(status.store).toEqual({ description: store.description, notice: undefined });
    expect(status.cameras).toEqual(expect.arrayContaining(['gate', 'yard']));
    expect(status.labels).toEqual(expect.arrayContaining(['bus', 'car', 'dog', 'person']));
    expect(status.events.listed).toBeGreaterThanOrEqual(31);
  });
});

it('whoever wants to change something is told that this is not possible', async () => {
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const response = await get('api/events', {}, method);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
    await sentenceOf(response);
  }
});

it('a store that does not answer is 503 with its sentence, and the page is still there', async () => {
  const gone = (): never => {
    throw new StoreError(
      'store-unreachable',
      'The store at http://127.0.0.1:1 does not answer; check that it runs.',
    );
  };
  const away: ObjectStore = { ...store, description: 'away', head: gone, get: gone, list: gone };
  const nats = { url: `nats://127.0.0.1:${await freePort()}` };
  const blind = new Viewer({ store: away, page, nats, clock: systemClock, log: createLogger('test') });
  const other = await hostHandler(async (event, context) => await blind.handle(event, context));
  try {
    for (const path of ['api/events', `api/events/${clipId}`, `api/events/${clipId}/clip.mp4`]) {
      const response = await fetch(other.url + path);
      expect(response.status).toBe(503);
      expect(await sentenceOf(response)).toMatch(/does not answer/);
    }
    expect((await fetch(other.url)).status).toBe(200);
    const status = statusAnswer(await (await fetch(`${other.url}api/status`)).json(), 'the answer');
    expect(status.store.notice).toMatch(/does not answer/);
  } finally {
    await other.stop();
    await blind.close();
  }
});

it('what was not foreseen is 500 with a sentence that tells no secrets', async () => {
  const id = eventIdOf('cellar', START_US);
  const folder = join(directory, 'clips', 'cellar');
  const broken: ObjectStore = {
    ...store,
    description: 'broken',
    head: () => Promise.reject(new Error(`password=hunter2 ${folder}`)),
  };
  const nats = { url: `nats://127.0.0.1:${await freePort()}` };
  const failing = new Viewer({ store: broken, page, nats, clock: systemClock, log: createLogger('test') });
  const other = await hostHandler(async (event, context) => await failing.handle(event, context));
  try {
    const response = await fetch(`${other.url}api/events/${id}/clip.mp4`);
    expect(response.status).toBe(500);
    expect(await sentenceOf(response)).not.toMatch(/hunter2|cellar/);
  } finally {
    await other.stop();
    await failing.close();
  }
});
