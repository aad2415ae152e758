import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNatsServer } from '@faascam/core/nats-server';
import { sendMultipart, startHttpCamera } from '@faascam/test-servers/http-camera';
import sharp from 'sharp';
import { expect, test, vi } from 'vitest';
import { latency } from './latency.ts';

test('When one of several things that are looked at fails, the others are let go', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'faascam-latency-'));
  const nats = await startNatsServer({ directory: join(directory, 'nats') });
  const black = { width: 64, height: 64, channels: 3, background: 'black' } as const;
  const jpeg = await sharp({ create: black }).jpeg().toBuffer();
  let viewers = 0;
  const camera = await startHttpCamera({
    routes: {
      '/live': (_request, response) => {
        viewers += 1;
        response.once('close', () => (viewers -= 1));
        sendMultipart(response, [jpeg], { everyMs: 50 });
      },
    },
  });
  try {
    const data = join(directory, 'data');
    await mkdir(join(data, 'ring'), { recursive: true });
    const command = { data, nats: nats.url, seconds: 3600 };
    const measured = latency([`${camera.origin}/live`, 'yard'], command, new AbortController().signal);
    const failed = expect(measured).rejects.toThrow('ELOOP');
    await vi.waitFor(() => expect(viewers).toBe(1), { timeout: 30_000 });
    // A ring that cannot be read, for whomever.
    await symlink('yard', join(data, 'ring', 'yard'));
    await failed;
    await vi.waitFor(() => expect(viewers).toBe(0), { timeout: 30_000 });
  } finally {
    await camera.stop();
    await nats.stop();
    await rm(directory, { recursive: true, force: true });
  }
});
