import { openNotifySocket } from '@faascam/test-servers/notify-socket';
import { afterEach, expect, test, vi } from 'vitest';
import { serviceManager } from './service-manager.ts';

const log = { warn: vi.fn() };
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  log.warn.mockReset();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A manager whose messages are gathered, and its time. */
function watched(env: NodeJS.ProcessEnv, send = (): Promise<void> => Promise.resolve()) {
  const sent: string[][] = [];
  const time = { ms: 0 };
  const manager = serviceManager({
    env: { NOTIFY_SOCKET: '/nowhere', ...env },
    log,
    send: async (assignments) => {
      sent.push(assignments);
      await send();
    },
    nowMs: () => time.ms,
  });
  if (manager === undefined) throw new Error('no manager');
  const alive = async (status: string): Promise<void> => {
    manager.alive(status);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { manager, sent, time, alive };
}

test('without a service manager nothing is told', () => {
  expect(serviceManager({ env: {}, log })).toBeUndefined();
});

test('programs that are started later do not see the socket of the service manager', () => {
  const env = { NOTIFY_SOCKET: '/run/systemd/notify', PATH: '/bin' };
  expect(serviceManager({ env, log })).toBeDefined();
  expect(env).toEqual({ PATH: '/bin' });
});

test('signs of life are sent four times a watchdog interval, and at once when the status changes', async () => {
  const { sent, time, alive } = watched({ WATCHDOG_USEC: '60000000' });
  for (; time.ms <= 30_000; time.ms += 2000) await alive('one camera');
  await alive('no camera');
  expect(sent).toEqual([
    ['STATUS=one camera', 'WATCHDOG=1'],
    ['STATUS=one camera', 'WATCHDOG=1'],
    ['STATUS=no camera', 'WATCHDOG=1'],
  ]);
});

test('nobody speaks for an agent that stands still', async () => {
  const { sent, time, alive } = watched({ WATCHDOG_USEC: '60000000' });
  await alive('one camera');
  time.ms = 600_000;
  await new Promise((resolve) => setImmediate(resolve));
  expect(sent).toHaveLength(1);
});

test('without a watchdog only a changed status is told', async () => {
  const { sent, time, alive } = watched({});
  for (; time.ms <= 100_000; time.ms += 2000) await alive('one camera');
  expect(sent).toEqual([['STATUS=one camera']]);
});

test('once it is stopping it claims nothing else', async () => {
  const { manager, sent, alive } = watched({ WATCHDOG_USEC: '60000000' });
  await manager.stopping();
  await alive('one camera');
  expect(sent.flat()).toEqual(['STOPPING=1', 'STATUS=Closing recordings']);
});

test('a service manager that cannot be reached is told of once, and harms nothing', async () => {
  const { sent, time, alive } = watched({ WATCHDOG_USEC: '60000000' }, () =>
    Promise.reject(new Error('no such socket')),
  );
  for (; time.ms <= 60_000; time.ms += 15_000) await alive('one camera');
  expect(sent.length).toBeGreaterThan(3);
  expect(log.warn).toHaveBeenCalledOnce();
});

test("systemd's own program carries the messages to its socket", async () => {
  const socket = await openNotifySocket();
  cleanups.push(() => socket.stop());
  const manager = serviceManager({ env: { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '60000000' }, log });
  manager?.ready();
  await vi.waitFor(() => expect(socket.messages[0]).toContain('READY=1'), { timeout: 20_000 });
  // As the agent does: again and again, whether or not the last word has arrived.
  const beat = setInterval(() => manager?.alive('1 of 1 cameras stream'), 20);
  cleanups.push(() => {
    clearInterval(beat);
    return Promise.resolve();
  });
  await vi.waitFor(() => expect(socket.messages[1]).toBe('STATUS=1 of 1 cameras stream WATCHDOG=1'), {
    timeout: 20_000,
  });
  await manager?.stopping();
  await vi.waitFor(() => expect(socket.messages[2]).toContain('STOPPING=1'), { timeout: 20_000 });
  expect(log.warn).not.toHaveBeenCalled();
});
