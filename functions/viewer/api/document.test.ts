import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { systemClock } from '@faascam/core/clock';
import { messageHeadersOf } from '@faascam/core/frame';
import { createLogger } from '@faascam/core/log';
import type { AgentHealth } from '@faascam/core/messages';
import { connectNats, ensureStreams } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { freePort } from '@faascam/core/ports';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { buckets, subjects } from '@faascam/core/subjects';
import { Kvm } from '@nats-io/kv';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { hostHandler, storeEvent, type HandlerHost } from '../fixture.ts';
import { gateFromEnv } from '../auth/gate.ts';
import { PageFiles } from '../page-files.ts';
import { shareTokenOf } from '../share-link.ts';
import { Viewer } from '../viewer.ts';
import { documentFileText } from './document-file.ts';

const shape = z.looseObject({});
const response = z.object({
  content: z.record(z.string(), z.object({ schema: shape.optional() })).optional(),
});
const documentShape = z.object({
  openapi: z.literal('3.1.0'),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        operationId: z.string(),
        parameters: z.array(z.object({ name: z.string(), in: z.enum(['path', 'query']) })),
        requestBody: z.object({ content: z.record(z.string(), z.unknown()) }).optional(),
        responses: z.record(z.string(), response),
      }),
    ),
  ),
  components: z.object({ schemas: z.record(z.string(), shape) }),
});

const START_US = Date.UTC(2026, 2, 4, 12) * 1000;
const secret = Buffer.from('a secret of the test');
const clip = Buffer.from('not really a clip');

let directory: string;
let server: NatsServer;
let store: ObjectStore;
let viewer: Viewer;
let host: HandlerHost;
let id: string;
let document: z.infer<typeof documentShape>;
let ajv: Ajv2020;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-openapi-'));
  server = await startNatsServer({ directory: join(directory, 'nats'), port: await freePort() });
  store = await openStore({ kind: 'directory', path: '' }, directory);
  const told = {
    zones: ['porch'],
    crossings: [{ line: 'gate', direction: 'left-to-right' as const, atUs: START_US, track: 0 }],
  };
  id = await storeEvent(store, {
    camera: 'yard',
    startUs: START_US,
    clip,
    snapshot: clip,
    clean: clip,
    told,
  });
  await storeEvent(store, { camera: 'yard', startUs: START_US - 1 });
  const messaging = await connectNats(server.url, 'test');
  await ensureStreams(messaging.jsm);
  const header = messageHeadersOf({
    camera: 'yard',
    agent: 'host',
    capturedAtUs: START_US,
    seq: 1,
    kind: 'image',
  });
  await messaging.js.publish(subjects.frames('yard'), 'a picture', { headers: header });
  const health: AgentHealth = {
    ...{ v: 1, agent: 'host', atUs: systemClock.nowUs(), software: 'faascam/test' },
    cameras: {
      yard: {
        ...{ state: 'waiting', cause: 'It does not answer.', causeCode: 'unreachable', framesPublished: 7 },
        ...{ framesDropped: 2, framesDroppedFor: { behind: 2 }, restarts: 1 },
        ring: { segments: 3, bytes: 900, spanMs: 6000, pinnedBytes: 1 },
      },
    },
  };
  await (await new Kvm(messaging.js).create(buckets.agents)).put('host', JSON.stringify(health));
  await messaging.nc.close();

  const log = createLogger('test');
  viewer = new Viewer({
    store,
    page: new PageFiles('<!doctype html>', new Map()),
    nats: { url: server.url },
    clock: systemClock,
    log,
    shareSecret: () => Promise.resolve(secret),
    // There are no users: whoever reaches it may do everything, and what concerns logins is there all the same.
    gate: (nats) =>
      gateFromEnv({ nats, clock: systemClock, log }, { FAASCAM_DATA: directory, FAASCAM_VIEWER_OPEN: '1' }),
  });
  host = await hostHandler(async (event, context) => await viewer.handle(event, context));
  await vi.waitFor(
    async () => expect(await (await fetch(`${host.url}api/cameras`)).json()).not.toHaveProperty('notice'),
    { timeout: 30_000, interval: 50 },
  );
  const raw: unknown = await (await fetch(`${host.url}api/openapi.json`)).json();
  document = documentShape.parse(raw);
  ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema(Object.assign({}, closed(raw), { $id: 'openapi' }));
});

afterAll(async () => {
  await host.stop();
  await viewer.close();
  await store.close();
  await server.stop();
  await rm(directory, { recursive: true });
});

/** The document as it is, but without room for fields that it does not name. */
function closed(value: unknown): object {
  const close = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(close);
    if (typeof part !== 'object' || part === null) return part;
    const fields = Object.fromEntries(Object.entries(part).map(([name, field]) => [name, close(field)]));
    const open = fields['type'] !== 'object' || !('properties' in fields) || 'additionalProperties' in fields;
    return open ? fields : { ...fields, additionalProperties: false };
  };
  return Object.assign({}, close(value));
}

/** What is wrong with the answer by the document; nothing if all is well. */
async function faultsOf(path: string, method: string, answer: Response): Promise<unknown[]> {
  const responses = document.paths[path]?.[method]?.responses ?? {};
  const status = String(answer.status);
  const known = status in responses ? status : 'default';
  const type = (answer.headers.get('content-type') ?? '').split(';', 1)[0] ?? '';
  const content = responses[known]?.content;
  if (content === undefined) return [];
  if (!(type in content)) return [`${status} of ${type}`];
  if (content[type]?.schema === undefined) return [];
  const escaped = [path, method, 'responses', known, 'content', type, 'schema'].map((part) =>
    encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')),
  );
  const validate = ajv.getSchema(`openapi#/paths/${escaped.join('/')}`);
  if (validate === undefined) return ['no schema'];
  const body: unknown = await answer.json();
  return validate(body) === true ? [] : [body, ...(validate.errors ?? [])];
}

const examples: Record<string, () => string> = {
  ...{ id: () => id, camera: () => 'yard', part: () => '2' },
  token: () => shareTokenOf({ id, expiresS: Math.floor(Date.now() / 1000) + 60 }, secret),
};
const bodies: Record<string, () => object> = {
  '/api/cameras/{camera}/exports': () => ({ fromUs: START_US, toUs: START_US + 1_000_000 }),
};

it('the committed document is that of this version: if not, run "npm run openapi"', async () => {
  const path = new URL('../../../docs/openapi.json', import.meta.url).pathname;
  expect(await readFile(path, 'utf8')).toBe(await documentFileText());
});

describe('the document', () => {
  it('says of every operation what the server really answers, well or refused', async () => {
    const asked: string[] = [];
    const all = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, described]) => ({ path, method, ...described })),
    );
    // What removes things comes last.
    for (const last of [false, true]) {
      for (const { path, method, parameters, requestBody, responses } of all) {
        if ((method === 'delete') !== last) continue;
        const address = path.replaceAll(/\{([A-Za-z]+)\}/g, (_, name: string) => examples[name]?.() ?? 'x');
        const wanted = Object.keys(responses)[0];
        // What never ends is a test of its own.
        if (responses[wanted ?? '']?.content?.['text/event-stream'] !== undefined) continue;
        expect(parameters.filter((parameter) => parameter.in === 'path').length).toBe(
          path.split('{').length - 1,
        );
        const [type] = Object.keys(requestBody?.content ?? {});
        const answer = await fetch(host.url + address.slice(1), {
          method: method.toUpperCase(),
          ...(type === undefined
            ? {}
            : { body: JSON.stringify(bodies[path]?.() ?? {}), headers: { 'Content-Type': type } }),
          redirect: 'manual',
        });
        expect([path, method, await faultsOf(path, method, answer)]).toEqual([path, method, []]);
        asked.push(`${method} ${path} ${answer.status}`);
      }
    }
    expect(asked).toEqual(
      expect.arrayContaining([
        'get /api/events 200',
        'get /api/events/{id} 200',
        'get /api/events/{id}/clip.mp4 200',
        'get /api/events/{id}/snapshot.jpg 200',
        'get /api/events/{id}/snapshot-clean.jpg 200',
        'get /api/events/{id}/clip-{part}.mp4 404',
        'get /api/cameras 200',
        'get /api/cameras/{camera}/frame.jpg 200',
        'get /api/cameras/{camera}/motion 400',
        'get /api/status 200',
        'get /api/openapi.json 200',
        'post /api/events/{id}/keep 200',
        'post /api/events/{id}/share 201',
        'get /api/shared/{token} 200',
        'get /api/shared/{token}/clip.mp4 200',
        'post /api/cameras/{camera}/exports 202',
        'get /api/cameras/{camera}/exports/{id} 200',
        'delete /api/events/{id} 409',
        'delete /api/events/{id}/keep 200',
      ]),
    );
  });

  it('says what a refused call gets', async () => {
    for (const [path, address, status] of [
      ['/api/events', 'api/events?limit=0', 400],
      ['/api/events/{id}', 'api/events/yard-20200101t000000-000000', 404],
      ['/api/events/{id}/clip.mp4', 'api/events/x/clip.mp4', 400],
    ] as const) {
      const answer = await fetch(host.url + address);
      expect(answer.status).toBe(status);
      expect(await faultsOf(path, 'get', answer)).toEqual([]);
    }
  });

  it('would not pass an answer with a field that it does not name, or without one that it does', async () => {
    const json = { status: 200, headers: { 'Content-Type': 'application/json' } };
    const answer = (body: object): Response => new Response(JSON.stringify(body), json);
    expect(await faultsOf('/api/cameras', 'get', answer({ cameras: [] }))).toEqual([]);
    expect(await faultsOf('/api/cameras', 'get', answer({ cameras: [], more: 1 }))).not.toEqual([]);
    expect(await faultsOf('/api/events', 'get', answer({ events: [{ id }] }))).not.toEqual([]);
    expect(await faultsOf('/api/events/{id}', 'get', answer({ v: 1 }))).not.toEqual([]);
  });
});
