import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CameraStates } from './camera-state.ts';
import { functionMessaging } from './function-messaging.ts';
import { startNatsServer, type NatsServer } from './nats-server.ts';

describe('the state of a camera', () => {
  const directory = mkdtempSync(join(tmpdir(), 'faascam-state-'));
  const replicas = [functionMessaging('one'), functionMessaging('two')];
  let server: NatsServer;

  beforeAll(async () => {
    server = await startNatsServer({ directory });
    process.env['NATS_URL'] = server.url;
  });
  afterAll(async () => {
    for (const replica of replicas) await replica.close();
    await server.stop();
    rmSync(directory, { recursive: true });
  });

  const increment = (bytes: Uint8Array | undefined) => {
    const count = Number(Buffer.from(bytes ?? '0').toString()) + 1;
    return { state: Buffer.from(String(count)), result: count };
  };

  it('loses no change of two replicas at the same time', async () => {
    const [one, two] = replicas.map((replica) => new CameraStates(replica, 'counts', 'memory'));
    const results: number[] = [];
    for (let round = 0; round < 20; round++) {
      const both = [one, two].map((states) => states?.update('yard', increment) ?? Promise.resolve(0));
      results.push(...(await Promise.all(both)));
    }
    expect(results.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  });

  it('leaves nothing behind when it is taken out, and begins anew', async () => {
    const [replica] = replicas;
    if (replica === undefined) throw new Error('there is one');
    const states = new CameraStates(replica, 'removed', 'memory');
    expect(await states.keys()).toEqual([]);
    for (const camera of ['yard', 'door', 'yard']) await states.update(camera, increment);
    await states.remove('yard');
    expect(await states.keys()).toEqual(['door']);
    expect(await states.update('yard', increment)).toBe(1);
  });

  it('is made anew after the server has lost its memory', async () => {
    const [replica] = replicas;
    if (replica === undefined) throw new Error('there is one');
    const states = new CameraStates(replica, 'forgotten', 'memory');
    await states.update('yard', increment);
    const { js } = await replica.get();
    await (await js.jetstreamManager()).streams.delete('KV_forgotten');
    // The first try finds the bucket gone; whoever called tries again, as the connector does.
    await states.update('yard', increment).catch(() => undefined);
    expect(await states.update('yard', increment)).toBeLessThanOrEqual(2);
  });
});
