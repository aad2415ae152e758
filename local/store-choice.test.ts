import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { chosenStore, openChosenStore } from './store-choice.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-choice-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const config = join(scratch, 'faascam.yml');
writeFileSync(
  config,
  `cameras: { yard: { source: 'demo:' } }
store:
  kind: s3
  endpoint: https://s3.example.com:9000
  bucket: configured
  region: eu-west-1
  accessKeyFile: /run/a
  secretKeyFile: /run/s
`,
);

describe('the store of a command', () => {
  it('is the one in the config', () => {
    expect(chosenStore({ config })).toMatchObject({ kind: 's3', bucket: 'configured' });
  });

  it('is a folder that is named', () => {
    expect(chosenStore({ config, store: scratch })).toEqual({ kind: 'directory', path: scratch });
  });

  it('is a bucket that is named, with what the config has of its server', () => {
    expect(chosenStore({ config, store: 's3://other', secretKeyFile: '/mine' })).toMatchObject({
      endpoint: 'https://s3.example.com:9000',
      bucket: 'other',
      region: 'eu-west-1',
      accessKeyFile: '/run/a',
      secretKeyFile: '/mine',
    });
  });

  it('is a bucket that is named with its server, without any config', () => {
    expect(chosenStore({ store: 's3://other/', endpoint: 'http://127.0.0.1:9000' })).toMatchObject({
      endpoint: 'http://127.0.0.1:9000',
      bucket: 'other',
    });
  });

  it.each([
    [{ store: 's3://other' }, /--endpoint is needed/],
    [{ store: 's3://', endpoint: 'http://127.0.0.1:9000' }, /the bucket of --store/],
    [{ endpoint: 'http://127.0.0.1:9000' }, /give --store s3:/],
    [{ store: 'https://example.com/bucket' }, /neither a folder nor s3:/],
    [{ store: 's3://other/with/path' }, /neither a folder nor s3:/],
  ])('%j is refused with what is missing', (choice, sentence) => {
    expect(() => chosenStore(choice)).toThrow(sentence);
  });

  it('is not made by looking into it', async () => {
    await expect(openChosenStore({ store: join(scratch, 'typo') })).rejects.toThrow(
      /no clip store .*typo: check --store/,
    );
    await expect(openChosenStore({ store: config })).rejects.toThrow(/is no folder/);
    expect(await readdir(scratch)).toEqual(['faascam.yml']);
  });
});
