import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kvm } from '@nats-io/kv';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FunctionContext, FunctionEvent } from '@faascam/core/function';
import { activityHour, activityKey } from '@faascam/core/activity';
import { systemClock } from '@faascam/core/clock';
import { functionMessaging } from '@faascam/core/function-messaging';
import { createLogger } from '@faascam/core/log';
import { motionHeader } from '@faascam/core/messages';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { openActivity } from '@faascam/core/site-buckets';
import { buckets } from '@faascam/core/subjects';
import { ActivityLog } from './activity-log.ts';
import handler, { close, ready } from './handler.ts';
import { decodeBackground } from './state.ts';

const WAIT = { timeout: 30_000, interval: 50 };
const START_US = 1_700_000_000_000_000;
const directory = mkdtempSync(join(tmpdir(), 'faascam-motion-'));
let server: NatsServer;
let messaging: Messaging;

beforeAll(async () => {
  server = await startNatsServer({ directory });
  process.env['NATS_URL'] = server.url;
  messaging = await connectNats(server.url, 'test');
  await ensureStreams(messaging.jsm);
  await ready();
});

afterAll(async () => {
  await close();
  await messaging.nc.close();
  await server.stop();
  rmSync(directory, { recursive: true });
});

function picture(left: number | undefined): Promise<Buffer> {
  const block = Buffer.alloc(60 * 120 * 3, 10);
  const base = sharp({ create: { width: 640, height: 360, channels: 3, background: '#8a9' } });
  const layers =
    left === undefined
      ? []
      : [{ input: block, raw: { width: 60, height: 120, channels: 3 as const }, left, top: 100 }];
  return base.composite(layers).jpeg().toBuffer();
}

function eventOf(camera: string, seq: number, body: Buffer, kind = 'image', setBackUs = 0): FunctionEvent {
  return {
    body,
    method: 'POST',
    path: '/',
    query: {},
    headers: {
      'x-topic': `frames.${camera}`,
      'faascam-agent': 'test',
      'faascam-seq': String(seq),
      'faascam-captured-at': String(START_US + seq * 200_000 - setBackUs),
      'faascam-kind': kind,
    },
  };
}

const context: FunctionContext = {
  status: () => context,
  headers: () => context,
  succeed: () => context,
  fail: () => context,
};

async function said(camera: string, seq: number): Promise<{ kind: string; size: number }> {
  for (let at = 1; ; at++) {
    const message = await messaging.jsm.streams.getMessage('MOTION', { seq: at });
    if (message === null) throw new Error(`nothing was said of frame ${seq}`);
    if (message.subject !== `motion.${camera}` || message.header.get('Faascam-Seq') !== String(seq)) continue;
    const header = motionHeader.parse(JSON.parse(message.header.get('Faascam-Motion')));
    return { kind: header.kind, size: message.data.length };
  }
}

describe('the motion function', () => {
  it('passes the picture on only where something moves', async () => {
    const empty = await picture(undefined);
    await handler(eventOf('a', 1, empty), context);
    await handler(eventOf('a', 8, empty), context);
    const first = await picture(200);
    await handler(eventOf('a', 9, first), context);
    await handler(eventOf('a', 10, await picture(230)), context);
    const busy = await picture(260);
    await handler(eventOf('a', 11, busy), context);
    await handler(eventOf('a', 12, Buffer.alloc(0), 'lost'), context);
    expect(await said('a', 1)).toEqual({ kind: 'still', size: 0 });
    expect(await said('a', 8)).toEqual({ kind: 'still', size: 0 });
    // Something is new there: worth a look, before it is known to move.
    expect(await said('a', 9)).toEqual({ kind: 'settling', size: first.length });
    expect(await said('a', 11)).toEqual({ kind: 'moving', size: busy.length });
    expect(await said('a', 12)).toEqual({ kind: 'lost', size: 0 });
  });

  it('keeps how much moved for the timeline, with what other replicas kept', async () => {
    const kv = await openActivity(messaging);
    const levels = async (): Promise<string> => {
      const entry = await kv.get(activityKey('walk', START_US));
      return entry === null ? '' : activityHour.parse(entry.json()).levels;
    };
    const walk = async (fromSeq: number): Promise<void> => {
      const empty = await picture(undefined);
      for (const seq of [fromSeq, fromSeq + 7]) await handler(eventOf('walk', seq, empty), context);
      for (const step of [0, 1, 2])
        await handler(eventOf('walk', fromSeq + 8 + step, await picture(200 + 30 * step)), context);
    };
    // START_US is 800 s after the begin of an hour.
    await walk(1);
    await vi.waitFor(async () => expect(await levels()).toMatch(/^0{80}[4-9]0{279}$/), WAIT);
    const other = functionMessaging('motion');
    const replica = new ActivityLog(other, systemClock, createLogger('test'));
    replica.note('walk', START_US, 0.0001);
    replica.note('walk', START_US + 60_000_000, 0.0015);
    replica.note('walk', START_US + 3_600_000_000, 1);
    await replica.close();
    await other.close();
    await walk(200);
    await vi.waitFor(async () => expect(await levels()).toMatch(/^0{80}[4-9]0{3}[4-9]010{273}$/), WAIT);
    const later = await kv.get(activityKey('walk', START_US + 3_600_000_000));
    expect(activityHour.parse(later?.json()).levels).toMatch(/^0{80}90{279}$/);
  });

  it('says the same once when a frame comes twice', async () => {
    const before = (await messaging.jsm.streams.info('MOTION')).state.messages;
    await handler(eventOf('a', 11, await picture(260)), context);
    expect((await messaging.jsm.streams.info('MOTION')).state.messages).toBe(before);
  });

  it('leaves a frame out that a newer one has overtaken', async () => {
    const before = (await messaging.jsm.streams.info('MOTION')).state.messages;
    await handler(eventOf('a', 7, await picture(260)), context);
    expect((await messaging.jsm.streams.info('MOTION')).state.messages).toBe(before);
  });

  it('sees again at once after a frame from hours ahead', async () => {
    const hourFrames = 5 * 3600;
    await handler(eventOf('c', 1, await picture(undefined)), context);
    await handler(eventOf('c', 5 * hourFrames, await picture(100)), context);
    const empty = await picture(undefined);
    for (const seq of [2, 9]) await handler(eventOf('c', seq, empty), context);
    for (const [seq, left] of [
      [10, 200],
      [11, 230],
      [12, 260],
    ] as const)
      await handler(eventOf('c', seq, await picture(left)), context);
    expect(await said('c', 2)).toEqual({ kind: 'still', size: 0 });
    expect(await said('c', 12)).toMatchObject({ kind: 'moving' });
  });

  it.each([2, 20, 59])('sees again at once after its clock was set back by %d s', async (seconds) => {
    const camera = `back-${seconds}`;
    const empty = await picture(undefined);
    // The word comes twice, as any message may.
    for (const seq of [1, 400]) await handler(eventOf(camera, seq, empty), context);
    for (let round = 0; round < 2; round++)
      await handler(eventOf(camera, 401, Buffer.alloc(0), 'lost'), context);
    const after = (seq: number, body: Buffer) =>
      handler(eventOf(camera, seq, body, 'image', seconds * 1_000_000), context);
    for (const seq of [402, 409]) await after(seq, empty);
    for (const [seq, left] of [
      [410, 200],
      [411, 230],
      [412, 260],
    ] as const)
      await after(seq, await picture(left));
    expect(await said(camera, 402)).toEqual({ kind: 'still', size: 0 });
    expect(await said(camera, 412)).toMatchObject({ kind: 'moving' });
    // That word was for the first frame after it: a frame that was overtaken is left out as ever.
    const before = (await messaging.jsm.streams.info('MOTION')).state.messages;
    await after(411, await picture(245));
    expect((await messaging.jsm.streams.info('MOTION')).state.messages).toBe(before);
  });

  it('keeps what it has learned of a camera that comes back with the time going on', async () => {
    const kv = await new Kvm(messaging.js).open(buckets.motion);
    const stateOf = async () => decodeBackground((await kv.get('kept'))?.value ?? Buffer.alloc(0));
    const empty = await picture(undefined);
    for (const seq of [1, 8]) await handler(eventOf('kept', seq, empty), context);
    const before = await stateOf();
    await handler(eventOf('kept', 9, Buffer.alloc(0), 'lost'), context);
    expect(await stateOf()).toMatchObject({ lostSeq: 9, startUs: before?.startUs, lastUs: before?.lastUs });
    await handler(eventOf('kept', 60, empty), context);
    expect((await stateOf())?.startUs).toBe(before?.startUs);
    expect(await stateOf()).not.toHaveProperty('lostSeq');
  });

  it('looks at a camera with its own masks, also when they are changed', async () => {
    const kv = await new Kvm(messaging.js).create(buckets.cameras);
    const left = [
      [0, 0],
      [0.6, 0],
      [0.6, 1],
      [0, 1],
    ];
    const profile = { v: 1, camera: 'g', revision: 'one', masks: [left] };
    await kv.put('g', JSON.stringify(profile));
    const walk = async (seq: number): Promise<string> => {
      const empty = await picture(undefined);
      for (const each of [seq, seq + 7]) await handler(eventOf('g', each, empty), context);
      for (const each of [0, 1, 2])
        await handler(eventOf('g', seq + 8 + each, await picture(100 + 30 * each)), context);
      return (await said('g', seq + 10)).kind;
    };
    expect(await walk(1)).toBe('still');
    await kv.put('g', JSON.stringify({ ...profile, revision: 'two', masks: [] }));
    // The change is on its way: frames of another walk, later ones, until it is there.
    let seq = 1;
    await vi.waitFor(async () => expect(await walk((seq += 100))).toBe('moving'), { timeout: 20_000 });
  });

  it.each([
    ['of another version', Buffer.from('{"v":1,"width":160,"height":90}\n')],
    ['damaged', Buffer.alloc(60_000, 7)],
  ])('begins anew where the state in the store is %s', async (what, bytes) => {
    const camera = what.startsWith('of') ? 'd' : 'e';
    const kv = await new Kvm(messaging.js).open(buckets.motion);
    await kv.put(camera, bytes);
    await handler(eventOf(camera, 1, await picture(undefined)), context);
    expect(await said(camera, 1)).toEqual({ kind: 'still', size: 0 });
    expect(decodeBackground((await kv.get(camera))?.value ?? Buffer.alloc(0))).toMatchObject({ width: 160 });
  });

  it('begins anew when the picture has another size in mid-stream', async () => {
    const small = await sharp(await picture(undefined))
      .resize(320, 240, { fit: 'fill' })
      .jpeg()
      .toBuffer();
    await handler(eventOf('f', 1, await picture(undefined)), context);
    await handler(eventOf('f', 2, small), context);
    await handler(eventOf('f', 3, small), context);
    expect(await said('f', 3)).toEqual({ kind: 'still', size: 0 });
  });

  it.each([
    ['no picture', 'b', Buffer.from('no picture')],
    ['a JPEG that breaks off', 'b', undefined],
    ['a camera that is no id', '../b', undefined],
  ])('refuses %s as malformed and goes on with the next frame', async (_what, camera, body) => {
    const broken = body ?? (await picture(10)).subarray(0, 400);
    await expect(handler(eventOf(camera, 5, broken), context)).rejects.toMatchObject({
      code: 'malformed-input',
    });
    await handler(eventOf('b', 6, await picture(undefined)), context);
  });

  it('refuses a picture that declares to be huge before taking memory for it', async () => {
    const jpeg = Buffer.from(await picture(undefined));
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
    jpeg.writeUInt16BE(30_000, frame + 5);
    jpeg.writeUInt16BE(30_000, frame + 7);
    await expect(handler(eventOf('b', 7, jpeg), context)).rejects.toMatchObject({ code: 'malformed-input' });
  });
});
