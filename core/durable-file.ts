import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCodeOf } from './errors.ts';

/** Writes a new file and has it on the disk before it returns the file's inode. `mode` is that of a new file with these bytes. */
export async function writeWhole(
  path: string,
  body: Buffer | { file: string },
  mode = 0o666,
): Promise<bigint> {
  if (!Buffer.isBuffer(body))
    await copyFile(body.file, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  const handle = await open(path, Buffer.isBuffer(body) ? 'wx' : 'r+', mode);
  try {
    if (Buffer.isBuffer(body)) await handle.writeFile(body);
    else await handle.chmod(0o644);
    await handle.sync();
    return (await handle.stat({ bigint: true })).ino;
  } finally {
    await handle.close();
  }
}

const INCOMING = '.incoming-';

/**
 * Makes a file that appears whole or not at all, and has it on the disk. False when there is one of this name already,
 * which stays. Of several callers at once one makes it, but on a file system without hard links, where the last one does.
 */
export async function createWhole(path: string, body: Buffer, mode?: number): Promise<boolean> {
  const temporary = join(dirname(path), INCOMING + randomUUID());
  try {
    if ((await inodeOf(path)) !== undefined) return false;
    await writeWhole(temporary, body, mode);
    try {
      await link(temporary, path);
    } catch (error) {
      const code = systemCodeOf(error) ?? '';
      if (code === 'EEXIST') return false;
      if (!WITHOUT_LINKS.has(code)) throw error;
      await rename(temporary, path);
    }
    await syncFolder(dirname(path));
    return true;
  } finally {
    await rm(temporary, { force: true });
  }
}

const WITHOUT_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Puts a file in the place of what is there, in one step, and has it on the disk. `mode` is the file's. */
export async function replaceWhole(path: string, body: Buffer, mode?: number): Promise<void> {
  const temporary = join(dirname(path), INCOMING + randomUUID());
  try {
    await writeWhole(temporary, body, mode);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Removes what writers that were cut off have left in a folder in which nobody writes now. */
export async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(INCOMING)) await rm(join(folder, name), { force: true });
  }
}

/** The inode of what is at the path, itself if it is a symbolic link; undefined if there is nothing. */
export async function inodeOf(path: string): Promise<bigint | undefined> {
  try {
    return (await lstat(path, { bigint: true })).ino;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Has a new or renamed entry of the folder on the disk. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems cannot sync a folder; they keep its entries safe by themselves.
    if (systemCodeOf(error) !== 'EINVAL' && systemCodeOf(error) !== 'ENOTSUP') throw error;
  } finally {
    await handle.close();
  }
}

/** Whether the error says that there is no such path. */
export function isMissing(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
