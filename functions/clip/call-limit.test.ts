import { expect, test } from 'vitest';
import { callLimitMs } from './call-limit.ts';

test.each([
  ['40s', 35_000],
  ['1m4s', 56_000],
  ['115s', 100_000],
  ['1h', 100_000],
  ['0', 100_000],
  ['soon', 100_000],
  [undefined, 100_000],
])('with an exec_timeout of %s a call is answered within %d ms', (execTimeout, limitMs) => {
  expect(callLimitMs(execTimeout)).toBe(limitMs);
});
