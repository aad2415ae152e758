import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { connectNats } from '@faascam/core/messaging';
import { ensureSite } from '@faascam/core/site-buckets';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { storeEvent } from '../fixture.ts';
import { passwordOf, startLoginSite, userOf, Visitor, type LoginSite } from './fixture.ts';
import { newToken } from './token.ts';
import type { User } from './users-file.ts';

const listedSessions = z.object({
  sessions: z.array(z.object({ id: z.string(), user: z.string(), own: z.boolean() })),
});
const START_US = Date.UTC(2026, 2, 4, 12) * 1000;
const DAY_MS = 86_400_000;

let anna: User;
let vera: User;
let olga: User;
let site: LoginSite;

beforeAll(async () => {
  anna = await userOf('anna', 'admin');
  vera = await userOf('vera', 'viewer', ['yard']);
  olga = await userOf('olga', 'operator');
});
afterEach(async () => {
  await site.stop();
});

async function withUsers(env: Record<string, string> = {}, prefix = ''): Promise<Visitor> {
  site = await startLoginSite(env, { prefix });
  await site.setUsers({ users: [anna, vera, olga] });
  return new Visitor(site.host.url);
}

function session(answer: { text: string }): Record<string, unknown> {
  const told: unknown = JSON.parse(answer.text);
  return typeof told === 'object' && told !== null ? { ...told } : {};
}

describe('without users', () => {
  it('behind a gateway nobody is let in, and is told what to do', async () => {
    site = await startLoginSite();
    const visitor = new Visitor(site.host.url);
    expect(await visitor.status('')).toBe(200);
    const refused = await visitor.ask('GET', 'api/events');
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('faascam user add');
    expect(session(await visitor.ask('GET', 'api/session'))).toEqual({ state: 'unconfigured' });
  });

  it('it is open to everybody where that was asked for', async () => {
    site = await startLoginSite({ FAASCAM_VIEWER_OPEN: '1' });
    const visitor = new Visitor(site.host.url, { 'X-Forwarded-Host': 'cams.example.org' });
    expect(await visitor.status('api/events')).toBe(200);
    expect(session(await visitor.ask('GET', 'api/session'))).toEqual({ state: 'open' });
  });

  it('on its own host it is open by names of that host alone, so that no site turns its name around to it', async () => {
    site = await startLoginSite({ FAASCAM_VIEWER_OPEN: 'loopback' });
    const statusBy = async (host: string): Promise<number> =>
      await new Visitor(site.host.url, { 'X-Forwarded-Host': host }).status('api/events');
    expect(await statusBy('127.0.0.1:8080')).toBe(200);
    expect(await statusBy('localhost')).toBe(200);
    expect(await statusBy('[::1]:8080')).toBe(200);
    expect(await statusBy('evil.example')).toBe(403);
    expect(await statusBy('127.0.0.1.evil.example')).toBe(403);
  });

  it('a file of users that cannot be read lets nobody in', async () => {
    site = await startLoginSite({ FAASCAM_VIEWER_OPEN: '1' });
    await writeFile(site.usersPath, 'users: [{ name: anna, role: emperor }]\n');
    const visitor = new Visitor(site.host.url);
    expect(await visitor.status('api/events')).toBe(403);
    expect((await visitor.login('anna')).status).toBe(503);
  });
});

describe('logging in', () => {
  it('lets a user in with the right password, until logging out', async () => {
    const visitor = await withUsers();
    expect(await visitor.status('api/events')).toBe(401);
    expect(session(await visitor.ask('GET', 'api/session'))).toEqual({ state: 'needed' });
    expect(session(await visitor.login('olga'))).toMatchObject({ name: 'olga', role: 'operator' });
    expect(await visitor.status('api/events')).toBe(200);
    expect(session(await visitor.ask('GET', 'api/session'))).toEqual({
      state: 'in',
      user: { name: 'olga', role: 'operator' },
      by: 'session',
      csrf: visitor.csrf,
    });
    const before = visitor.cookie;
    expect(await visitor.status('api/session', 'DELETE')).toBe(204);
    expect(await visitor.status('api/events')).toBe(401);
    visitor.cookie = before;
    expect(await visitor.status('api/events')).toBe(401);
  });

  it('answers an unknown name and a wrong password in the same words', async () => {
    const visitor = await withUsers();
    const wrong = await visitor.login('anna', 'not the password');
    const unknown = await visitor.login('nobody', 'not the password');
    expect([wrong.status, wrong.text]).toEqual([401, unknown.text]);
    expect(unknown.status).toBe(401);
  });

  it('sets a cookie that no script reads, no other site sends, and only https carries', async () => {
    const visitor = await withUsers({}, '/function/viewer');
    const plain = await visitor.login('anna');
    expect(plain.status).toBe(200);
    expect(visitor.lastSetCookie).toMatch(/^faascam_session=[^;]+; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
    // The browser takes the folder of the address: api/ below the function's own.
    expect(visitor.lastSetCookie).not.toMatch(/path=|domain=/i);
    const { host } = new URL(site.host.url);
    await visitor.login('anna', passwordOf('anna'), { Origin: `https://${host}` });
    expect(visitor.lastSetCookie).toMatch(/; SameSite=Strict; Secure$/);
    // Whoever asks cannot say so for others.
    await visitor.login('anna', passwordOf('anna'), { 'X-Forwarded-Proto': 'https' });
    expect(visitor.lastSetCookie).not.toMatch(/Secure/);
  });

  it('believes a proxy about https where that was set', async () => {
    const visitor = await withUsers({ FAASCAM_LOGIN: 'trustForwardedProto: true' });
    await visitor.login('anna', passwordOf('anna'), { 'X-Forwarded-Proto': 'https' });
    expect(visitor.lastSetCookie).toMatch(/; Secure$/);
  });

  it('makes a new session each time, and ends the one before', async () => {
    const visitor = await withUsers();
    await visitor.login('anna');
    const first = visitor.cookie;
    await visitor.login('anna');
    expect(visitor.cookie).not.toBe(first);
    visitor.cookie = first;
    expect(await visitor.status('api/events')).toBe(401);
  });

  it('ends a session when it was unused for too long, or is too old, and renews one that is used', async () => {
    const visitor = await withUsers();
    await visitor.login('anna');
    site.clock.offsetMs += 8 * DAY_MS;
    expect(await visitor.status('api/events')).toBe(401);
    await visitor.login('anna');
    for (let day = 0; day < 28; day += 4) {
      site.clock.offsetMs += 4 * DAY_MS;
      expect(await visitor.status('api/events')).toBe(200);
    }
    site.clock.offsetMs += 4 * DAY_MS;
    expect(await visitor.status('api/events')).toBe(401);
  });

  it('does not renew a cookie on an address where the browser would keep it for a deeper folder', async () => {
    const visitor = await withUsers();
    await visitor.login('anna');
    visitor.lastSetCookie = '';
    site.clock.offsetMs += 4 * DAY_MS;
    await visitor.ask('GET', 'api/cameras/yard/frame.jpg');
    expect(visitor.lastSetCookie).toBe('');
    await visitor.ask('GET', 'api/status');
    expect(visitor.lastSetCookie).toMatch(/^faascam_session=/);
  });

  it('a user who is removed or gets another password is out at once', async () => {
    const visitor = await withUsers();
    await visitor.login('olga');
    await site.setUsers({ users: [anna, { ...olga, password: anna.password }] });
    expect(await visitor.status('api/events')).toBe(401);
    await site.setUsers({ users: [anna, olga] });
    expect(await visitor.status('api/events')).toBe(200);
    await site.setUsers({ users: [anna] });
    expect(await visitor.status('api/events')).toBe(401);
  });

  it('a cookie that was changed, or made with another password, is nobody', async () => {
    const visitor = await withUsers();
    await visitor.login('vera');
    const [text = '', signature = ''] = (visitor.cookie ?? '').split('.');
    const claims = Buffer.from(text, 'base64url').toString().replace('"vera"', '"anna"');
    for (const forged of [
      `${Buffer.from(claims).toString('base64url')}.${signature}`,
      `${text}.`,
      text,
      `${text}.${signature}x`,
      'x'.repeat(5000),
    ]) {
      visitor.cookie = forged;
      expect(await visitor.status('api/events')).toBe(401);
    }
  });
});

describe('rights', () => {
  it('a role that is too small is refused', async () => {
    const visitor = await withUsers();
    await visitor.login('olga');
    const refused = await visitor.ask('GET', 'api/audit');
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('the role admin');
  });

  it('who may see one camera sees nothing of the others', async () => {
    const visitor = await withUsers();
    const mine = await storeEvent(site.store, { camera: 'yard', startUs: START_US });
    const other = await storeEvent(site.store, { camera: 'door', startUs: START_US + 60_000_000 });
    await visitor.login('vera');
    const list = await visitor.ask('GET', 'api/events');
    expect(list.text).toContain(mine);
    expect(list.text).not.toContain('door');
    expect((await visitor.ask('GET', 'api/events?camera=door')).text).not.toContain(other);
    expect(await visitor.status(`api/events/${mine}`)).toBe(200);
    expect(await visitor.status(`api/events/${other}`)).toBe(404);
    expect(await visitor.status(`api/events/${other}/clip.mp4`)).toBe(404);
    expect(await visitor.status('api/cameras/door/frame.jpg')).toBe(404);
    expect((await visitor.ask('GET', 'api/status')).text).not.toContain('door');
  });
});

describe('changes', () => {
  it('must bring along what only the page knows, and come from no other site', async () => {
    const visitor = await withUsers();
    await visitor.login('anna');
    const { csrf } = visitor;
    visitor.csrf = undefined;
    expect(await visitor.status('api/session', 'DELETE')).toBe(403);
    visitor.csrf = 'x'.repeat(43);
    expect(await visitor.status('api/session', 'DELETE')).toBe(403);
    visitor.csrf = csrf;
    for (const headers of [
      { Origin: 'https://evil.example' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
    ]) {
      const refused = await visitor.ask('DELETE', 'api/session', { headers });
      expect([refused.status, refused.text]).toEqual([403, expect.stringContaining("Another site's page")]);
    }
    expect(await visitor.status('api/events')).toBe(200);
    const { host } = new URL(site.host.url);
    const own = await visitor.ask('DELETE', 'api/session', { headers: { Origin: `http://${host}` } });
    expect(own.status).toBe(204);
  });

  it("another site's page cannot log anybody in", async () => {
    const visitor = await withUsers();
    const answer = await visitor.login('anna', passwordOf('anna'), { Origin: 'https://evil.example' });
    expect(answer.status).toBe(403);
    // Nor as a form, which needs no leave.
    const form = await visitor.ask('POST', 'api/session', {
      body: { name: 'anna', password: passwordOf('anna') },
      headers: { 'Content-Type': 'text/plain' },
    });
    expect(form.status).toBe(415);
  });
});

describe('tokens', () => {
  it('do what their scope allows, on their cameras, until they expire', async () => {
    site = await startLoginSite();
    const read = newToken({ name: 'home', scope: 'read', cameras: ['yard'] });
    const admin = newToken({
      name: 'script',
      scope: 'admin',
      expires: new Date(Date.now() + DAY_MS).toISOString(),
    });
    const house = newToken({ name: 'house', scope: 'admin', cameras: ['yard'] });
    await site.setUsers({ users: [anna], tokens: [read.stored, admin.stored, house.stored] });
    const holder = (text: string): Visitor => new Visitor(site.host.url, { Authorization: `Bearer ${text}` });
    expect(await holder(read.text).status('api/events')).toBe(200);
    expect(await holder(read.text).status('api/cameras/door/frame.jpg')).toBe(404);
    expect(await holder(read.text).status('api/audit')).toBe(403);
    // These tell of all cameras at once.
    for (const path of ['api/audit', 'api/sessions'])
      expect(await holder(house.text).status(path), path).toBe(403);
    expect(session(await holder(admin.text).ask('GET', 'api/session'))).toMatchObject({
      state: 'in',
      user: { name: 'token script', role: 'admin' },
      by: 'token',
    });
    // Without NATS there is no audit log to show; it may ask for it.
    expect(await holder(admin.text).status('api/audit')).toBe(503);
    site.clock.offsetMs += 2 * DAY_MS;
    const late = await holder(admin.text).ask('GET', 'api/events');
    expect([late.status, late.text]).toEqual([401, expect.stringContaining('expired')]);
    const wrong = `${read.text.slice(0, -4)}AAAA`;
    expect(await holder(wrong).status('api/events')).toBe(401);
    expect(await holder(wrong).status('api/session')).toBe(401);
  });
});

describe('a proxy that logs people in', () => {
  it('is believed where it is configured and proves itself, and nobody else', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'faascam-proxy-'));
    try {
      const secretFile = join(directory, 'secret');
      await writeFile(secretFile, 'a secret of the proxy alone\n');
      const login = { proxy: { secretFile, roles: { watch: 'viewer', staff: 'operator' } } };
      site = await startLoginSite({ FAASCAM_LOGIN: JSON.stringify(login) });
      const ask = async (headers: Record<string, string>): Promise<{ status: number; text: string }> =>
        await new Visitor(site.host.url, headers).ask('GET', 'api/events');
      const proof = { 'X-Faascam-Proxy-Secret': 'a secret of the proxy alone' };
      expect((await ask({ ...proof, 'Remote-User': 'Jo', 'Remote-Groups': 'x,watch' })).status).toBe(200);
      expect((await ask({ ...proof, 'Remote-User': 'Jo', 'Remote-Groups': 'x' })).status).toBe(403);
      expect((await ask({ ...proof, 'Remote-User': 'Jo' })).status).toBe(403);
      expect((await ask({ 'Remote-User': 'Jo', 'Remote-Groups': 'staff' })).status).toBe(403);
      const guessed = { 'X-Faascam-Proxy-Secret': 'a guess', 'Remote-User': 'Jo', 'Remote-Groups': 'staff' };
      expect((await ask(guessed)).status).toBe(403);
      expect((await ask({})).status).toBe(401);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('is not believed where it is not configured', async () => {
    await withUsers();
    const visitor = new Visitor(site.host.url, { 'Remote-User': 'anna', 'Remote-Groups': 'admin' });
    expect(await visitor.status('api/events')).toBe(401);
  });
});

describe('several replicas', () => {
  let nats: NatsServer;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'faascam-login-nats-'));
    nats = await startNatsServer({ directory });
    const messaging = await connectNats(nats.url, 'test');
    await ensureSite(messaging);
    await messaging.nc.close();
  });
  afterAll(async () => {
    await nats.stop();
    await rm(directory, { recursive: true });
  });

  it('share sessions, hear when one was ended, and write one audit log without any secret', async () => {
    const visitor = await withUsers({ NATS_URL: nats.url });
    const other = await startLoginSite({ NATS_URL: nats.url });
    try {
      await other.setUsers({ users: [anna, vera, olga] });
      const admin = new Visitor(other.host.url);
      await expect.poll(async () => (await admin.ask('GET', 'api/session')).status).toBe(200);
      await expect
        .poll(async () => {
          await admin.login('anna');
          return await admin.status('api/sessions');
        })
        .toBe(200);
      expect((await visitor.login('olga', 'wrong password')).status).toBe(401);
      await visitor.login('olga');
      const elsewhere = new Visitor(other.host.url);
      elsewhere.cookie = visitor.cookie;
      expect(await elsewhere.status('api/events')).toBe(200);

      const listed = listedSessions.parse(session(await admin.ask('GET', 'api/sessions'))).sessions;
      const theirs = listed.find((each) => each.user === 'olga');
      expect(theirs?.own).toBe(false);
      expect(listed.some((each) => each.user === 'anna' && each.own)).toBe(true);
      expect(await admin.status(`api/sessions/${theirs?.id ?? ''}`, 'DELETE')).toBe(204);
      expect(await elsewhere.status('api/events')).toBe(401);
      site.clock.offsetMs += 5000;
      expect(await visitor.status('api/events')).toBe(401);

      const audit = await admin.ask('GET', 'api/audit?limit=200');
      expect(audit.text).toContain('"what":"login"');
      expect(audit.text).toContain('"reason":"wrong name or password"');
      expect(audit.text).toContain('"what":"endSession"');
      expect(audit.text).not.toContain('"what":"logOut"');
      for (const secret of [
        passwordOf('olga'),
        'wrong password',
        visitor.cookie ?? '-',
        visitor.csrf ?? '-',
      ]) {
        expect(audit.text).not.toContain(secret);
      }
    } finally {
      await other.stop();
    }
  });
});
