import { expect, test } from 'vitest';
import type { AgentHealth, CameraHealth } from '@faascam/core/messages';
import { statusLine } from './status-line.ts';

function camera(state: CameraHealth['state'], cause?: string): CameraHealth {
  return {
    state,
    cause,
    framesPerSecond: 0,
    framesPublished: 0,
    bytesSent: 0,
    framesDropped: 0,
    restarts: 0,
    ring: { segments: 0, bytes: 0, spanMs: 0, pinnedBytes: 0 },
  };
}

const connected: AgentHealth['uplink'] = { state: 'connected', sinceUs: 0, losses: 0 };

test('a status line says how many cameras stream', () => {
  const cameras = { door: camera('streaming'), yard: camera('streaming') };
  expect(statusLine({ cameras, uplink: connected })).toBe('2 of 2 cameras stream');
});

test('a status line names the cameras that do not, with the cause, and a NATS that is away', () => {
  const cameras = {
    door: camera('streaming'),
    yard: camera('waiting', 'It refuses the login.\n'),
    gate: camera('connecting'),
  };
  expect(statusLine({ cameras, uplink: { ...connected, state: 'reconnecting' } })).toBe(
    '1 of 3 cameras stream; NATS is away; yard: It refuses the login; gate: connecting',
  );
});

test('a status line says why NATS does not have the agent, if somebody must mend that', () => {
  const cause = 'NATS at tls://hub:4222 refused the login: give this part its key.';
  expect(statusLine({ cameras: {}, uplink: { state: 'reconnecting', sinceUs: 0, losses: 0, cause } })).toBe(
    '0 of 0 cameras stream; NATS at tls://hub:4222 refused the login: give this part its key',
  );
});

test('a status line stays short where many cameras are away', () => {
  const cameras = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`c${n}`, camera('waiting')]));
  expect(statusLine({ cameras, uplink: connected })).toBe(
    '0 of 9 cameras stream; c0: waiting; c1: waiting; c2: waiting; and 6 more',
  );
});
