import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DeniedError, NatsAwayError } from './nats-link.ts';
import { beginNews } from './news-source.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('goes on looking where NATS is away or does not let it, and says the latter once', async () => {
  let looks = 0;
  const faults = [new NatsAwayError('away'), new DeniedError('no right'), new DeniedError('no right')];
  const nats = {
    healths: () => Promise.reject(faults[looks++] ?? new NatsAwayError('away')),
    hear: () => () => undefined,
  };
  const log = createLogger('test');
  const warn = vi.spyOn(log, 'warn').mockImplementation(() => undefined);
  const end = beginNews(nats, { clock: systemClock, log, tell: () => undefined });
  await vi.advanceTimersByTimeAsync(10_000);
  end();
  expect(looks).toBeGreaterThan(faults.length);
  expect(warn.mock.calls.map(([about]) => about)).toEqual([{ fault: 'no right' }]);
});
