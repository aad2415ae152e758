import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { functionMessaging } from './function-messaging.ts';
import { freePort } from './ports.ts';

const connz = z.object({ num_connections: z.number(), total: z.number() });

it('a function that cannot have its streams leaves no connection behind', async () => {
  const [port, monitor] = [await freePort(), await freePort()];
  // Without JetStream.
  const server = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port), '-m', String(monitor)], {
    stdio: 'ignore',
  });
  onTestFinished(async () => {
    server.kill();
    await once(server, 'exit');
  });
  vi.stubEnv('NATS_URL', `nats://127.0.0.1:${port}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const seen = async (query: string) => {
    const answer = await fetch(`http://127.0.0.1:${monitor}/connz?${query}`);
    return connz.parse(await answer.json());
  };
  await vi.waitFor(() => seen('state=open'), { timeout: 20_000, interval: 50 });

  const messaging = functionMessaging('motion');
  await expect(messaging.get()).rejects.toThrow();
  await expect(messaging.get()).rejects.toThrow();
  await messaging.close();
  await vi.waitFor(
    async () => {
      expect((await seen('state=closed')).total).toBe(2);
      expect((await seen('state=open')).num_connections).toBe(0);
    },
    { timeout: 20_000, interval: 50 },
  );
});
