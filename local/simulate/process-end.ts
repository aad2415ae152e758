import type { ChildProcess } from 'node:child_process';

/** Resolves once a process has ended, or could not be started. */
export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
}
