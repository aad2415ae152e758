import { afterEach, beforeAll, expect, it } from 'vitest';
import { passwordOf, startLoginSite, userOf, Visitor, type LoginSite } from './fixture.ts';
import { BusyError, PasswordCheck, passwordHash } from './password.ts';
import type { User } from './users-file.ts';

let anna: User;
let site: LoginSite;

beforeAll(async () => {
  anna = await userOf('anna', 'admin');
});
afterEach(async () => {
  await site.stop();
});

async function counted(tries: readonly (() => Promise<number>)[]): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  const waiting = [...tries];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const status = await next();
      counts[status] = (counts[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  return counts;
}

it('a thousand wrong logins check few passwords, and keep the right user out for a minute at most', async () => {
  site = await startLoginSite();
  await site.setUsers({ users: [anna] });
  const known = new Visitor(site.host.url, { 'X-Forwarded-For': '198.51.100.7' });
  expect((await known.login('anna')).status).toBe(200);
  expect(await known.status('api/session', 'DELETE')).toBe(204);

  const visitor = (address: string): Visitor => new Visitor(site.host.url, { 'X-Forwarded-For': address });
  const counts = await counted(
    Array.from(
      { length: 1000 },
      (_, at) => async () => (await visitor(`203.0.113.${at % 200}`).login('anna', `guess ${at}`)).status,
    ),
  );
  // Five are free, and the wait begins with the sixth; time stands still here.
  expect(counts).toEqual({ 401: 6, 429: 994 });

  // On the device that anna has used before, nobody's failures count but its own.
  expect((await known.login('anna')).status).toBe(200);
  for (let at = 0; at < 20; at += 1) await visitor(`203.0.113.${at}`).login('anna', 'wrong again');
  const elsewhere = visitor('192.0.2.51');
  const limited = await elsewhere.login('anna');
  expect(limited.status).toBe(429);
  expect(Number(limited.headers.get('retry-after'))).toBeLessThanOrEqual(60);
  site.clock.offsetMs += 61_000;
  expect((await elsewhere.login('anna')).status).toBe(200);
});

it('wrong logins in many names from one address are held up as well', async () => {
  site = await startLoginSite();
  await site.setUsers({ users: [anna] });
  const counts = await counted(
    Array.from(
      { length: 100 },
      (_, at) => async () =>
        (await new Visitor(site.host.url, { 'X-Forwarded-For': '203.0.113.9' }).login(`user${at}`, 'guess'))
          .status,
    ),
  );
  expect(counts).toEqual({ 401: 6, 429: 94 });
});

it('passwords are checked a few at a time, and a crowd is told to come again', async () => {
  site = await startLoginSite();
  await site.setUsers({ users: [anna] });
  const check = new PasswordCheck({ atOnce: 1, waiting: 3 });
  const hash = await passwordHash(passwordOf('anna'));
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, async () => await check.matches(passwordOf('anna'), hash)),
  );
  const done = outcomes.filter((each) => each.status === 'fulfilled');
  expect(done.map(({ value }) => value)).toEqual([true, true, true, true]);
  const reasons = outcomes.flatMap((each): unknown[] => (each.status === 'rejected' ? [each.reason] : []));
  expect(reasons).toHaveLength(16);
  expect(reasons.every((each) => each instanceof BusyError)).toBe(true);
  // And goes on afterwards.
  expect(await check.matches('another', hash)).toBe(false);
});

it('an unknown name costs as much work as a known one', async () => {
  site = await startLoginSite();
  await site.setUsers({ users: [anna] });
  const check = new PasswordCheck({ atOnce: 1 });
  await check.matches('warm up', undefined);
  const cpuUs = async (hash: string | undefined): Promise<number> => {
    const before = process.cpuUsage();
    for (let at = 0; at < 5; at += 1) await check.matches(`guess ${at}`, hash);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const [known, unknown] = [await cpuUs(anna.password), await cpuUs(undefined)];
  expect(unknown / known).toBeGreaterThan(0.3);
  expect(unknown / known).toBeLessThan(3);
});
