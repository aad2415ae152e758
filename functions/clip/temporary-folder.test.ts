import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makeJobFolder, removeLeftovers } from './temporary-folder.ts';

const log = { warn: vi.fn() };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-leftovers-'));
  vi.stubEnv('TMPDIR', folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** A job's folder with a file in it, as if its process had this number. */
async function folderOf(pid: number): Promise<string> {
  const own = await makeJobFolder();
  const name = basename(own).replace(`_${process.pid}_`, `_${pid}_`);
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, name, 'clip.mp4'), 'half a clip');
  if (pid !== process.pid) await rm(own, { recursive: true });
  return name;
}

test('what a process that is gone has left is removed at once, and what lives is left alone', async () => {
  const { pid: gone } = spawnSync('true');
  await folderOf(gone);
  const alive = await folderOf(process.ppid);
  await mkdir(join(folder, 'faascam-clips'));
  await removeLeftovers(log);
  expect(log.warn).not.toHaveBeenCalled();
  expect((await readdir(folder)).sort()).toEqual([alive, 'faascam-clips'].sort());
});

test('a container that was killed finds what it left under the same process number', async () => {
  await folderOf(process.pid);
  await removeLeftovers(log);
  expect(await readdir(folder)).toEqual([]);
});

test('a folder of another host goes when nobody has touched it for a day', async () => {
  for (const [name, hoursAgo] of [
    ['faascam-clip-otherhost_1_abcdef', 30],
    ['faascam-clip-otherhost_1_ghijkl', 20],
    ['faascam-clip-Xy12Zq', 30],
  ] as const) {
    await mkdir(join(folder, name));
    const atS = Date.now() / 1000 - hoursAgo * 3600;
    await utimes(join(folder, name), atS, atS);
  }
  await removeLeftovers(log);
  expect(await readdir(folder)).toEqual(['faascam-clip-otherhost_1_ghijkl']);
});
