import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { connectNats } from '@faascam/core/messaging';
import { subjects } from '@faascam/core/subjects';
import { startGuardedNats } from '@faascam/test-servers/guarded-nats';
import { expect, test, vi } from 'vitest';
import { linkOf } from '../uplink.ts';
import { PictureUplink } from './picture-uplink.ts';

test('a picture larger than NATS takes is told of once, and those of other cameras arrive', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'faascam-uplink-'));
  await writeFile(join(folder, 'auth.conf'), 'max_payload: 8192\n');
  const server = await startGuardedNats({ folder });
  const messaging = await connectNats(`nats://127.0.0.1:${server.port}`, 'agent');
  const log = createLogger('test');
  const warned = vi.spyOn(log, 'warn');
  const came: string[] = [];
  messaging.nc.subscribe('live.>', { callback: (_error, { subject }) => void came.push(subject) });
  const uplink = new PictureUplink({ nats: linkOf(messaging), clock: systemClock, log });
  for (let n = 0; n < 3; n++) {
    uplink.offer('barn', { jpeg: Buffer.alloc(20), capturedAtUs: n });
    uplink.offer('yard', { jpeg: Buffer.alloc(9000), capturedAtUs: n });
    uplink.offer('shed', { jpeg: Buffer.alloc(7000), capturedAtUs: n });
    await vi.waitFor(() => expect(came).toHaveLength(2 * n + 2), { timeout: 30_000 });
  }
  expect(new Set(came)).toEqual(new Set([subjects.livePictures('barn'), subjects.livePictures('shed')]));
  expect(warned.mock.calls.map(([, said]) => said)).toEqual([
    'Live pictures of camera yard do not go through NATS: 9000 bytes are more than it takes. Lower live.pictures.width, or the picture of a camera that sends JPEG itself, or raise max_payload of the NATS server.',
  ]);
  await messaging.nc.close();
  await server.stop();
  await rm(folder, { recursive: true });
});
