import { freeze } from '@faascam/test-servers/children';
import { describe, expect, it, vi } from 'vitest';
import { numbers, Site, withoutRepeats, type Replica, type Traffic } from './testing/site.ts';

const WAIT = { timeout: 60_000, interval: 20 };
const TEST = { timeout: 120_000 };
const topics = {
  events: 'detections.*',
  archive: 'detections.*',
  clip: 'clips.ready.*',
  index: 'clips.ready.*',
};
const functions = Object.keys(topics);
const subjects = ['detections.a', 'detections.b', 'clips.ready.a', 'clips.ready.b'];

function subjectsOf(name: string): string[] {
  return subjects.filter((subject) =>
    name === 'events' || name === 'archive' ? subject.startsWith('det') : subject.startsWith('clips'),
  );
}

/** Functions that a process delivers to, by its log. */
function taken(log: string): string[] {
  return functions.filter((name) => log.includes(`"function":"${name}","topic"`));
}

async function withSite(use: (site: Site) => Promise<void>): Promise<void> {
  const site = await Site.open(topics);
  try {
    await use(site);
  } finally {
    await site.close();
  }
}

/** Two connectors that have a half each, and traffic that has reached its pace. */
async function sharing(site: Site): Promise<{ first: Replica; second: Replica; traffic: Traffic }> {
  const first = await site.connector();
  const second = await site.connector();
  await vi.waitFor(() => expect(taken(second.log)).toHaveLength(2), WAIT);
  const traffic = site.traffic(subjects, 50);
  await vi.waitFor(() => expect(traffic.count).toBeGreaterThan(20), WAIT);
  return { first, second, traffic };
}

describe.concurrent('two connectors', () => {
  it(
    'share the functions; one may come and go, and every message is delivered once and in order',
    TEST,
    ({ expect }) =>
      withSite(async (site) => {
        const first = await site.connector();
        const traffic = site.traffic(subjects, 25);
        const second = await site.connector();
        await vi.waitFor(() => expect(taken(second.log)).toHaveLength(2), WAIT);
        const { count } = traffic;
        await vi.waitFor(() => expect(traffic.count).toBeGreaterThan(count + 20), WAIT);
        expect(await first.end('SIGTERM')).toBe(0);
        await vi.waitFor(() => expect(taken(second.log)).toHaveLength(4), WAIT);
        const sent = numbers(await traffic.stop());
        for (const name of functions) {
          for (const subject of subjectsOf(name)) {
            await vi.waitFor(() => expect(site.gateway.bodies(name, subject)).toEqual(sent), WAIT);
          }
        }
      }),
  );

  it('lose and reorder nothing when one is killed: the other takes over what it had', TEST, ({ expect }) =>
    withSite(async (site) => {
      const { first, second, traffic } = await sharing(site);
      await first.end('SIGKILL');
      await vi.waitFor(() => expect(taken(second.log)).toHaveLength(4), WAIT);
      const sent = numbers(await traffic.stop());
      for (const name of functions) {
        for (const subject of subjectsOf(name)) {
          await vi.waitFor(
            () => expect(withoutRepeats(site.gateway.bodies(name, subject))).toEqual(sent),
            WAIT,
          );
        }
      }
    }),
  );

  it(
    'have no third hand: one that was stopped delivers nothing once the other has taken over',
    TEST,
    ({ expect }) =>
      withSite(async (site) => {
        const { first, second, traffic } = await sharing(site);
        // Its messages in hand, and those that the server still sends it, must come to the other one.
        await freeze(first.process.pid ?? 0);
        await vi.waitFor(() => expect(taken(second.log)).toHaveLength(4), WAIT);
        const { count } = traffic;
        const all = functions.flatMap((name) => subjectsOf(name).map((subject) => ({ name, subject })));
        await vi.waitFor(() => {
          for (const { name, subject } of all)
            expect(site.gateway.bodies(name, subject)).toContain(String(count));
        }, WAIT);
        const { length } = first.log;
        first.process.kill('SIGCONT');
        await vi.waitFor(() => expect(first.log.slice(length)).toContain('leases were lost'), WAIT);
        // It comes back as a new one and gets a share again.
        await vi.waitFor(() => expect(taken(first.log.slice(length))).toHaveLength(2), WAIT);
        const sent = numbers(await traffic.stop());
        for (const { name, subject } of all) {
          await vi.waitFor(
            () => expect(withoutRepeats(site.gateway.bodies(name, subject))).toEqual(sent),
            WAIT,
          );
          // No more than the one call that was cut off by each change of hands.
          const repeats = site.gateway.bodies(name, subject).length - sent.length;
          expect(repeats).toBeLessThanOrEqual(2);
        }
      }),
  );
});
