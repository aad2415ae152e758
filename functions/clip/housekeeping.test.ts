import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type Clock } from '@faascam/core/clock';
import { openDirectoryStore } from '@faascam/core/directory-store';
import { createLogger } from '@faascam/core/log';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keepHouse } from './housekeeping.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-house-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

test('what broken uploads left goes while the function runs, also when NATS is away, and it ends when asked', async () => {
  const store = await openDirectoryStore(folder);
  const incoming = join(folder, '.incoming');
  await writeFile(join(incoming, 'old'), 'half');
  await utimes(join(incoming, 'old'), new Date(0), new Date(0));
  await writeFile(join(incoming, 'new'), 'half');
  const over = new AbortController();
  let hours = 0;
  const clock: Clock = {
    ...systemClock,
    sleep: () => {
      if (++hours === 3) over.abort();
      return Promise.resolve();
    },
  };
  let looks = 0;
  await keepHouse({
    store: () => Promise.resolve(store),
    requests: {
      look: () => {
        looks += 1;
        return Promise.reject(new Error('NATS is away'));
      },
    },
    ...{ clock, log: createLogger('test'), signal: over.signal },
  });
  expect(await readdir(incoming)).toEqual(['new']);
  expect([looks, hours]).toEqual([3, 3]);
});
