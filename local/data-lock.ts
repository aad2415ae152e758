import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FaascamError, systemCodeOf } from '@faascam/core/errors';

/**
 * Makes the data folder and takes it for this process, so that no two faascams write to it. A lock whose process
 * is gone (a crash) is taken over. Answers what gives it back. Throws `FaascamError` `data-in-use` or
 * `data-not-writable`.
 */
export async function lockData(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, 'faascam.pid');
  try {
    await mkdir(directory, { recursive: true });
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        const file = await open(path, 'wx');
        await file.writeFile(String(process.pid));
        await file.close();
        return () => rm(path, { force: true });
      } catch (error) {
        if (systemCodeOf(error) !== 'EEXIST') throw error;
        const holder = Number(await readFile(path, 'utf8').catch(() => '0'));
        if (isRunning(holder)) {
          throw new FaascamError(
            'data-in-use',
            `The data folder ${directory} is in use by another faascam (process ${holder}): stop that one, or choose another folder with --data.`,
          );
        }
        await rm(path, { force: true });
      }
    }
  } catch (cause) {
    if (cause instanceof FaascamError) throw cause;
    throw new FaascamError(
      'data-not-writable',
      `The data folder ${directory} cannot be written (${systemCodeOf(cause) ?? 'unknown fault'}): check its owner and the free space, or choose another with --data.`,
      { cause },
    );
  }
  throw new FaascamError('data-in-use', `The data folder ${directory} is being taken by another faascam.`);
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 1 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) === 'EPERM';
  }
}
