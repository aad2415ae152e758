import type { ChildProcess } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

/** Resolves once a process has ended, or could not be started. */
export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
}

/**
 * Stops a process with SIGSTOP and resolves once all its threads stand still: until then it may go on to answer. SIGCONT
 * lets it go on. Rejects when there is no such process.
 */
export async function freeze(pid: number): Promise<void> {
  // Those up to 1 mean groups and everybody.
  if (pid <= 1) throw new RangeError('there is no such process to stop');
  process.kill(pid, 'SIGSTOP');
  while (!(await threadStates(pid)).every((state) => state === 'T')) await wait(2);
}

/** The state letters of a process's threads, as in proc(5). */
async function threadStates(pid: number): Promise<string[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const states = await Promise.all(
    threads.map(async (thread) => {
      const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => '');
      // The name before it is in brackets, and may hold some itself.
      return stat.slice(stat.lastIndexOf(')') + 2).charAt(0);
    }),
  );
  // A thread may have ended since they were listed.
  return states.filter((state) => state !== '');
}
