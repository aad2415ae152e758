import { describe, it, vi } from 'vitest';
import { numbers, Site, withoutRepeats, withoutReplays } from './testing/site.ts';

const WAIT = { timeout: 90_000, interval: 20 };
const TEST = { timeout: 120_000 };
const subjects = ['detections.a', 'detections.b'];

function withResolvers(): { promise: Promise<number>; resolve: (status: number) => void } {
  let resolve: (status: number) => void = () => undefined;
  const promise = new Promise<number>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function withSite(use: (site: Site) => Promise<void>): Promise<void> {
  const site = await Site.open({ events: 'detections.*' });
  try {
    await use(site);
  } finally {
    await site.close();
  }
}

describe.concurrent('ordered messages are neither lost nor reordered', () => {
  it('while the gateway is restarted again and again', TEST, ({ expect }) =>
    withSite(async (site) => {
      const { gateway } = site;
      await site.connector();
      const traffic = site.traffic(subjects, 25);
      for (let round = 1; round <= 3; round++) {
        const { length } = gateway.calls;
        await vi.waitFor(() => expect(gateway.calls.length).toBeGreaterThan(length + 10), WAIT);
        await gateway.close();
        const { count } = traffic;
        await vi.waitFor(() => expect(traffic.count).toBeGreaterThan(count + 5), WAIT);
        await gateway.open();
      }
      const sent = numbers(await traffic.stop());
      for (const subject of subjects)
        await vi.waitFor(() => expect(withoutRepeats(gateway.bodies('events', subject))).toEqual(sent), WAIT);
    }),
  );

  it('while a function is replaced, and calls hang until their time is over', TEST, ({ expect }) =>
    withSite(async (site) => {
      const { gateway } = site;
      await site.connector();
      const traffic = site.traffic(subjects, 100);
      await vi.waitFor(() => expect(gateway.calls.length).toBeGreaterThan(10), WAIT);
      const hang = withResolvers();
      gateway.answering = () => hang.promise;
      const { length } = gateway.calls;
      // Each camera's call hangs and is made again after its ten seconds.
      await vi.waitFor(() => expect(gateway.calls.length).toBeGreaterThan(length + 2), WAIT);
      gateway.answering = () => Promise.resolve(200);
      hang.resolve(503);
      const sent = numbers(await traffic.stop());
      for (const subject of subjects)
        await vi.waitFor(() => expect(withoutRepeats(gateway.bodies('events', subject))).toEqual(sent), WAIT);
    }),
  );

  it.for(['SIGTERM', 'SIGKILL'] as const)(
    'while the NATS server is restarted (%s)',
    TEST,
    (signal, { expect }) =>
      withSite(async (site) => {
        const { gateway } = site;
        await site.connector();
        const traffic = site.traffic(subjects, 25);
        await vi.waitFor(() => expect(gateway.calls.length).toBeGreaterThan(20), WAIT);
        await site.restartNats(signal);
        const { count } = traffic;
        await vi.waitFor(() => expect(traffic.count).toBeGreaterThan(count + 10), WAIT);
        const sent = numbers(await traffic.stop());
        for (const subject of subjects)
          await vi.waitFor(
            () => expect(withoutReplays(gateway.bodies('events', subject))).toEqual(sent),
            WAIT,
          );
      }),
  );
});
