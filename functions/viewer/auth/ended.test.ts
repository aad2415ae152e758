import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { listSubscriptions, readSubscription, tellPublicKey } from '@faascam/core/push-subscriptions';
import { ensureSite } from '@faascam/core/site-buckets';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import { liveRequest, type LiveReply } from '@faascam/core/live-messages';
import { storeEvent } from '../fixture.ts';
import { startLoginSite, userOf, Visitor, type LoginSite } from './fixture.ts';
import { pushVerdict } from './push-sweep.ts';
import { SESSION_COOKIE } from './session.ts';
import { newToken } from './token.ts';
import type { User } from './users-file.ts';

// What goes on after its answer ends with the right to it.

const START_US = Date.UTC(2026, 2, 4, 12) * 1000;
const SESSION = '6f1f8a52-3d7c-4d8e-9c55-0d6a1f0f9a11';

let directory: string;
let nats: NatsServer;
let messaging: Messaging;
let site: LoginSite;
let anna: User;
let vera: User;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-ended-'));
  nats = await startNatsServer({ directory });
  messaging = await connectNats(nats.url, 'test');
  await ensureSite(messaging);
  anna = await userOf('anna', 'admin');
  vera = await userOf('vera', 'viewer', ['yard']);
});
afterAll(async () => {
  await messaging.nc.close();
  await nats.stop();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  site = await startLoginSite({ NATS_URL: nats.url });
  await site.setUsers({ users: [anna, vera] });
});
afterEach(async () => {
  await site.stop();
});

/** A stream that is open, and whether it still is. */
async function listen(path: string, headers: Record<string, string>): Promise<{ open: () => boolean }> {
  const response = await fetch(site.host.url + path, { headers });
  expect(response.status).toBe(200);
  let isOpen = true;
  const read = async (): Promise<void> => {
    for await (const chunk of response.body ?? []) expect(chunk).toBeDefined();
  };
  void read()
    .catch(() => undefined)
    .finally(() => (isOpen = false));
  return { open: () => isOpen };
}

function cookieOf({ cookie }: Visitor): Record<string, string> {
  return { Cookie: `${SESSION_COOKIE}=${cookie ?? ''}` };
}

/** An agent's live view of a camera, as far as the viewer asks it for something; it ends with the function that it gives. */
function liveAgent(camera: string, ended: string[]): () => void {
  const subscription = messaging.nc.subscribe(`control.live.${camera}`, {
    callback: (_error, message) => {
      const request = liveRequest.parse(message.json());
      if (request.kind === 'end') ended.push(request.session);
      const reply: LiveReply =
        request.kind === 'offer'
          ? { v: 1, kind: 'answer', sdp: 'v=0', session: SESSION }
          : { v: 1, kind: 'done' };
      message.respond(JSON.stringify(reply));
    },
  });
  return () => subscription.unsubscribe();
}

async function loggedIn(name: string): Promise<Visitor> {
  const visitor = new Visitor(site.host.url);
  await expect.poll(async () => (await visitor.login(name)).status).toBe(200);
  // NATS is connected to in the background.
  await expect.poll(async () => await visitor.status('api/cameras/yard/frame.jpg')).toBe(404);
  return visitor;
}

describe('what was open', () => {
  it('ends when its session was ended, and nobody else’s does', async () => {
    const ended: string[] = [];
    const silence = liveAgent('yard', ended);
    const [watcher, other] = [await loggedIn('vera'), await loggedIn('anna')];
    // Begun before: one that ended by itself would be first.
    const others = [
      await listen('api/stream', cookieOf(other)),
      await listen('api/cameras/yard/stream.mjpeg', cookieOf(other)),
    ];
    const streams = [
      await listen('api/stream', cookieOf(watcher)),
      await listen('api/cameras/yard/stream.mjpeg', cookieOf(watcher)),
    ];
    const offer = await fetch(`${site.host.url}api/cameras/yard/whep`, {
      method: 'POST',
      headers: {
        ...cookieOf(watcher),
        'X-Faascam-Csrf': watcher.csrf ?? '',
        'Content-Type': 'application/sdp',
      },
      body: 'v=0',
    });
    expect(offer.status).toBe(201);
    expect(await watcher.status('api/session', 'DELETE')).toBe(204);
    await expect.poll(() => streams.map(({ open }) => open())).toEqual([false, false]);
    expect(others.map(({ open }) => open())).toEqual([true, true]);
    await expect.poll(() => ended).toEqual([SESSION]);
    silence();
    // Nobody tried anything.
    const noted = JSON.stringify(await other.ask('GET', 'api/audit'));
    expect(noted).toContain('logout');
    expect(noted).not.toContain('offerWebRtc');
  });

  it('ends when its user was taken out or sees other cameras, and when its token was', async () => {
    const watcher = await loggedIn('vera');
    const { text, stored } = newToken({ name: 'wall', scope: 'read' });
    await site.setUsers({ users: [anna, vera], tokens: [stored] });
    const byToken = await listen('api/stream', { Authorization: `Bearer ${text}` });
    const byUser = await listen('api/stream', cookieOf(watcher));
    await site.setUsers({ users: [anna, { ...vera, cameras: ['yard', 'door'] }], tokens: [stored] });
    await expect.poll(byUser.open).toBe(false);
    expect(byToken.open()).toBe(true);
    await site.setUsers({ users: [anna] });
    await expect.poll(byToken.open).toBe(false);
  });
});

describe('browsers that are told of events', () => {
  it('are forgotten with their user, and hear of the cameras that the user may see by then', async () => {
    await tellPublicKey(messaging, 'B'.padEnd(87, 'k'));
    const names: string[] = [];
    for (const name of ['vera', 'anna']) {
      const visitor = await loggedIn(name);
      const answer = await visitor.ask('POST', 'api/push/subscriptions', {
        body: {
          endpoint: `https://push.example.org/${name}`,
          keys: { p256dh: 'B'.padEnd(87, 'x'), auth: 'a'.padEnd(22, 'x') },
        },
      });
      const told: unknown = JSON.parse(answer.text);
      names.push(typeof told === 'object' && told !== null && 'browser' in told ? String(told.browser) : '');
    }
    const [ofVera = '', ofAnna = ''] = names;
    await site.setUsers({ users: [anna, { ...vera, cameras: ['door'] }] });
    await expect.poll(async () => (await readSubscription(messaging, ofVera))?.cameras).toEqual(['door']);
    await site.setUsers({ users: [anna] });
    await expect.poll(async () => await listSubscriptions(messaging)).toEqual([ofAnna]);
  });

  it('are of users, and of tokens until these expire', () => {
    const { stored } = newToken({ name: 'wall', scope: 'read', expires: '2026-03-05T00:00:00Z' });
    const users = { users: [anna, vera], tokens: [stored] };
    expect(pushVerdict({ user: 'anna' }, users, START_US)).toEqual({ kind: 'good' });
    expect(pushVerdict({ user: 'anna', cameras: ['yard'] }, users, START_US)).toEqual({ kind: 'changed' });
    expect(pushVerdict({ user: 'vera' }, users, START_US)).toEqual({ kind: 'changed', cameras: ['yard'] });
    expect(pushVerdict({ user: 'token wall' }, users, START_US)).toEqual({ kind: 'good' });
    expect(pushVerdict({ user: 'token wall' }, users, START_US + 86_400_000_000)).toEqual({ kind: 'gone' });
    // From before there were users.
    expect(pushVerdict({ user: 'anybody' }, users, START_US)).toEqual({ kind: 'gone' });
  });
});

describe('whoever may see some cameras alone', () => {
  it('learns no label, zone or number of the others', async () => {
    const own = await storeEvent(site.store, { camera: 'yard', startUs: START_US, labels: ['dog'] });
    for (const hour of [1, 2, 3])
      await storeEvent(site.store, {
        ...{ camera: 'door', startUs: START_US + hour * 3_600_000_000, labels: ['person'] },
        told: { zones: ['safe'] },
      });
    const [admin, watcher] = [await loggedIn('anna'), await loggedIn('vera')];
    expect((await admin.ask('GET', 'api/events?label=person')).text).toContain('door-');
    expect((await watcher.ask('GET', 'api/events?label=dog')).text).toContain(own);
    const status = (await watcher.ask('GET', 'api/status')).text;
    expect(JSON.parse(status)).toMatchObject({
      ...{ cameras: ['yard'], labels: ['dog'], zones: [] },
      events: { listed: 1, unreadable: 0 },
    });
    expect(JSON.parse((await admin.ask('GET', 'api/status')).text)).toMatchObject({
      ...{ labels: ['dog', 'person'], zones: ['safe'] },
      events: { listed: 4 },
    });
  });
});

describe('a share link', () => {
  it('opens its event and nothing else without a login, and is refused once it has expired', async () => {
    const id = await storeEvent(site.store, { camera: 'yard', startUs: START_US, clip: Buffer.from('clip') });
    const admin = await loggedIn('anna');
    const shared = await admin.ask('POST', `api/events/${id}/share`, { body: { hours: 1 } });
    const [, link = ''] = /"event":"([^"]+)"/.exec(shared.text) ?? [];
    const stranger = new Visitor(site.host.url);
    expect(await stranger.status(link)).toBe(200);
    expect(await stranger.status(`${link}/clip.mp4`)).toBe(200);
    for (const path of [`api/events/${id}`, `api/events/${id}/clip.mp4`, `${link}/event.json`, 'api/status'])
      expect([path, await stranger.status(path)]).toEqual([path, path.startsWith(link) ? 404 : 401]);
    expect(await stranger.status(link, 'POST')).toBe(405);
    site.clock.offsetMs += 3_600_000;
    for (const path of [link, `${link}/clip.mp4`, `${link}/snapshot.jpg`, `${link}/clip-2.mp4`])
      expect(await stranger.status(path), path).toBe(410);
    // Nor is it one for who is logged in: what expired is refused to everybody.
    expect(await admin.status(link)).toBe(410);
  });
});

describe('a token', () => {
  it.each([
    ['read', 403, 403],
    ['operate', 200, 403],
    ['admin', 200, 200],
  ] as const)('of the scope %s does no more than that', async (scope, change, administer) => {
    const id = await storeEvent(site.store, { camera: 'yard', startUs: START_US });
    const { text, stored } = newToken({ name: 'script', scope });
    await site.setUsers({ users: [anna], tokens: [stored] });
    const holder = new Visitor(site.host.url, { Authorization: `Bearer ${text}` });
    expect(await holder.status('api/events')).toBe(200);
    for (const [method, path, body] of [
      ['POST', `api/events/${id}/keep`, undefined],
      ['DELETE', `api/events/${id}/keep`, undefined],
    ] as const)
      expect((await holder.ask(method, path, { body })).status, path).toBe(change);
    await expect.poll(async () => await holder.status('api/audit')).toBe(administer);
    await expect.poll(async () => await holder.status('api/sessions')).toBe(administer);
    // A token is no way to make a session that outlives it.
    expect((await holder.ask('GET', 'api/session')).headers.get('set-cookie')).toBeNull();
  });
});
