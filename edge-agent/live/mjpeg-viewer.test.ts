import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MjpegViewer } from './mjpeg-viewer.ts';

const picture = { jpeg: Buffer.alloc(1_000_000, 7), capturedAtUs: 1 };

let server: Server;
let client: Socket;
let response: ServerResponse;

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  client = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
  client.on('error', () => undefined);
  client.pause();
  client.write('GET / HTTP/1.1\r\nHost: agent\r\n\r\n');
  response = await new Promise((resolve) => server.once('request', (_request, made) => resolve(made)));
});

afterEach(async () => {
  client.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const untilWrites = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** As many pictures as the systems of both ends keep for a viewer who reads nothing, and one more. */
async function fill(viewer: MjpegViewer): Promise<void> {
  for (let calm = 0; calm < 50;) {
    const length = response.writableLength;
    viewer.show(picture);
    await untilWrites();
    calm = response.writableLength > 0 && response.writableLength === length ? calm + 1 : 0;
  }
}

test('a viewer whose network takes nothing any more is let go', async () => {
  const viewer = new MjpegViewer(response);
  const closed = once(response, 'close');
  await fill(viewer);
  viewer.letGoIfGone();
  expect(response.destroyed).toBe(false);
  viewer.show(picture);
  viewer.letGoIfGone();
  expect(response.destroyed).toBe(true);
  await closed;
});

test('a viewer who is slow, but takes what comes, stays', async () => {
  const viewer = new MjpegViewer(response);
  await fill(viewer);
  for (let times = 0; times < 3; times++) {
    viewer.letGoIfGone();
    client.resume();
    while (response.writableLength > 0) await untilWrites();
    client.pause();
    await fill(viewer);
  }
  viewer.letGoIfGone();
  expect(response.destroyed).toBe(false);
});

test('a viewer of a camera that sends nothing stays', async () => {
  const viewer = new MjpegViewer(response);
  while (response.writableLength > 0) await untilWrites();
  for (let times = 0; times < 3; times++) viewer.letGoIfGone();
  expect(response.destroyed).toBe(false);
});
