import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { wantedClip } from '../test-site.ts';
import { KeptRequests } from './kept-requests.ts';

const START_US = 1_700_000_000_000_000;
const taken = { wantedAtUs: START_US, pinnedAtUs: START_US, epoch: 0 };
const wanted = wantedClip('yard', START_US, START_US + 1_000_000);
const name = `${wanted.eventId}.json`;

let directory: string;
let damage: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-requests-'));
  damage = [];
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function open(): Promise<KeptRequests> {
  return await KeptRequests.open(directory, (why) => damage.push(why));
}

test('a request that could not be written is written when it comes again', async () => {
  const requests = await open();
  // A folder in its place: no file can be put there, also not by root.
  await mkdir(join(directory, name));
  await expect(requests.keep(wanted, taken)).rejects.toThrow();
  expect(requests.all).toEqual([]);
  await rm(join(directory, name), { recursive: true });
  await requests.keep(wanted, taken);
  expect(await requests.wantedOf(wanted.eventId)).toEqual(wanted);
});

test('a request that the disk does not give is left where it is', async () => {
  await mkdir(join(directory, name));
  expect((await open()).all).toEqual([]);
  expect(damage).toEqual([expect.stringContaining(name)]);
  expect(await readdir(directory)).toEqual([name]);
});

test('a damaged request is set aside until its event is stored, and counts for none', async () => {
  await writeFile(join(directory, name), '{"v": 1, "wan');
  const requests = await open();
  expect(damage).toEqual([expect.stringContaining(name)]);
  expect(await readdir(directory)).toEqual([`${name}.damaged`]);
  expect(await KeptRequests.countIn(directory)).toBe(0);
  await requests.keep(wanted, taken);
  expect(await KeptRequests.countIn(directory)).toBe(1);
  await requests.forget(wanted.eventId);
  expect(await readdir(directory)).toEqual([]);
});
