import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { S3Connection } from '@faascam/core/s3-connection';
import { abortLeftovers } from '@faascam/core/s3-leftovers';
import { openS3Store } from '@faascam/core/s3-store';
import { names } from '@faascam/core/store-contract';
import { Client } from 'minio';
import { describe, expect, test } from 'vitest';
import type { SettingsFor } from './s3-faults.ts';
import type { S3Server } from './s3.ts';

const text = { contentType: 'text/plain' };
const event = 'yard/2026/01/02/yard-20260102t030405-000006/clip.mp4';

/** A bucket that is not ours alone. */
export function s3SharedBucket(server: () => S3Server, folder: () => string, settingsFor: SettingsFor): void {
  describe('a bucket that is shared', () => {
    const clientOf = ({ port, accessKey, secretKey }: S3Server): Client =>
      new Client({ endPoint: '127.0.0.1', port, useSSL: false, accessKey, secretKey, region: 'us-east-1' });

    test('two stores below prefixes of their own see nothing of each other', async () => {
      const settings = await settingsFor(server(), { bucket: 'shared', createBucket: true });
      const [one, two, whole] = await Promise.all(
        ['site-1/', 'site-2/', ''].map((prefix) => openS3Store({ ...settings, prefix })),
      );
      if (one === undefined || two === undefined || whole === undefined) throw new Error('three stores');
      await one.put('yard/a', Buffer.from('1'), text);
      await two.put('yard/b', Buffer.from('2'), text);
      expect(await names(one, '')).toEqual(['yard/a']);
      expect(await names(two, '', { delimiter: '/' })).toEqual(['yard/']);
      expect(await two.head('yard/a')).toBeUndefined();
      expect(await names(whole, '')).toEqual(['site-1/yard/a', 'site-2/yard/b']);
      for (const store of [one, two, whole]) await store.close();
    });

    test('uploads that a crash left are given up a day later, and only ours', async () => {
      const settings = await settingsFor(server(), {
        bucket: 'leftovers',
        createBucket: true,
        prefix: 'site-1/',
      });
      const store = await openS3Store(settings);
      const client = clientOf(server());
      const keys = [`site-1/${event}`, `site-2/${event}`, 'site-1/someone/else.mp4'];
      for (const key of keys) await client.initiateNewMultipartUpload('leftovers', key, {});
      const left = async (): Promise<string[]> => {
        const { uploads } = await client.listIncompleteUploadsQuery('leftovers', '', '', '', '');
        return uploads.map((upload) => upload.key).sort();
      };
      const connection = new S3Connection(settings, {});
      await store.check();
      expect(await left()).toEqual([...keys].sort());
      expect(await abortLeftovers(connection, 'site-1/', Date.now() + 25 * 3_600_000)).toBe(1);
      expect(await left()).toEqual(keys.slice(1).sort());
      connection.close();
      await store.close();
    });

    test('a caFile that is missing or no certificate is told before anything is sent', async () => {
      const settings = await settingsFor(server(), { bucket: 'shared', endpoint: 'https://127.0.0.1:9' });
      const caFile = join(folder(), 'no-certificate');
      await expect(openS3Store({ ...settings, caFile })).rejects.toThrow(/no-certificate .*cannot be read/);
      await writeFile(caFile, 'hello');
      await expect(openS3Store({ ...settings, caFile })).rejects.toThrow(/no certificate in PEM form/);
    });
  });
}
