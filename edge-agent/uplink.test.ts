import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type Clock } from '@faascam/core/clock';
import { FaascamError, UsageError } from '@faascam/core/errors';
import { createLogger } from '@faascam/core/log';
import { connectNats } from '@faascam/core/messaging';
import { startNatsServer } from '@faascam/core/nats-server';
import { freePort } from '@faascam/core/ports';
import { startGuardedNats } from '@faascam/test-servers/guarded-nats';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Uplink, waitToConnectMs, type UplinkOptions } from './uplink.ts';

const soon = { timeout: 40_000, interval: 20 };
const log = createLogger('test');
let folder: string;
let ends: (() => Promise<unknown>)[] = [];
const told: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-uplink-'));
  told.length = 0;
  for (const level of ['info', 'warn', 'error'] as const)
    vi.spyOn(log, level).mockImplementation((text: unknown) => void told.push(`${level}: ${String(text)}`));
});

afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

/** Time that passes by waiting alone; at each wait other work gets its turn. */
function quickClock(): Clock & { ms: number } {
  const clock = {
    ms: 0,
    nowUs: () => clock.ms * 1000,
    sleep: async (ms: number) => {
      clock.ms += ms;
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
  };
  return clock;
}

function uplinkTo(url: string, more: Partial<UplinkOptions> = {}) {
  const clock = quickClock();
  const stop = new AbortController();
  const uplink = new Uplink({
    connect: () => connectNats(url, 'edge'),
    onConnected: () => Promise.resolve(),
    ...{ clock, dates: clock, log },
    ...more,
  });
  const over = uplink.run(stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await over;
  };
  ends.push(end);
  return { uplink, clock, end };
}

async function startNats(port?: number) {
  const server = await startNatsServer({
    directory: join(folder, 'nats'),
    ...(port === undefined ? {} : { port }),
  });
  ends.unshift(() => server.stop());
  return server;
}

describe('without NATS from the beginning', () => {
  test('two minutes of it are one line, and its first answer is told, with since when it is there', async () => {
    const port = await freePort();
    const { uplink, clock } = uplinkTo(`nats://127.0.0.1:${port}`);
    await uplink.tried;
    expect(uplink.state).toEqual({ state: 'reconnecting', sinceUs: 0, losses: 0 });
    await vi.waitFor(() => expect(clock.ms).toBeGreaterThan(120_000), soon);
    expect(told).toEqual([
      expect.stringMatching(
        /^warn: No NATS server answers at .*tried again until it works; footage is recorded/,
      ),
    ]);

    await startNats(port);
    await vi.waitFor(() => expect(uplink.isConnected()).toBe(true), soon);
    expect(told.slice(1)).toEqual([expect.stringMatching(/^info: NATS answers, after \d+ s\.$/)]);
    expect(uplink.state).toMatchObject({ state: 'connected', losses: 0 });
    expect(uplink.state.sinceUs).toBeGreaterThan(120_000_000);
  });

  test('whoever waits for the connection gets it once what goes before is done, and nobody else is kept', async () => {
    const port = await freePort();
    let done: () => void = () => undefined;
    const before = new Promise<void>((resolve) => (done = resolve));
    const { uplink } = uplinkTo(`nats://127.0.0.1:${port}`, { onConnected: () => before });
    const patience = new AbortController();
    const impatient = uplink.first(patience.signal);
    patience.abort();
    expect(await impatient).toBeUndefined();
    const first = uplink.first();
    await startNats(port);
    await vi.waitFor(() => expect(uplink.messaging?.isConnected()).toBe(true), soon);
    expect(uplink.isConnected()).toBe(false);
    done();
    expect(await first).toBe(uplink.messaging);
    expect(uplink.isConnected()).toBe(true);
  });

  test('its end is not held up by a server that never says anything', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    ends.unshift(async () => await new Promise((resolve) => silent.close(resolve)));
    const address = silent.address();
    const asked = new Promise((resolve) => silent.once('connection', resolve));
    silent.on('connection', (socket) => {
      ends.push(async () => {
        socket.destroy();
        await Promise.resolve();
      });
    });
    const { end } = uplinkTo(`nats://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
    await asked;
    // Sooner than the client gives up, which is what the limit of this test tells.
    await end();
    expect(told).toEqual([]);
  }, 15_000);
});

describe('a server that will not have the agent', () => {
  test('is told once, in the state as well, and has the agent when it is mended there', async () => {
    await writeFile(join(folder, 'auth.conf'), 'authorization { user: edge, password: other }\n');
    const server = await startGuardedNats({ folder });
    ends.unshift(() => server.stop());
    // A try in whose midst the server reads its config again hears nothing more.
    const url = `nats://edge:geheim@127.0.0.1:${server.port}`;
    const { uplink } = uplinkTo(url, { connect: () => connectNats(url, 'edge', { timeout: 5000 }) });
    await vi.waitFor(() => expect(server.refusals().length).toBeGreaterThan(3), soon);
    expect(told).toEqual([
      expect.stringMatching(
        /^error: NATS at nats:\/\/edge:\*\*\*@127.* refused the login: .*user and password/,
      ),
    ]);
    expect(uplink.state.cause).toMatch(/refused the login/);
    await writeFile(join(folder, 'auth.conf'), 'authorization { user: edge, password: geheim }\n');
    await server.reload();
    await vi.waitFor(() => expect(uplink.isConnected()).toBe(true), soon);
    expect(uplink.state).toMatchObject({ state: 'connected', losses: 0 });
    expect(uplink.state.cause).toBeUndefined();
  });

  test('is asked twice a minute, one that is away every few seconds, and no two agents ask in step', () => {
    const away = new FaascamError('nats-unreachable', 'nobody');
    const denied = new FaascamError('nats-denied', 'refused');
    const waits = (error: unknown, random: number) =>
      [1, 2, 3, 4, 100].map((failures) => waitToConnectMs(failures, error, random));
    expect(waits(away, 0.5)).toEqual([500, 1000, 2000, 5000, 5000]);
    expect(waits(away, 0)[4]).toBe(4000);
    expect(waits(away, 1)[4]).toBeCloseTo(6000);
    expect(waits(denied, 0.5)).toEqual([30_000, 30_000, 30_000, 30_000, 30_000]);
    expect(waitToConnectMs(1, new UsageError('secret-missing', 'no key'), 0.5)).toBe(30_000);
    expect(waitToConnectMs(1, new FaascamError('nats-certificate', 'expired'), 0.5)).toBe(30_000);
  });
});

test('a connection that is lost and comes back is told, counted, and followed by what must be told anew', async () => {
  const server = await startNats();
  let connected = 0;
  const { uplink } = uplinkTo(server.url, {
    clock: systemClock,
    dates: systemClock,
    onConnected: async () => {
      connected += 1;
      await Promise.resolve();
    },
  });
  await vi.waitFor(() => expect(uplink.state.state).toBe('connected'), soon);
  expect([told, connected]).toEqual([[], 1]);
  await server.stop();
  await vi.waitFor(() => expect(uplink.state).toMatchObject({ state: 'reconnecting', losses: 1 }), soon);
  expect(uplink.isConnected()).toBe(false);
  expect(told).toEqual([expect.stringMatching(/^warn: NATS is away: frames are dropped/)]);
  await startNats(server.port);
  await vi.waitFor(() => expect(uplink.state).toMatchObject({ state: 'connected', losses: 1 }), soon);
  expect(told.slice(1)).toEqual([expect.stringMatching(/^info: NATS answers again, after \d+ s\.$/)]);
  expect(connected).toBe(2);
});

test('a connection whose server is away is closed at once, for there is nothing to wait for', async () => {
  const server = await startNats();
  const { uplink, end } = uplinkTo(server.url, { clock: systemClock, dates: systemClock });
  await vi.waitFor(() => expect(uplink.isConnected()).toBe(true), soon);
  await server.stop();
  await vi.waitFor(() => expect(uplink.isConnected()).toBe(false), soon);
  await end();
  expect(uplink.messaging?.nc.isClosed()).toBe(true);
});
