import { expect, it } from 'vitest';
import { AttemptLimits, loginLimits } from './attempt-limits.ts';

const SECOND_US = 1_000_000;

it('a few tries are free; then each failure doubles the wait, up to the longest', () => {
  const limits = new AttemptLimits();
  let nowUs = SECOND_US;
  for (let count = 0; count < loginLimits.free; count += 1) {
    expect(limits.admit(['name anna'], nowUs)).toEqual({ admitted: true });
  }
  const waits: number[] = [];
  for (let count = 0; count < 9; count += 1) {
    expect(limits.admit(['name anna'], nowUs)).toEqual({ admitted: true });
    const refused = limits.admit(['name anna'], nowUs);
    if (refused.admitted) throw new Error('it was let in');
    waits.push(refused.waitMs);
    nowUs += refused.waitMs * 1000;
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

it('whoever is refused does not wait longer for asking', () => {
  const limits = new AttemptLimits();
  for (let count = 0; count <= loginLimits.free; count += 1) limits.admit(['name anna'], 0);
  for (let count = 0; count < 1000; count += 1) {
    expect(limits.admit(['name anna'], 500_000)).toMatchObject({ admitted: false, waitMs: 500 });
  }
  expect(limits.admit(['name anna'], 500_000)).toMatchObject({ first: false });
  expect(limits.admit(['name anna'], SECOND_US)).toEqual({ admitted: true });
});

it('many at once are no way around, and a success takes its own try back alone', () => {
  const limits = new AttemptLimits();
  const keys = ['name anna', 'address 192.0.2.1'];
  const admitted = Array.from({ length: 100 }, () => limits.admit(keys, 0).admitted).filter(Boolean);
  expect(admitted).toHaveLength(loginLimits.free + 1);
  const own = ['name mallory', 'address 192.0.2.1'];
  expect(limits.admit(own, 0).admitted).toBe(false);
  // Logging in with a name of one's own clears nothing of the address but that try.
  expect(limits.admit(own, SECOND_US).admitted).toBe(true);
  limits.succeeded(own, ['name mallory']);
  expect(limits.admit(['address 192.0.2.1'], SECOND_US).admitted).toBe(true);
  expect(limits.admit(['address 192.0.2.1'], SECOND_US)).toMatchObject({ admitted: false, waitMs: 2000 });
});

it('failures are forgotten after an hour', () => {
  const limits = new AttemptLimits();
  for (let count = 0; count <= loginLimits.free; count += 1) limits.admit(['name anna'], 0);
  expect(limits.admit(['name anna'], 0).admitted).toBe(false);
  const laterUs = (loginLimits.forgetMs + 1) * 1000;
  for (let count = 0; count < loginLimits.free; count += 1) {
    expect(limits.admit(['name anna'], laterUs).admitted).toBe(true);
  }
});

it('remembers no more than so many, the longest unused are forgotten first', () => {
  const limits = new AttemptLimits({ ...loginLimits, most: 100 });
  for (let count = 0; count < 5000; count += 1) limits.admit([`name ${count}`], 0);
  expect(limits.remembered).toBe(100);
});
