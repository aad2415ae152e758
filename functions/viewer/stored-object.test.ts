import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { send } from './answer.ts';
import { hostHandler, storeEvent, type HandlerHost } from './fixture.ts';
import { objectAnswer } from './stored-object.ts';
import { headerOf } from '@faascam/core/function';

/** Larger than what is sent in one piece, and different everywhere. */
const clip = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, index) => index * 31 + (index >> 8)));

let directory: string;
let store: ObjectStore;
let host: HandlerHost;
let clipId: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-viewer-'));
  store = await openStore({ kind: 'directory', path: '' }, directory);
  clipId = await storeEvent(store, { camera: 'yard', startUs: 1_700_000_000_000_000, clip });
  host = await hostHandler(async (event, context) => {
    const asked = { method: event.method, header: (name: string) => headerOf(event, name) };
    const answer = await objectAnswer(store, asked, clipId, 'clip.mp4', {
      download: event.query['download'] === '1',
    });
    return send(asked, answer, context);
  });
});

afterAll(async () => {
  await host.stop();
  await store.close();
  await rm(directory, { recursive: true });
});

async function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
  return await fetch(host.url + path, { headers, method });
}

describe('a clip', () => {
  it('is sent whole without a range', async () => {
    const response = await get('');
    expect(response.status).toBe(200);
    expect(response.headers.get('accept-ranges')).toBe('bytes');
    expect(response.headers.get('content-type')).toBe('video/mp4');
    expect(response.headers.get('content-disposition')).toBeNull();
    expect(Buffer.from(await response.arrayBuffer()).equals(clip)).toBe(true);
  });

  it('is sent in the part asked for, small or large', async () => {
    for (const [range, start, end] of [
      ['bytes=0-', 0, clip.length - 1],
      ['bytes=0-0', 0, 0],
      ['bytes=1000-2999', 1000, 2999],
      ['bytes=100-2500000', 100, 2_500_000],
      ['bytes=-500', clip.length - 500, clip.length - 1],
      ['bytes=2999999-9999999', clip.length - 1, clip.length - 1],
    ] as const) {
      const response = await get('', { Range: range });
      expect(response.status).toBe(206);
      expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/${clip.length}`);
      expect(response.headers.get('content-length')).toBe(String(end - start + 1));
      expect(Buffer.from(await response.arrayBuffer()).equals(clip.subarray(start, end + 1))).toBe(true);
    }
  });

  it('has no bytes past its end', async () => {
    const response = await get('', { Range: `bytes=${clip.length}-` });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe(`bytes */${clip.length}`);
    expect(await response.text()).toMatch(/has only 3000000 bytes/);
  });

  it('is sent whole when the part already there is of another version', async () => {
    const tag = (await get('', { Range: 'bytes=0-0' })).headers.get('etag') ?? '';
    expect((await get('', { Range: 'bytes=0-9', 'If-Range': tag })).status).toBe(206);
    expect((await get('', { Range: 'bytes=0-9', 'If-Range': '"other"' })).status).toBe(200);
  });

  it('tells its size to HEAD, without a body', async () => {
    const response = await get('', { Range: 'bytes=0-9' }, 'HEAD');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe(String(clip.length));
    expect(await response.text()).toBe('');
  });

  it('is saved under the name of its event when asked to be downloaded', async () => {
    const response = await get('?download=1', {}, 'HEAD');
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="${clipId}.mp4"`);
  });

  it('can be broken off by its viewer a hundred times', async () => {
    for (let round = 0; round < 100; round += 1) {
      await new Promise<void>((resolve, reject) => {
        const call = request(host.url, (response) => {
          response.once('data', () => {
            call.destroy();
            resolve();
          });
        });
        call.once('error', (error) => {
          if (!call.destroyed) reject(error);
        });
        call.end();
      });
    }
    expect((await get('', {}, 'HEAD')).status).toBe(200);
  });
});
