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
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { hostHandler, type HandlerHost } from '../fixture.ts';
import { PageFiles } from '../page-files.ts';
import { Viewer } from '../viewer.ts';
import { liveAnswer } from './live-schema.ts';

let directory: string;
let store: ObjectStore;
let server: NatsServer;
let messaging: Messaging;
let viewer: Viewer;
let host: HandlerHost;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-live-api-'));
  server = await startNatsServer({ directory: join(directory, 'nats') });
  messaging = await connectNats(server.url, 'test');
  await ensureSite(messaging);
  store = await openStore({ kind: 'directory', path: '' }, directory);
  viewer = new Viewer({
    ...{ store, clock: systemClock, log: createLogger('test'), nats: { url: server.url } },
    page: new PageFiles('<!doctype html>', new Map()),
    liveSecret: 'a secret of live view for tests',
  });
  host = await hostHandler(async (event, context) => await viewer.handle(event, context));
});
afterAll(async () => {
  await host.stop();
  await viewer.close();
  await messaging.nc.close();
  await server.stop();
  await rm(directory, { recursive: true });
});

async function tell(agent: string, atUs: number): Promise<void> {
  const health: AgentHealth = {
    ...{ v: 1, agent, atUs, software: 'test', live: { url: `http://${agent}.example:8555` } },
    cameras: {
      yard: {
        ...{ state: 'streaming', framesPublished: 1, framesDropped: 0, restarts: 0 },
        ring: { segments: 1, bytes: 2, spanMs: 3 },
      },
    },
  };
  await messaging.js.publish(`$KV.${buckets.agents}.${agent}`, JSON.stringify(health));
}

it('a camera that was moved is watched at the agent that has it now', async () => {
  const nowUs = systemClock.nowUs();
  for (const [first, then] of [
    ['a', 'b'],
    ['d', 'c'],
  ] as const) {
    await tell(first, nowUs + 1000);
    await tell(then, nowUs + 2000);
    await vi.waitFor(async () => {
      const { ways } = liveAnswer.parse(await (await fetch(`${host.url}api/cameras/yard/live`)).json());
      const urls = ways.filter(({ by }) => by === 'agent').map(({ url }) => new URL(url).hostname);
      expect(urls).toEqual([`${then}.example`, `${then}.example`]);
    }, 20_000);
    for (const agent of [first, then]) await messaging.js.publish(`$KV.${buckets.agents}.${agent}`, '');
  }
});

it('no agent has a camera by a name that every object has', async () => {
  await tell('a', systemClock.nowUs());
  await vi.waitFor(
    async () => expect((await fetch(`${host.url}api/cameras/yard/live`)).status).toBe(200),
    20_000,
  );
  for (const camera of ['constructor', 'valueof'])
    expect((await fetch(`${host.url}api/cameras/${camera}/live`)).status, camera).toBe(404);
});
