import { expect, test } from 'vitest';
import { LastHour } from './last-hour.ts';

test('what is older than an hour no longer counts, nor what a clock that was set back calls the future', () => {
  let minute = 1000;
  const hour = new LastHour({ nowUs: () => minute * 60_000_000, sleep: () => Promise.resolve() });
  hour.add(5);
  minute += 30;
  hour.add(7);
  expect(hour.total).toBe(12);
  minute += 30;
  expect(hour.total).toBe(7);
  minute += 30;
  expect(hour.total).toBe(0);
  hour.add(3);
  minute -= 500;
  expect(hour.total).toBe(0);
});
