import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, systemCodeOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';

const PREFIX = 'faascam-clip-';
/** No job goes on for so long. */
const FORGOTTEN_AFTER_MS = 24 * 3_600_000;

/** Whose a folder is: in containers process numbers repeat, names of hosts do not. */
function ownerOf(pid: number): string {
  return `${PREFIX}${hostname().replaceAll(/[^A-Za-z0-9.-]/g, '_')}_${pid}_`;
}

/** A folder for one job, below TMPDIR. */
export async function makeJobFolder(): Promise<string> {
  return await mkdtemp(join(tmpdir(), ownerOf(process.pid)));
}

/**
 * Removes what jobs have left in the folder for temporary files whose process was killed. For a process that has no job
 * yet. What cannot be removed is told in the log, and costs nothing but its room.
 */
export async function removeLeftovers(log: Pick<Logger, 'warn'>): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const path = join(tmpdir(), name);
    if (!name.startsWith(PREFIX) || !(await isLeftover(name, path))) continue;
    try {
      // An ffmpeg that outlived its parent may still be writing there.
      await rm(path, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      log.warn(
        { folder: path, fault: messageOf(error) },
        'what a job that was killed left there cannot be removed: remove it by hand',
      );
    }
  }
}

async function isLeftover(name: string, path: string): Promise<boolean> {
  const pid = Number(/_(\d+)_[^_]*$/.exec(name)?.[1]);
  if (Number.isSafeInteger(pid) && name.startsWith(ownerOf(pid)) && (pid === process.pid || !isAlive(pid)))
    return true;
  // Of another host with the same folder, of an older version, or of a process whose number is in use again.
  const changedMs = await stat(path).then(
    (found) => found.mtimeMs,
    // Its owner, a job beside us, has just removed it.
    () => undefined,
  );
  return changedMs !== undefined && Date.now() - changedMs > FORGOTTEN_AFTER_MS;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It is there, and somebody else's.
    return systemCodeOf(error) === 'EPERM';
  }
}
