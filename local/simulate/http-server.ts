import { createReadStream } from 'node:fs';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { systemCodeOf } from '@faascam/core/errors';
import { listen, type Listening } from '../http-server.ts';
import type { SimulatedCamera } from './simulated-camera.ts';

/** A viewer that is this far behind is let go: live pictures are worth little later. */
const FARTHEST_BEHIND_BYTES = 16 * 1024 * 1024;
/** Longer than any usual distance of keyframes. */
const PLAYLIST_TRIES = 80;
const PLAYLIST_RETRY_MS = 100;
const NAME = /^[a-z0-9_-]+\.(m3u8|ts)$/;

export interface ShownCamera {
  camera: SimulatedCamera;
  hlsDirectory: string;
}

/** Serves cameras by id: `/ID/stream.ts`, `/ID/index.m3u8`, `/ID/stream.mjpeg` and `/ID/snapshot.jpg`. */
export async function startHttpServer(
  host: string,
  port: number,
  cameras: ReadonlyMap<string, ShownCamera>,
): Promise<Listening> {
  const server = createServer((request, response) => {
    answer(cameras, request, response).catch(() => response.destroy());
  });
  return await listen(server, host, port);
}

async function answer(
  cameras: ReadonlyMap<string, ShownCamera>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://camera');
  const [, id = '', name = ''] = pathname.split('/');
  const shown = cameras.get(id);
  if (shown === undefined || !['GET', 'HEAD'].includes(request.method ?? '')) notHere(response);
  else if (request.method === 'HEAD') response.end();
  else if (name === 'stream.ts') sendStream(shown.camera, response);
  else if (name === 'stream.mjpeg') sendPictures(shown.camera, response);
  else if (name === 'snapshot.jpg') sendPicture(shown.camera, response);
  else if (NAME.test(name)) await sendFile(join(shown.hlsDirectory, name), response);
  else notHere(response);
}

function notHere(response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'text/plain' }).end('There is no such camera here.\n');
}

function sendStream({ stream }: SimulatedCamera, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'video/mp2t', 'cache-control': 'no-store' });
  const leave = stream.join((bytes) => send(response, bytes));
  response.once('close', leave);
}

function sendPictures({ pictures }: SimulatedCamera, response: ServerResponse): void {
  const boundary = 'picture';
  response.writeHead(200, {
    'content-type': `multipart/x-mixed-replace; boundary=${boundary}`,
    'cache-control': 'no-store',
  });
  response.flushHeaders();
  const leave = pictures.look((jpeg) => {
    const head = `--${boundary}\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`;
    send(response, Buffer.concat([Buffer.from(head), jpeg, Buffer.from('\r\n')]));
  });
  response.once('close', leave);
}

function sendPicture({ pictures }: SimulatedCamera, response: ServerResponse): void {
  const leave = pictures.look((jpeg) => {
    leave();
    response.writeHead(200, { 'content-type': 'image/jpeg', 'cache-control': 'no-store' }).end(jpeg);
  });
  response.once('close', leave);
}

function send(response: ServerResponse, bytes: Buffer): void {
  if (response.writableLength > FARTHEST_BEHIND_BYTES) response.destroy();
  else response.write(bytes);
}

/** A playlist is there once its first segment is whole, which whoever asks earlier waits for. */
async function sendFile(path: string, response: ServerResponse): Promise<void> {
  const isPlaylist = path.endsWith('.m3u8');
  for (let tries = 0; !response.closed; tries++) {
    const file = createReadStream(path);
    try {
      await once(file, 'open');
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT') throw error;
      if (!isPlaylist || tries >= PLAYLIST_TRIES) {
        notHere(response);
        return;
      }
      await wait(PLAYLIST_RETRY_MS);
      continue;
    }
    const type = isPlaylist ? 'application/vnd.apple.mpegurl' : 'video/mp2t';
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' });
    await pipeline(file, response);
    return;
  }
}
