import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { systemCodeOf } from '@faascam/core/errors';

/** More than a test has open. */
const LIMIT = 512;

/** Calls `start` while this process can open nothing more, not even the pipes to a child. */
export function withoutDescriptors<Result>(start: () => Result): Result {
  const prlimit = (...args: string[]): string =>
    execFileSync('prlimit', ['--pid', String(process.pid), ...args], { encoding: 'utf8' }).trim();
  const before = prlimit('--nofile', '--output=SOFT', '--noheadings');
  prlimit(`--nofile=${LIMIT}:`);
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch (error) {
    if (systemCodeOf(error) !== 'EMFILE') throw error;
    return start();
  } finally {
    for (const descriptor of taken) closeSync(descriptor);
    prlimit(`--nofile=${before}:`);
  }
}
