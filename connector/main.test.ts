import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { type NatsServer, startNatsServer } from '@faascam/core/nats-server';
import { freePort } from '@faascam/core/ports';
import { builtEntry } from '@faascam/function-host/testing/built-host';
import { RecordingGateway } from './testing/recording-gateway.ts';

const WAIT = { timeout: 30_000, interval: 20 };

let directory: string;
let server: NatsServer;
let messaging: Messaging;
let gateway: RecordingGateway;
let entry: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'connector-process-'));
  entry = await builtEntry(fileURLToPath(new URL('.', import.meta.url)), 'main.js');
  server = await startNatsServer({ directory });
  messaging = await connectNats(server.url, 'test');
  gateway = await new RecordingGateway({ events: 'detections.*' }).open();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await gateway.close();
  await messaging.nc.close();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

function start(env: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, [entry], {
    env: { ...process.env, NATS_URL: server.url, gateway_url: gateway.url, FAASCAM_LOG: 'error', ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  children.push(child);
  return child;
}

describe('the connector as a process', () => {
  it('loses nothing and keeps the order when it is killed with work in hand', async () => {
    const first = start({ REPLICA_NAME: 'one' });
    expect(await once(first, 'message')).toEqual([{ ready: true }, undefined]);
    gateway.answering = (_call, nth) => (nth <= 5 ? Promise.resolve(200) : new Promise(() => undefined));
    const bodies = Array.from({ length: 30 }, (_, n) => String(n));
    for (const body of bodies) await messaging.js.publish('detections.a', body);
    await vi.waitFor(() => expect(gateway.calls).toHaveLength(6), WAIT);
    first.kill('SIGKILL');
    await once(first, 'exit');
    gateway.answering = () => Promise.resolve(200);
    await messaging.js.publish('detections.a', '30');
    const second = start({ REPLICA_NAME: 'one' });
    // The sixth call was cut off, so it is made twice; nothing else is.
    const wanted = ['0', '1', '2', '3', '4', '5', ...bodies.slice(5), '30'];
    await vi.waitFor(() => expect(gateway.bodies('events')).toEqual(wanted), WAIT);
    second.kill('SIGTERM');
    expect(await once(second, 'exit')).toEqual([0, null]);
  });

  it('ends when its parent is gone', async () => {
    const child = start();
    await once(child, 'message');
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('ends at SIGTERM while it still waits for NATS', async () => {
    const child = start({ NATS_URL: 'nats://127.0.0.1:9', FAASCAM_LOG: 'info' });
    let log = '';
    child.stderr?.on('data', (text: Buffer) => {
      log += text.toString();
    });
    await vi.waitFor(() => expect(log).toContain('No NATS server answers'), WAIT);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('says why NATS does not let it in, and goes on when it does', async () => {
    const port = await freePort();
    const url = `nats://127.0.0.1:${port}`;
    const locked = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port), '--auth', 'secret']);
    children.push(locked);
    const child = start({ NATS_URL: url, FAASCAM_LOG: 'info' });
    const ready = once(child, 'message');
    let log = '';
    child.stderr?.on('data', (text: Buffer) => {
      log += text.toString();
    });
    await vi.waitFor(() => expect(log).toContain('refused the login'), WAIT);
    locked.kill('SIGKILL');
    await once(locked, 'exit');
    const open = await startNatsServer({ directory: join(directory, 'open'), port });
    try {
      expect(await ready).toEqual([{ ready: true }, undefined]);
    } finally {
      child.kill('SIGKILL');
      await open.stop();
    }
  });

  it('says which setting is wrong', async () => {
    const child = start({ gateway_url: 'somewhere' });
    let log = '';
    child.stderr?.on('data', (text: Buffer) => {
      log += text.toString();
    });
    expect(await once(child, 'exit')).toEqual([2, null]);
    expect(log).toContain('gateway_url');
  });
});
