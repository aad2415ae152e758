import { describe, expect, it } from 'vitest';
import { redact } from './redact.ts';

describe('redact', () => {
  it.each([
    ['rtsp://cam:s3cret@10.0.0.5:554/live', 'rtsp://cam:***@10.0.0.5:554/live'],
    ["Error opening 'rtsp://u:p:w@h/x'", "Error opening 'rtsp://u:***@h/x'"],
    ['rtsp://u:pa@ss@h/x', 'rtsp://u:***@h/x'],
    ['nats://token@h:4222', 'nats://token@h:4222'],
    ['http://h/snap.jpg?user=a&pwd=secret&x=1', 'http://h/snap.jpg?user=a&pwd=***&x=1'],
    ['rtmp://h/c.bcs?channel=0&user=a&password=p=1', 'rtmp://h/c.bcs?channel=0&user=a&password=***'],
    ['srt://h:9000?mode=caller&passphrase=correct%20horse', 'srt://h:9000?mode=caller&passphrase=***'],
    [
      'https://h/v?access_token=abc&api_key=def&apikey=g',
      'https://h/v?access_token=***&api_key=***&apikey=***',
    ],
    ['rtsp://h/user=admin&password=abc&channel=1', 'rtsp://h/user=admin&password=***&channel=1'],
    ['rtsp://h/user=admin_password=abc_channel=1', 'rtsp://h/user=admin_password=***'],
    ['https://h/v?monkey=1&compass=2', 'https://h/v?monkey=1&compass=2'],
    ['rtmp://h:1935/live/key-1234', 'rtmp://h:1935/live/***'],
    ['rtmps://u:p@h/app/part/key?token=t', 'rtmps://u:***@h/app/part/***?token=***'],
    ["Error opening 'rtmp://h/live/key': refused", "Error opening 'rtmp://h/live/***': refused"],
    ['rtmp://h/live/key: Connection refused', 'rtmp://h/live/***: Connection refused'],
    ['rtmp://h/live', 'rtmp://h/live'],
    [`seed SU${'A'.repeat(56)} in a line`, 'seed SU*** in a line'],
    [`the public key U${'A'.repeat(55)}`, `the public key U${'A'.repeat(55)}`],
    ['no address at all', 'no address at all'],
  ])('takes the secret out of %j', (text, expected) => {
    expect(redact(text)).toBe(expected);
  });
});
