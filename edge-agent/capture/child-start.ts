import type { ChildProcess } from 'node:child_process';
import { messageOf, systemCodeOf } from '@faascam/core/errors';

/**
 * The child that `spawnIt` answers, if it runs. Rejects with what kept it from starting, which `spawn` throws or the child
 * tells later: where the host has no file descriptor to spare, such a child has no pipes at all, whatever its type says.
 */
export async function running<Child extends ChildProcess>(spawnIt: () => Child): Promise<Child> {
  const child = spawnIt();
  if (child.pid !== undefined) return child;
  return await new Promise((_resolve, reject) => {
    child.once('error', reject);
  });
}

/** Why a program could not be started, and what to do where that is known: follows `ffmpeg could not be started, `. */
export function whyNotStarted(error: unknown): string {
  const code = systemCodeOf(error) ?? '';
  if (['EMFILE', 'ENFILE', 'EAGAIN'].includes(code))
    return `this host lets the agent start no more programs (${code}): raise its limit of open files (ulimit -n) or of processes`;
  if (code === 'ENOMEM')
    return 'this host has no memory left for another program (ENOMEM): give it more, or take cameras or targets out';
  return `the system says ${messageOf(error)}`;
}
