import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { systemClock } from '@faascam/core/clock';
import { liveSettings } from '@faascam/core/live-settings';
import { createLogger } from '@faascam/core/log';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LiveCameras } from './live-cameras.ts';
import { LiveServer } from './live-server.ts';
import { LiveTap } from './live-tap.ts';

const TOKEN = 'a-token-of-a-program-0123456789';
const log = createLogger('test');

let server: LiveServer;
let tap: LiveTap;
let cameras: LiveCameras;
const sockets: Socket[] = [];

beforeEach(async () => {
  const settings = liveSettings.parse({ programs: [{ name: 'test', token: TOKEN }], viewers: 2 });
  tap = new LiveTap(systemClock, log);
  cameras = new LiveCameras({ settings, cameras: new Map([['yard', { tap }]]), clock: systemClock, log });
  server = await LiveServer.listen(settings, cameras, log);
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
  await cameras.close();
});

/** Sends these lines as the head of a request, and keeps its own end of the connection open whatever comes. */
function request(...lines: string[]): Socket {
  const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1', allowHalfOpen: true });
  sockets.push(socket);
  socket.on('error', () => undefined);
  socket.write([...lines, 'Host: agent', '', ''].join('\r\n'));
  return socket;
}

const UPGRADE = [
  ...['Connection: Upgrade', 'Upgrade: websocket'],
  ...['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
];

/** The first that comes. */
async function answerOn(socket: Socket): Promise<string> {
  return await new Promise((resolve, reject) => {
    socket.once('data', (bytes: Buffer) => resolve(bytes.toString()));
    socket.once('close', () => reject(new Error('there was no answer')));
  });
}

describe('a WebSocket that is refused', () => {
  test.each(['//', 'http://[', '/cameras/%/mse'])(
    'for its address is %s is answered, and the agent lives',
    async (address) => {
      expect(await answerOn(request(`GET ${address} HTTP/1.1`, ...UPGRADE))).toMatch(/^HTTP\/1\.1 40[04] /);
      expect((await fetch(`${server.url}/cameras/yard/frame.jpg`)).status).toBe(401);
    },
  );

  test.each([
    ['without a token', '/cameras/yard/mse'],
    ['for another camera', `/cameras/barn/mse?token=${TOKEN}`],
  ])('%s is closed from here, though whoever asked never closes it', async (_why, address) => {
    const socket = request(`GET ${address} HTTP/1.1`, ...UPGRADE);
    await answerOn(socket);
    // Whoever writes to what is closed is told so.
    const told = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const writing = setInterval(() => socket.write('x'), 20);
    await told;
    clearInterval(writing);
  });
});

describe('MJPEG', () => {
  const stream = `/cameras/yard/stream.mjpeg?token=${TOKEN}`;

  test('whoever asks only for the head is answered, and is no viewer', async () => {
    for (let asked = 0; asked < 3; asked++) {
      const { status, headers } = await fetch(`${server.url}${stream}`, { method: 'HEAD' });
      expect(status).toBe(200);
      expect(headers.get('content-type')).toContain('multipart/x-mixed-replace');
    }
    expect(cameras.picturesOf('yard').takers).toBe(0);
    expect(await answerOn(request(`GET ${stream} HTTP/1.1`))).toContain(' 200 OK');
  });

  test.runIf(process.platform === 'linux')(
    'a viewer is asked by the system whether it is still there',
    async () => {
      const socket = request(`GET ${stream} HTTP/1.1`);
      await answerOn(socket);
      // 02: the timer that runs for the connection is the one that asks.
      const timerOf = (port: number): string | undefined => {
        const hex = port.toString(16).toUpperCase().padStart(4, '0');
        const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
        return lines.map((line) => line.trim().split(/\s+/)).find(([, , to]) => to?.endsWith(`:${hex}`))?.[5];
      };
      await vi.waitFor(() => expect(timerOf(socket.localPort ?? 0)).toMatch(/^02:/));
    },
  );
});

test('the server ends at once, whoever is connected by whatever', async () => {
  const refused = request('GET /cameras/yard/mse HTTP/1.1', ...UPGRADE);
  const watching = request(`GET /cameras/yard/mse?token=${TOKEN} HTTP/1.1`, ...UPGRADE);
  expect(await answerOn(refused)).toContain(' 401 ');
  expect(await answerOn(watching)).toContain(' 101 ');
  await vi.waitFor(() => expect(tap.takers).toBe(1));
  await server.close();
  await vi.waitFor(() => expect(tap.takers).toBe(0));
});
