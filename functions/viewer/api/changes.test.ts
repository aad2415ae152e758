import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AckPolicy } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { Clock } from '@faascam/core/clock';
import { systemClock } from '@faascam/core/clock';
import { StoreError } from '@faascam/core/errors';
import { keptEvent } from '@faascam/core/event-keeping';
import { eventIdOf, eventKey } from '@faascam/core/ids';
import { createLogger } from '@faascam/core/log';
import { clipWanted, type AgentHealth } from '@faascam/core/messages';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { freePort } from '@faascam/core/ports';
import { readObject } from '@faascam/core/read-object';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { buckets, streams, subjects } from '@faascam/core/subjects';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { hostHandler, manifestOf, storeEvent, type HandlerHost } from '../fixture.ts';
import { PageFiles } from '../page-files.ts';
import { Viewer } from '../viewer.ts';
import type { Identity } from './authorizer.ts';
import { eventNews } from './stream.ts';

const WAIT = { timeout: 30_000, interval: 50 };
const START_US = Date.UTC(2026, 2, 4, 12) * 1000;
const clip = Buffer.from('not really a clip');

let directory: string;
let server: NatsServer;
let messaging: Messaging;
let store: ObjectStore;
let viewer: Viewer;
let host: HandlerHost;
let who: Identity;
let aheadUs: number;
let denied: boolean;
let id: string;
let made = 0;

const clock: Clock = {
  nowUs: () => systemClock.nowUs() + aheadUs,
  sleep: (ms, signal) => systemClock.sleep(ms, signal),
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-changes-'));
  server = await startNatsServer({ directory: join(directory, 'nats'), port: await freePort() });
  messaging = await connectNats(server.url, 'test');
  await ensureStreams(messaging.jsm);
  await tellHealth('streaming');
  store = await openStore({ kind: 'directory', path: '' }, directory);
  const put = store.put.bind(store);
  store.put = async (...asked) => {
    if (denied)
      throw new StoreError('store-denied', 'The key may not write: it needs the right s3:PutObject.');
    return await put(...asked);
  };
  aheadUs = 0;
  viewer = new Viewer({
    store,
    page: new PageFiles('<!doctype html>', new Map()),
    nats: { url: server.url },
    clock,
    log: createLogger('test'),
    authorizer: { identify: () => Promise.resolve(who) },
  });
  host = await hostHandler(async (event, context) => await viewer.handle(event, context));
  who = { name: 'olga', role: 'operator', provenBy: 'session' };
  await vi.waitFor(
    async () => expect(await (await fetch(`${host.url}api/cameras`)).json()).not.toHaveProperty('notice'),
    WAIT,
  );
});

afterAll(async () => {
  await host.stop();
  await viewer.close();
  await store.close();
  await messaging.nc.close();
  await server.stop();
  await rm(directory, { recursive: true });
});

beforeEach(async () => {
  who = { name: 'olga', role: 'operator', provenBy: 'session' };
  aheadUs = 0;
  denied = false;
  made += 1;
  id = await storeEvent(store, { camera: 'yard', startUs: START_US + made, clip, snapshot: clip });
  viewer.noteStored(id);
});

async function ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const response = await fetch(host.url + path, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  });
  return { status: response.status, body: await response.json() };
}

async function tellHealth(state: 'waiting' | 'streaming'): Promise<void> {
  const health: AgentHealth = {
    ...{ v: 1, agent: 'host', atUs: systemClock.nowUs(), software: 'faascam/test' },
    cameras: {
      yard: {
        ...{ state, framesPublished: 7, framesDropped: 0, restarts: 0 },
        ring: { segments: 3, bytes: 900, spanMs: 6000 },
      },
    },
  };
  await (await new Kvm(messaging.js).create(buckets.agents)).put('host', JSON.stringify(health));
}

describe('keeping and removing', () => {
  it('a kept event is marked with who asked for it, shows as kept, and is removed only by force', async () => {
    expect(await ask('POST', `api/events/${id}/keep`)).toEqual({ status: 200, body: { id, kept: true } });
    expect(await ask('POST', `api/events/${id}/keep`)).toMatchObject({ status: 200 });
    const mark = await readObject(store, eventKey(id, 'keep.json'), 1000);
    expect(keptEvent.parse(JSON.parse(String(mark)))).toMatchObject({ eventId: id, by: 'olga' });
    expect(await ask('GET', 'api/events?kept=true')).toMatchObject({
      body: { events: [{ id, kept: true }] },
    });
    expect(await ask('DELETE', `api/events/${id}`)).toMatchObject({ status: 409 });
    expect(await ask('DELETE', `api/events/${id}?force=true`)).toMatchObject({ status: 200, body: { id } });
    expect(await store.head(eventKey(id, 'clip.mp4'))).toBeUndefined();
    expect(await store.head(eventKey(id, 'removed.json'))).toBeDefined();
    expect(await ask('GET', 'api/events?kept=true')).toMatchObject({ body: { events: [] } });
    expect(await ask('POST', `api/events/${id}/keep`)).toMatchObject({ status: 409 });
  });

  it('one that was let go can be removed, and then is not in the list any more', async () => {
    await ask('POST', `api/events/${id}/keep`);
    expect(await ask('DELETE', `api/events/${id}/keep`)).toEqual({ status: 200, body: { id, kept: false } });
    expect(await ask('DELETE', `api/events/${id}`)).toMatchObject({ status: 200 });
    const { body } = await ask('GET', 'api/events?limit=100');
    expect(JSON.stringify(body)).not.toContain(id);
  });

  it('an event that is not there is 404, and a store that refuses is 403 with what the key lacks', async () => {
    const unknown = 'yard-20200101t000000-000000';
    expect(await ask('POST', `api/events/${unknown}/keep`)).toMatchObject({ status: 404 });
    expect(await ask('DELETE', `api/events/${unknown}`)).toMatchObject({ status: 404 });
    denied = true;
    const sentence = expect.stringMatching(/may not change.*s3:PutObject/) as string;
    for (const [method, path] of [
      ['POST', `api/events/${id}/keep`],
      ['DELETE', `api/events/${id}`],
    ] as const) {
      expect(await ask(method, path)).toEqual({ status: 403, body: { error: sentence } });
    }
    expect(await store.head(eventKey(id, 'clip.mp4'))).toBeDefined();
  });

  it('a viewer may do none of it', async () => {
    who = { name: 'vera', role: 'viewer', provenBy: 'session' };
    for (const [method, path, body] of [
      ['POST', `api/events/${id}/keep`, undefined],
      ['DELETE', `api/events/${id}/keep`, undefined],
      ['DELETE', `api/events/${id}`, undefined],
      ['POST', `api/events/${id}/share`, {}],
      ['POST', 'api/cameras/yard/exports', { fromUs: 1, toUs: 2 }],
    ] as const) {
      expect(await ask(method, path, body)).toMatchObject({ status: 403 });
    }
  });
});

describe('a share link', () => {
  const shareShape = z.object({
    urls: z.object({ event: z.string(), clip: z.string(), snapshot: z.string() }),
  });

  it('shows that one event to nobody in particular until it expires', async () => {
    const { status, body } = await ask('POST', `api/events/${id}/share`, { hours: 2 });
    expect(status).toBe(201);
    const { urls } = shareShape.parse(body);
    who = { name: 'nobody', role: 'public', provenBy: 'nothing' };
    expect(await ask('GET', urls.event)).toMatchObject({
      status: 200,
      body: { camera: 'yard', startUs: START_US + made },
    });
    const shown = await fetch(host.url + urls.clip, { headers: { Range: 'bytes=4-9' } });
    expect([shown.status, await shown.text()]).toEqual([206, 'really']);
    expect(shown.headers.get('cache-control')).toMatch(/^private, max-age=\d+$/);
    expect((await fetch(host.url + urls.snapshot)).status).toBe(200);
    expect(await ask('GET', `api/events/${id}`)).toMatchObject({ status: 401 });
    aheadUs = 2 * 3_600_000_000 + 1_000_000;
    for (const url of [urls.event, urls.clip, urls.snapshot]) {
      expect(await ask('GET', url)).toMatchObject({ status: 410 });
    }
  });

  it('cannot be made longer, be made to show another event, or be guessed', async () => {
    const { body } = await ask('POST', `api/events/${id}/share`, { hours: 1 });
    const token = shareShape.parse(body).urls.event.replace('api/shared/', '');
    const [end = '', , mark = ''] = token.split('.');
    const other = await storeEvent(store, { camera: 'yard', startUs: START_US - 1_000_000, clip });
    const later = (Number.parseInt(end, 36) + 3600).toString(36);
    for (const forged of [
      `${later}.${id}.${mark}`,
      `${end}.${other}.${mark}`,
      `${end}.${id}.${'A'.repeat(43)}`,
      `${end}.${id}.${mark.slice(0, -1)}${mark.endsWith('A') ? 'B' : 'A'}`,
      `${end}.${id}`,
      `${end}.${id}.${mark}.`,
      `${end}.${id}%2f..%2f${mark}`,
      'x',
    ]) {
      const answer = await ask('GET', `api/shared/${forged}`);
      expect([forged, answer.status]).toEqual([forged, 404]);
    }
    expect(await ask('GET', `api/shared/${token}`)).toMatchObject({ status: 200 });
  });

  it('is for 30 days at most, and for an event that is there', async () => {
    expect(await ask('POST', `api/events/${id}/share`, { hours: 721 })).toMatchObject({ status: 400 });
    expect(await ask('POST', `api/events/${id}/share`, { hours: -1 })).toMatchObject({ status: 400 });
    const unknown = 'yard-20200101t000000-000000';
    expect(await ask('POST', `api/events/${unknown}/share`, {})).toMatchObject({ status: 404 });
  });
});

interface Told {
  id: string;
  kind: string;
  data: unknown;
}

/** Listens as a browser does, until the function it gives is called. */
function listen(lastId?: string): { told: Told[]; stop: () => Promise<void> } {
  const told: Told[] = [];
  const over = new AbortController();
  const read = async (): Promise<void> => {
    const headers = lastId === undefined ? undefined : { 'Last-Event-ID': lastId };
    const response = await fetch(`${host.url}api/stream`, {
      ...(headers && { headers }),
      signal: over.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of response.body ?? []) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('a stream gives bytes');
      text += decoder.decode(chunk, { stream: true });
      const messages = text.split('\n\n');
      text = messages.pop() ?? '';
      for (const message of messages) {
        const [, id, kind, data] = /id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(message) ?? [];
        if (id !== undefined && kind !== undefined && data !== undefined)
          told.push({ id, kind, data: JSON.parse(data) });
      }
    }
  };
  const reading = read().catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  return {
    told,
    stop: async () => {
      over.abort();
      await reading;
    },
  };
}

describe('the stream', () => {
  it('tells of events as they go on, of what is stored and removed, and of cameras, and goes on after a break', async () => {
    const first = listen();
    await vi.waitFor(() => expect(first.told).toMatchObject([{ kind: 'hello' }]), WAIT);
    const { event } = manifestOf({ camera: 'yard', startUs: START_US, labels: ['dog'] });
    const tell = (phase: 'start' | 'end'): void =>
      messaging.nc.publish(subjects.events('yard'), JSON.stringify({ ...event, phase }));
    const phases = (told: Told[]): unknown[] =>
      told.flatMap(({ kind, data }) => (kind === 'event' ? [eventNews.parse(data).phase] : []));
    // Until it is heard: the viewer subscribes only now that somebody listens.
    await vi.waitFor(() => {
      tell('start');
      expect(phases(first.told)).toContain('start');
    }, WAIT);
    await ask('DELETE', `api/events/${id}`);
    const removed = { kind: 'stored', data: { id, camera: 'yard', removed: true } };
    await vi.waitFor(
      () => expect(first.told.filter(({ kind }) => kind === 'stored')).toMatchObject([removed]),
      WAIT,
    );

    const states = async (state: 'waiting' | 'streaming'): Promise<void> => {
      await tellHealth(state);
      const changed = expect.objectContaining({ id: 'yard', state }) as unknown;
      const news = expect.objectContaining({ kind: 'camera', data: changed }) as unknown;
      await vi.waitFor(() => expect(first.told).toContainEqual(news), WAIT);
    };
    await states('waiting');
    await states('streaming');
    const last = first.told.at(-1)?.id;
    await first.stop();

    tell('end');
    await messaging.nc.flush();
    const again = listen(last);
    await vi.waitFor(() => expect(phases(again.told)).toContain('end'), WAIT);
    expect(again.told[0]).toMatchObject({ kind: 'hello' });
    // What was told before the break is not told again.
    expect(again.told.filter(({ kind }) => kind !== 'event')).toHaveLength(1);
    await again.stop();
  });

  it('tells whoever may see some cameras alone of these', async () => {
    who = { ...who, cameras: ['gate'] };
    const one = listen();
    await vi.waitFor(() => expect(one.told).toHaveLength(1), WAIT);
    viewer.noteStored(id);
    viewer.noteStored(eventIdOf('gate', START_US));
    await vi.waitFor(
      () => expect(one.told.map(({ data }) => data)).toMatchObject([{}, { camera: 'gate' }]),
      WAIT,
    );
    await one.stop();
  });
});

describe('an export', () => {
  it('asks the agent for the footage once, and tells when it is stored', async () => {
    const fromUs = systemClock.nowUs() - 120_000_000;
    const range = { fromUs, toUs: fromUs + 60_000_000 };
    const first = await ask('POST', 'api/cameras/yard/exports', range);
    expect(first).toMatchObject({ status: 202, body: { state: 'waiting' } });
    expect(await ask('POST', 'api/cameras/yard/exports', range)).toEqual(first);
    const other = await ask('POST', 'api/cameras/yard/exports', { ...range, toUs: range.toUs + 1_000_000 });
    const { id: exported, urls } = z
      .object({ id: z.string(), urls: z.object({ state: z.string() }) })
      .parse(first.body);
    expect(other.body).not.toMatchObject({ id: exported });

    await messaging.jsm.consumers.add(streams.clips, { durable_name: 'asked', ack_policy: AckPolicy.None });
    const consumer = await messaging.js.consumers.get(streams.clips, 'asked');
    const wanted = [];
    for await (const message of await consumer.fetch({ max_messages: 9, expires: 1000 })) {
      expect(message.subject).toBe(subjects.clipsWanted('yard'));
      wanted.push(clipWanted.parse(message.json()));
    }
    expect(wanted).toHaveLength(2);
    expect(wanted[0]).toMatchObject({ ...range, camera: 'yard', eventId: exported });
    expect(wanted[0]?.event).toMatchObject({ labels: ['export'], exported: { by: 'olga' } });

    expect(await ask('GET', urls.state)).toMatchObject({ status: 200, body: { state: 'waiting' } });
    const told = wanted[0]?.event ?? {};
    await storeEvent(store, { camera: 'yard', startUs: wanted[0]?.event.startUs ?? 0, clip, told });
    viewer.noteStored(exported);
    expect(await ask('GET', urls.state)).toMatchObject({ body: { state: 'stored' } });
    expect(await ask('GET', 'api/events?label=export')).toMatchObject({
      body: { events: [{ id: exported, exported: { by: 'olga' } }] },
    });
    expect(await ask('POST', 'api/cameras/yard/exports', range)).toMatchObject({ body: { state: 'stored' } });
  });

  it('is of a camera that there is, not too long, and of the past', async () => {
    const nowUs = systemClock.nowUs();
    for (const [camera, fromUs, toUs, status] of [
      ['yard', nowUs - 1_000_000, nowUs - 2_000_000, 400],
      ['yard', nowUs - 1_000_000_000, nowUs, 400],
      ['yard', nowUs + 60_000_000, nowUs + 61_000_000, 400],
      ['nobody', nowUs - 2_000_000, nowUs - 1_000_000, 404],
    ] as const) {
      const answer = await ask('POST', `api/cameras/${camera}/exports`, { fromUs, toUs });
      expect([camera, fromUs, answer.status]).toEqual([camera, fromUs, status]);
    }
  });
});
