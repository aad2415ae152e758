import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DeniedError, NatsAwayError } from '../nats-link.ts';
import { userOf } from './fixture.ts';
import { gateFromEnv } from './gate.ts';
import { PushSweep } from './push-sweep.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-sweep-'));
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true });
});

it('goes on where NATS does not let it, and says so once', async () => {
  const usersFile = join(directory, 'users.json');
  await writeFile(usersFile, JSON.stringify({ users: [await userOf('anna', 'admin')] }));
  const faults = [
    new NatsAwayError('no server'),
    new DeniedError('no right to purge'),
    new DeniedError('no right to purge'),
    new NatsAwayError('no server'),
  ];
  let asked = 0;
  const nats = {
    asking: (): Promise<never> => Promise.reject(faults[asked++] ?? new NatsAwayError('no server')),
  };
  const log = createLogger('test');
  const warn = vi.spyOn(log, 'warn').mockImplementation(() => undefined);
  const tools = { nats, clock: systemClock, log };
  const gate = gateFromEnv(tools, { FAASCAM_LOGIN: JSON.stringify({ usersFile }) });
  const sweep = new PushSweep(gate, tools);
  for (let nth = 1; nth <= faults.length; nth++) {
    await vi.waitFor(() => {
      vi.advanceTimersByTime(5000);
      expect(asked).toBeGreaterThanOrEqual(nth);
    });
  }
  await sweep.close();
  expect(warn.mock.calls).toEqual([[{ fault: 'no right to purge' }, expect.stringMatching(/tried again/)]]);
});
