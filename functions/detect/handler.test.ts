import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Box } from '@faascam/core/box';
import type { FunctionContext, FunctionEvent } from '@faascam/core/function';
import { detectionsMessage, type DetectionsMessage } from '@faascam/core/messages';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import handler, { close, ready } from './handler.ts';
import { tinyModel } from './testing/tiny-model.ts';

const START_US = 1_700_000_000_000_000;
const directory = mkdtempSync(join(tmpdir(), 'faascam-detect-'));
let server: NatsServer;
let messaging: Messaging;

/** Sees the same wherever it looks: a person in the middle of the left half, and another hardly. */
const model = tinyModel(
  [{ name: 'images', type: 'float32', shape: [1, 3, 64, 64] }],
  [
    {
      name: 'output',
      type: 'float32',
      dims: [1, 2, 6],
      values: [8, 24, 24, 40, 0.9, 0, 40, 24, 56, 40, 0.2, 0],
    },
  ],
);

beforeAll(async () => {
  server = await startNatsServer({ directory });
  const path = join(directory, 'person.onnx');
  writeFileSync(path, model);
  process.env['NATS_URL'] = server.url;
  process.env['FAASCAM_DETECT'] = JSON.stringify({ model: path, minScore: 0.5 });
  await ready();
  messaging = await connectNats(server.url, 'test');
  await ensureStreams(messaging.jsm);
});

afterAll(async () => {
  await close();
  await messaging.nc.close();
  await server.stop();
  rmSync(directory, { recursive: true });
  delete process.env['FAASCAM_DETECT'];
});

interface Sent {
  camera: string;
  seq: number;
  body: Buffer;
  boxes?: Box[];
  kind?: string;
  frameKind?: string;
  atMs?: number;
}

function eventOf({ camera, seq, body, boxes = [], kind = 'moving', ...more }: Sent): FunctionEvent {
  return {
    body,
    method: 'POST',
    path: '/',
    query: {},
    headers: {
      'x-topic': `motion.${camera}`,
      'faascam-agent': 'test',
      'faascam-seq': String(seq),
      'faascam-captured-at': String(START_US + (more.atMs ?? seq * 200) * 1000),
      'faascam-kind': more.frameKind ?? 'image',
      'faascam-motion': JSON.stringify({ v: 1, kind, score: 1, boxes }),
    },
  };
}

const context: FunctionContext = {
  status: () => context,
  headers: () => context,
  succeed: () => context,
  fail: () => context,
};

/** Sends a frame, and answers what is published last for its camera. */
async function said(sent: Sent): Promise<DetectionsMessage> {
  await handler(eventOf(sent), context);
  const last = await messaging.jsm.streams.getMessage('DETECTIONS', {
    last_by_subj: `detections.${sent.camera}`,
  });
  return detectionsMessage.parse(JSON.parse(new TextDecoder().decode(last?.data)));
}

function plain(width = 640, height = 360): Sharp {
  return sharp({ create: { width, height, channels: 3, background: '#8a9' } });
}

const rounded = (boxes: readonly Box[]): number[][] =>
  boxes.map((box) => box.map((side) => Math.round(side * 1000) / 1000));

describe('the detect function', () => {
  it('tells of what it saw in a frame, of what it hardly saw, and of the size', async () => {
    const message = await said({ camera: 'a', seq: 1, body: await plain().jpeg().toBuffer() });
    expect(message).toMatchObject({ camera: 'a', seq: 1, inferred: true, motion: 'moving' });
    expect(message.picture).toEqual({ width: 640, height: 360 });
    // The picture takes rows 14 to 50 of the model's input.
    expect(rounded(message.objects.map(({ box }) => box))).toEqual([[0.125, 0.278, 0.25, 0.444]]);
    expect(message.low?.map(({ score }) => score)).toEqual([expect.closeTo(0.2)]);
  });

  it.each([['still'], ['lost']])('passes a frame without a picture on: %s', async (kind) => {
    const empty = { camera: 'b', seq: 1, body: Buffer.alloc(0), kind };
    const message = await said({ ...empty, frameKind: kind === 'lost' ? 'lost' : 'image' });
    expect(message).toMatchObject({ inferred: false, objects: [], motion: kind });
  });

  it('looks at small movers from near, and at the whole frame once a second', async () => {
    const body = await plain(1280, 720).jpeg().toBuffer();
    // 20 pixels in the middle: the region around it is little larger, and what the model sees there is small in the frame.
    const boxes: Box[] = [[0.5, 0.5, 20 / 1280, 20 / 720]];
    const first = await said({ camera: 'c', seq: 1, body, boxes });
    expect(first.objects).toHaveLength(2);
    const second = await said({ camera: 'c', seq: 2, body, boxes });
    expect(rounded(second.objects.map(({ box }) => box))).toEqual([[0.493, 0.505, 0.01, 0.018]]);
    expect((await said({ camera: 'c', seq: 7, body, boxes })).objects).toHaveLength(2);
  });

  it('finds what moved before again where it stands now, and the same whenever the frames are sent anew', async () => {
    const body = await plain(1280, 720).jpeg().toBuffer();
    const run = async (camera: string): Promise<unknown[]> => {
      const results: unknown[] = [];
      const boxes: Box[] = [[0.5, 0.5, 20 / 1280, 20 / 720]];
      for (const seq of [1, 2]) results.push((await said({ camera, seq, body, boxes })).objects);
      results.push((await said({ camera, seq: 3, body: Buffer.alloc(0), kind: 'still' })).objects);
      const settled = await said({ camera, seq: 4, body, kind: 'settling' });
      expect(settled.objects.length).toBeGreaterThan(0);
      // In a small region, not a quarter of the frame.
      for (const { box } of settled.objects) expect(box[2]).toBeLessThan(0.05);
      return [...results, settled.objects];
    };
    expect(await run('d')).toEqual(await run('e'));
  });

  it('takes a frame that comes twice or late as it is, without what newer ones tell', async () => {
    const body = await plain(1280, 720).jpeg().toBuffer();
    const boxes: Box[] = [[0.5, 0.5, 20 / 1280, 20 / 720]];
    await said({ camera: 'f', seq: 5, body, boxes });
    const before = (await messaging.jsm.streams.info('DETECTIONS')).state.messages;
    await handler(eventOf({ camera: 'f', seq: 5, body, boxes }), context);
    expect((await messaging.jsm.streams.info('DETECTIONS')).state.messages).toBe(before);
    expect((await said({ camera: 'f', seq: 4, body, boxes })).objects).toHaveLength(2);
  });
});

describe('a damaged message', () => {
  it('of its camera leaves the next look at the whole', async () => {
    const body = await plain(1280, 720).jpeg().toBuffer();
    const boxes: Box[] = [[0.5, 0.5, 20 / 1280, 20 / 720]];
    for (const damaged of ['no JSON', '{"look":{"known":7},"capturedAtUs":1}']) {
      await messaging.js.publish('detections.k', damaged);
      const seq = damaged.length;
      expect((await said({ camera: 'k', seq, body, boxes })).objects).toHaveLength(2);
    }
  });
});

describe('a picture', () => {
  it.each<[string, () => Promise<Buffer>]>([
    ['a progressive JPEG', () => plain().jpeg({ progressive: true }).toBuffer()],
    ['a grey JPEG', () => plain().greyscale().jpeg().toBuffer()],
    ['a CMYK JPEG', () => plain().toColourspace('cmyk').jpeg().toBuffer()],
    ['a PNG in place of a JPEG', () => plain().png().toBuffer()],
    [
      'a PNG of 16 bits with transparency',
      () => plain().ensureAlpha(0.5).toColourspace('rgb16').png().toBuffer(),
    ],
    ['a JPEG with a colour profile', () => plain().withIccProfile('p3').jpeg().toBuffer()],
  ])('%s is seen as any other', async (what, make) => {
    const message = await said({ camera: `g${what.length}`, seq: 1, body: await make() });
    expect(message.picture).toEqual({ width: 640, height: 360 });
    expect(message.objects).toHaveLength(1);
  });

  it('that is stored on its side is looked at upright, motion with it', async () => {
    const body = await plain().withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const message = await said({ camera: 'h', seq: 1, body, boxes: [[0, 0, 0.25, 0.5]] });
    expect(message.picture).toEqual({ width: 360, height: 640 });
    // What is at the top left is at the top right when the picture is turned clockwise.
    expect(message.motionBoxes).toEqual([[0.5, 0, 0.5, 0.25]]);
  });

  it.each<[string, () => Promise<Buffer>]>([
    ['is none', () => Promise.resolve(Buffer.from('no picture'))],
    ['breaks off', async () => (await plain().jpeg().toBuffer()).subarray(0, 700)],
    ['declares to be huge', () => hugeOf(plain())],
    ['is one pixel of nothing', () => Promise.resolve(Buffer.from([0xff, 0xd8, 0xff, 0xd9]))],
  ])('that %s is refused as malformed, and the next one is seen', async (what, make) => {
    const camera = `i${what.length}`;
    await expect(handler(eventOf({ camera, seq: 1, body: await make() }), context)).rejects.toMatchObject({
      code: 'malformed-input',
      message: expect.stringMatching(/^The picture cannot be decoded: /) as string,
    });
    expect((await said({ camera, seq: 2, body: await plain().jpeg().toBuffer() })).objects).toHaveLength(1);
  });

  it('of a camera that is no id, or without what motion says, is refused', async () => {
    const body = await plain().jpeg().toBuffer();
    const event = eventOf({ camera: 'j', seq: 1, body });
    delete event.headers['faascam-motion'];
    for (const wrong of [eventOf({ camera: '../j', seq: 1, body }), event]) {
      await expect(handler(wrong, context)).rejects.toMatchObject({ code: 'malformed-input' });
    }
  });
});

/** A small JPEG whose header says 30000x30000. */
async function hugeOf(image: Sharp): Promise<Buffer> {
  const jpeg = Buffer.from(await image.jpeg().toBuffer());
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  jpeg.writeUInt16BE(30_000, frame + 5);
  jpeg.writeUInt16BE(30_000, frame + 7);
  return jpeg;
}
