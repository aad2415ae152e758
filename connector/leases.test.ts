import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { expect, it, onTestFinished, vi } from 'vitest';
import pino from 'pino';
import { connectNats } from '@faascam/core/messaging';
import { startNatsServer } from '@faascam/core/nats-server';
import { freeze } from '@faascam/test-servers/children';
import { Leases } from './leases.ts';

it('says that leases are valid again when they ran out while a sign of life was on its way', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'connector-leases-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const server = await startNatsServer({ directory });
  onTestFinished(() => server.stop());
  const messaging = await connectNats(server.url, 'test');
  onTestFinished(() => messaging.nc.close());
  const onResume = vi.fn();
  const wanted = vi.fn(() => ['events']);
  const leases = new Leases({
    ...{ messaging, wanted, onResume, onChange: () => undefined },
    log: pino({ level: 'silent' }),
  });
  let aheadMs = 0;
  const clock = vi
    .spyOn(Date, 'now')
    .mockImplementation(() => performance.timeOrigin + performance.now() + aheadMs);
  onTestFinished(() => clock.mockRestore());
  await leases.beat();
  const [lease] = leases.mine;
  if (lease === undefined) throw new TypeError('the only replica has the lease');
  expect(onResume).toHaveBeenCalledTimes(1);

  await freeze(server.pid);
  onTestFinished(() => void process.kill(server.pid, 'SIGCONT'));
  aheadMs = 3000;
  const { length } = wanted.mock.calls;
  const late = leases.beat();
  await vi.waitFor(() => expect(wanted.mock.calls.length).toBeGreaterThan(length));
  aheadMs = 4100;
  expect(leases.allows(lease)).toBe(false);
  process.kill(server.pid, 'SIGCONT');
  await late;
  expect(onResume).toHaveBeenCalledTimes(2);
});
