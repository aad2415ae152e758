import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { freePort } from '@faascam/core/ports';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hostHandler, type HandlerHost } from '../fixture.ts';
import { errorAnswer } from '../page/api.ts';
import { PageFiles } from '../page-files.ts';
import { Viewer } from '../viewer.ts';
import { suffices, type AskedOperation, type Identity, type Refusal } from './authorizer.ts';

let directory: string;
let store: ObjectStore;
let viewer: Viewer;
let host: HandlerHost;
let asked: AskedOperation[];
let says: Identity | Refusal;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-allowed-'));
  store = await openStore({ kind: 'directory', path: '' }, directory);
  asked = [];
  viewer = new Viewer({
    store,
    page: new PageFiles('<!doctype html>', new Map()),
    nats: { url: `nats://127.0.0.1:${await freePort()}` },
    clock: systemClock,
    log: createLogger('test'),
    authorizer: {
      identify: async (operation) => {
        asked.push(operation);
        return await Promise.resolve(says);
      },
    },
  });
  host = await hostHandler(async (event, context) => await viewer.handle(event, context));
});

afterEach(async () => {
  await host.stop();
  await viewer.close();
  await store.close();
  await rm(directory, { recursive: true });
});

async function answerOf(path: string): Promise<[number, string]> {
  const response = await fetch(host.url + path);
  return [response.status, errorAnswer(await response.json(), 'the answer').error];
}

it('whoever asks is identified before anything is read, with what the operation needs', async () => {
  says = { name: 'ann', role: 'viewer', provenBy: 'session' };
  const response = await fetch(`${host.url}api/events?limit=3`, { headers: { cookie: 'a=b' } });
  expect(response.status).toBe(200);
  expect(asked).toMatchObject([
    { method: 'GET', path: '/api/events', operation: 'listEvents', needs: 'viewer' },
  ]);
  expect(asked[0]?.header('Cookie')).toBe('a=b');
});

it('a role that is not enough, nobody at all, and a refusal are answers with a sentence', async () => {
  says = { name: 'somebody', role: 'public', provenBy: 'nothing' };
  expect(await answerOf('api/events')).toEqual([401, 'Log in first.']);
  says = { status: 429, sentence: 'Too many tries; wait a minute.', headers: { 'Retry-After': '60' } };
  const response = await fetch(`${host.url}api/status`);
  expect(response.status).toBe(429);
  expect(response.headers.get('retry-after')).toBe('60');
  expect(errorAnswer(await response.json(), 'the answer').error).toBe('Too many tries; wait a minute.');
  expect(suffices('viewer', 'operator')).toBe(false);
  expect(suffices('admin', 'operator')).toBe(true);
  expect(suffices('public', 'viewer')).toBe(false);
  expect(suffices('public', 'public')).toBe(true);
});

it('what leads nowhere and the page itself are nobody’s secret', async () => {
  says = { status: 401, sentence: 'Log in first.' };
  expect((await fetch(`${host.url}api/nothing`)).status).toBe(404);
  expect((await fetch(host.url)).status).toBe(200);
  expect(asked).toEqual([]);
});
