import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeEvent } from '@faascam/core/event-fixture';
import { keepEvent } from '@faascam/core/event-keeping';
import { storedEvents } from '@faascam/core/event-walk';
import { eventKey } from '@faascam/core/ids';
import { retentionSettings } from '@faascam/core/retention-settings';
import { sweep } from '@faascam/core/retention-sweep';
import { openS3Store } from '@faascam/core/s3-store';
import { storeSettings } from '@faascam/core/store-settings';
import type { ObjectStore } from '@faascam/core/store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runFaascam } from './program.ts';
import { s3ServerInstalled, startS3Server, type S3Server } from '@faascam/test-servers/s3';

const installed = await s3ServerInstalled();
const DAY_US = 86_400_000_000;

describe.skipIf(!installed)('stored events in a bucket of Ceph’s S3 gateway', () => {
  let server: S3Server;
  let folder: string;
  let store: ObjectStore;
  let options: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'faascam-retention-s3-'));
    server = await startS3Server();
    const [accessKeyFile, secretKeyFile] = [join(folder, 'access'), join(folder, 'secret')];
    await writeFile(accessKeyFile, server.accessKey);
    await writeFile(secretKeyFile, server.secretKey);
    const settings = storeSettings.parse({
      ...{ kind: 's3', endpoint: server.endpoint, bucket: 'clips', createBucket: true },
      ...{ accessKeyFile, secretKeyFile },
    });
    if (settings.kind !== 's3') throw new TypeError('settings of a bucket are of a bucket');
    store = await openS3Store(settings);
    options = [
      ...['--store', 's3://clips', '--endpoint', server.endpoint],
      ...['--access-key-file', accessKeyFile, '--secret-key-file', secretKeyFile],
    ];
  });
  afterAll(async () => {
    await store.close();
    await server.stop();
    await rm(folder, { recursive: true });
  });

  test('are swept by several at the same time, but for those that are kept', async () => {
    const nowUs = Date.now() * 1000;
    const clip = Buffer.from('clip');
    const at = (days: number) => ({ camera: 'swept', startUs: nowUs - days * DAY_US, clip });
    const ids: string[] = [];
    for (const days of [40, 39, 38, 37, 1]) ids.push(await storeEvent(store, at(days)));
    const [kept = '', ...others] = ids;
    const stays = others.pop();
    await keepEvent(store, kept, { atUs: nowUs });
    const settings = retentionSettings.parse({ days: 30 });
    const once = () => sweep(store, settings, { nowUs, dryRun: false, full: true });
    await Promise.all([once(), once(), once()]);
    const left = new Map<string, string[]>();
    for await (const { id, objects } of storedEvents(store, { order: 'oldest', cameras: ['swept'] })) {
      left.set(id, [...objects.keys()]);
    }
    expect([...left]).toEqual([
      [kept, ['clip.mp4', 'event.json', 'keep.json']],
      ...others.map((id) => [id, ['removed.json']]),
      [stays, ['clip.mp4', 'event.json']],
    ]);
  });

  test('are listed, fetched and removed from the command line', async () => {
    const startUs = Date.now() * 1000;
    const id = await storeEvent(store, { camera: 'commanded', startUs, clip: Buffer.from('moving') });
    const list = await runFaascam(['clips', 'list', ...options, '--camera', 'commanded', '--json']);
    expect(JSON.parse(list.stdout)).toMatchObject({ event: { id } });
    await writeFile(join(folder, `${id}.mp4.part`), 'mov');
    const get = await runFaascam(['clips', 'get', id, ...options, '--output', folder]);
    expect(get.stderr).toBe('');
    expect(await readFile(join(folder, `${id}.mp4`), 'utf8')).toBe('moving');
    const removed = await runFaascam(['clips', 'rm', id, ...options, '--yes']);
    expect(removed.stderr).toMatch(/^Removed: 1 events/);
    expect(await store.head(eventKey(id, 'removed.json'))).toBeDefined();
    expect(await store.head(eventKey(id, 'clip.mp4'))).toBeUndefined();
  });
});
