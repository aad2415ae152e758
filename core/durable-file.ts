import { constants } from 'node:fs';
import { copyFile, lstat, open } from 'node:fs/promises';
import { systemCodeOf } from './errors.ts';

/** Writes a new file and has it on the disk before it returns the file's inode. */
export async function writeWhole(path: string, body: Buffer | { file: string }): Promise<bigint> {
  if (!Buffer.isBuffer(body))
    await copyFile(body.file, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  const handle = await open(path, Buffer.isBuffer(body) ? 'wx' : 'r+');
  try {
    if (Buffer.isBuffer(body)) await handle.writeFile(body);
    else await handle.chmod(0o644);
    await handle.sync();
    return (await handle.stat({ bigint: true })).ino;
  } finally {
    await handle.close();
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
