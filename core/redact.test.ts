import { describe, expect, it } from 'vitest';
import { redact } from './redact.ts';

describe('redact', () => {
  it.each([
    ['rtsp://cam:s3cret@10.0.0.5:554/live', 'rtsp://cam:***@10.0.0.5:554/live'],
    ["Error opening 'rtsp://u:p:w@h/x'", "Error opening 'rtsp://u:***@h/x'"],
    ['rtsp://u:pa@ss@h/x', 'rtsp://u:***@h/x'],
    ['nats://token@h:4222', 'nats://token@h:4222'],
    ['http://h/snap.jpg?user=a&pwd=secret&x=1', 'http://h/snap.jpg?user=a&pwd=***&x=1'],
    ['no address at all', 'no address at all'],
  ])('takes the secret out of %j', (text, expected) => {
    expect(redact(text)).toBe(expected);
  });
});
