import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import {
  MOST_OF_ONE_USER,
  MOST_SUBSCRIPTIONS,
  PUSH_PUBLIC_KEY,
  pushKey,
} from '@faascam/core/push-subscription';
import {
  listSubscriptions,
  readSubscription,
  removeSubscription,
  tellPublicKey,
} from '@faascam/core/push-subscriptions';
import { ensureSite } from '@faascam/core/site-buckets';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { buckets } from '@faascam/core/subjects';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { hostHandler, type HandlerHost } from '../fixture.ts';
import { PageFiles } from '../page-files.ts';
import { Viewer } from '../viewer.ts';
import type { Identity } from './authorizer.ts';
import { pushAnswer, subscribedAnswer } from './push.ts';

let directory: string;
let store: ObjectStore;
let server: NatsServer;
let messaging: Messaging;
let viewer: Viewer;
let host: HandlerHost;
let says: Identity;
const key = 'B'.padEnd(87, 'k');
const subscription = {
  endpoint: 'https://push.example.org/send/1',
  expirationTime: null,
  keys: { p256dh: 'B'.padEnd(87, 'x'), auth: 'a'.padEnd(22, 'x') },
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-push-api-'));
  server = await startNatsServer({ directory: join(directory, 'nats') });
  messaging = await connectNats(server.url, 'test');
  store = await openStore({ kind: 'directory', path: '' }, directory);
  viewer = new Viewer({
    ...{ store, clock: systemClock, log: createLogger('test'), nats: { url: server.url } },
    page: new PageFiles('<!doctype html>', new Map()),
    authorizer: { identify: () => Promise.resolve(says) },
  });
  host = await hostHandler(async (event, context) => await viewer.handle(event, context));
});
beforeEach(async () => {
  says = { name: 'ann', role: 'viewer', provenBy: 'session' };
  await ensureSite(messaging);
  await tellPublicKey(messaging, key);
  for (const browser of await listSubscriptions(messaging)) await removeSubscription(messaging, browser);
  // NATS is connected to in the background.
  await vi.waitFor(async () => expect((await ask('')).status).toBe(200), 20_000);
});
afterAll(async () => {
  await host.stop();
  await viewer.close();
  await messaging.nc.close();
  await server.stop();
  await rm(directory, { recursive: true });
});

const ask = (path: string, method = 'GET', body?: unknown): Promise<Response> =>
  fetch(`${host.url}api/push${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

it('without anybody who sends there is no key, and nothing to subscribe to', async () => {
  await messaging.jsm.streams.delete(`KV_${buckets.push}`);
  expect(await (await ask('')).json()).toEqual({});
  await ensureSite(messaging);
  expect((await ask('/subscriptions', 'POST', subscription)).status).toBe(404);
  expect(await listSubscriptions(messaging)).toEqual([]);
});

it('a browser subscribes with the key, for its user and their cameras, and ends it again', async () => {
  expect(pushAnswer.parse(await (await ask('')).json())).toEqual({ publicKey: key });
  says = { name: 'bob', role: 'viewer', provenBy: 'session', cameras: ['yard'] };
  const answers = [
    await ask('/subscriptions', 'POST', subscription),
    await ask('/subscriptions', 'POST', subscription),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  const [first, second] = await Promise.all(
    answers.map(async (each) => subscribedAnswer.parse(await each.json())),
  );
  expect(first).toEqual(second);
  expect(await readSubscription(messaging, first?.browser ?? '')).toMatchObject({
    ...{ endpoint: subscription.endpoint, keys: subscription.keys, user: 'bob', cameras: ['yard'] },
  });
  for (let count = 0; count < 2; count++)
    expect((await ask(`/subscriptions/${first?.browser ?? ''}`, 'DELETE')).status).toBe(204);
  expect(await listSubscriptions(messaging)).toEqual([]);
  // Nothing is left of them, however many there were.
  const { state } = await messaging.jsm.streams.info(`KV_${buckets.push}`, { subjects_filter: '>' });
  expect(Object.keys(state.subjects ?? {})).toEqual([`$KV.${buckets.push}.${PUSH_PUBLIC_KEY}`]);
});

it('one user has a few browsers, so that there is room for the others', async () => {
  const asks = async (name: string, count: number): Promise<number> => {
    says = { name, role: 'viewer', provenBy: 'session' };
    const endpoint = `https://push.example.org/${name}/${count}`;
    return (await ask('/subscriptions', 'POST', { ...subscription, endpoint })).status;
  };
  for (let count = 0; count < MOST_OF_ONE_USER; count++) expect(await asks('eve', count)).toBe(200);
  says = { name: 'eve', role: 'viewer', provenBy: 'session' };
  const refused = await ask('/subscriptions', 'POST', subscription);
  expect(refused.status).toBe(409);
  expect(await refused.text()).toMatch(/10 of your browsers are told already: turn/);
  // One of them once more, and somebody else's.
  expect([await asks('eve', 3), await asks('ann', 0)]).toEqual([200, 200]);
  // Where there are no users, all are one.
  says = { name: 'anybody', role: 'admin', provenBy: 'default' };
  for (let count = 0; count <= MOST_OF_ONE_USER; count++) {
    const endpoint = `https://push.example.org/anybody/${count}`;
    expect((await ask('/subscriptions', 'POST', { ...subscription, endpoint })).status).toBe(200);
  }
});

it.each([
  ['no https address', { ...subscription, endpoint: 'http://192.168.1.1/' }],
  ['no address', { ...subscription, endpoint: 'file:///etc/passwd' }],
  ['no keys', { endpoint: subscription.endpoint }],
  ['a key that is none', { ...subscription, keys: { ...subscription.keys, auth: '<b>' } }],
])('a subscription with %s is refused', async (_what, body) => {
  expect((await ask('/subscriptions', 'POST', body)).status).toBe(400);
});

it('the key to subscribe with cannot be removed, nor anything that is no browser', async () => {
  for (const name of ['public-key', 'to-..', '%2e%2e%2fnotify'])
    expect((await ask(`/subscriptions/${name}`, 'DELETE')).status, name).toBe(400);
  expect(pushAnswer.parse(await (await ask('')).json())).toEqual({ publicKey: key });
});

it('there are no more browsers than can be told', async () => {
  await Promise.all(
    Array.from({ length: MOST_SUBSCRIPTIONS }, async (_, count) => {
      const endpoint = `https://push.example.org/many/${count}`;
      const kept = { v: 1, endpoint, keys: subscription.keys, atUs: 1, user: 'ann' };
      await messaging.js.publish(`$KV.${buckets.push}.${pushKey(endpoint)}`, JSON.stringify(kept));
    }),
  );
  expect((await ask('/subscriptions', 'POST', subscription)).status).toBe(409);
  const again = { ...subscription, endpoint: 'https://push.example.org/many/7' };
  expect((await ask('/subscriptions', 'POST', again)).status).toBe(200);
});
