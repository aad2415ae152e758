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

test('the server ends at once, whoever is connected by whatever', async () => {
  const refused = request('GET /cameras/yard/mse HTTP/1.1', ...UPGRADE);
  const watching = request(`GET /cameras/yard/mse?token=${TOKEN} HTTP/1.1`, ...UPGRADE);
  expect(await answerOn(refused)).toContain(' 401 ');
  expect(await answerOn(watching)).toContain(' 101 ');
  await vi.waitFor(() => expect(tap.takers).toBe(1));
  await server.close();
  await vi.waitFor(() => expect(tap.takers).toBe(0));
});
