import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Kvm } from '@nats-io/kv';
import type { FunctionContext, FunctionEvent, FunctionHandler } from '@faascam/core/function';
import {
  clipWanted,
  eventMessage,
  type ClipWanted,
  type DetectionsMessage,
  type EventMessage,
} from '@faascam/core/messages';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { buckets, streams, subjects } from '@faascam/core/subjects';
import { tracksMessage, type TracksMessage } from '@faascam/core/track-message';
import { frameOf, walk } from './testing/scene.ts';

// Read when the handler is loaded.
vi.hoisted(() => vi.stubEnv('FAASCAM_LOG', 'silent'));

interface Replica {
  default: FunctionHandler;
  close: () => Promise<void>;
}

const directory = mkdtempSync(join(tmpdir(), 'faascam-events-'));
let server: NatsServer;
let messaging: Messaging;
const replicas: Replica[] = [];

beforeAll(async () => {
  server = await startNatsServer({ directory });
  vi.stubEnv('NATS_URL', server.url);
  messaging = await connectNats(server.url, 'test');
  await ensureStreams(messaging.jsm);
  for (let count = 0; count < 2; count++) {
    vi.resetModules();
    replicas.push(await import('./handler.ts'));
  }
});

afterAll(async () => {
  for (const replica of replicas) await replica.close();
  await messaging.nc.close();
  await server.stop();
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

const framesOf = (camera: string, from: number, to: number): DetectionsMessage[] =>
  Array.from({ length: (to - from) * 5 }, (_, index) => ({
    ...frameOf(walk(2, 8), from * 5 + index),
    camera,
  }));

async function call(
  frame: DetectionsMessage,
  replica = 0,
  topic = `detections.${frame.camera}`,
): Promise<string> {
  const handler = replicas[replica]?.default;
  if (handler === undefined) throw new Error(`there is no replica ${replica}`);
  let answer = '';
  const context: FunctionContext = {
    status: () => context,
    headers: () => context,
    succeed: (value) => {
      answer = String(value);
      return context;
    },
    fail: () => context,
  };
  const event: FunctionEvent = {
    body: Buffer.from(JSON.stringify(frame)),
    method: 'POST',
    path: '/',
    query: {},
    headers: { 'x-topic': topic },
  };
  await handler(event, context);
  return answer;
}

/** All that was said of a camera's events, and the clips that were asked for. */
async function said(camera: string): Promise<{ events: EventMessage[]; wanted: ClipWanted[] }> {
  return {
    events: (await bodies(streams.events, subjects.events(camera))).map((body) => eventMessage.parse(body)),
    wanted: (await bodies(streams.clips, subjects.clipsWanted(camera))).map((body) => clipWanted.parse(body)),
  };
}

async function bodies(stream: string, subject: string): Promise<unknown[]> {
  const found: unknown[] = [];
  const { state } = await messaging.jsm.streams.info(stream);
  for (let seq = state.first_seq; seq > 0 && seq <= state.last_seq; seq++) {
    const message = await messaging.jsm.streams.getMessage(stream, { seq });
    if (message?.subject === subject) found.push(message.json());
  }
  return found;
}

const phasesOf = (events: readonly EventMessage[]): string[] =>
  events.map(({ phase }) => phase).filter((phase) => phase !== 'update');

async function damage(camera: string, bytes: string): Promise<void> {
  const kv = await new Kvm(messaging.js).open(buckets.tracks);
  await kv.put(camera, bytes);
}

describe('the events function', () => {
  it('tells of a visit and asks for its clip, also when every frame comes twice', async () => {
    for (const frame of framesOf('twice', 0, 12)) {
      await call(frame);
      await call(frame);
    }
    const { events, wanted } = await said('twice');
    expect(phasesOf(events)).toEqual(['start', 'end']);
    expect(wanted.map(({ eventId }) => eventId)).toEqual([events[0]?.id]);
  });

  it('tells whoever watches which object is where in each frame, once', async () => {
    const told: TracksMessage[] = [];
    const subscription = messaging.nc.subscribe(subjects.tracks('watched'), {
      callback: (_, message) => {
        told.push(tracksMessage.parse(message.json()));
      },
    });
    await messaging.nc.flush();
    const frames = framesOf('watched', 0, 6);
    for (const frame of frames) {
      await call(frame);
      await call(frame);
    }
    await call({ ...frameOf(walk(2, 8), 31), camera: 'watched', inferred: false, objects: [], low: [] });
    await vi.waitFor(() => expect(told).toHaveLength(frames.length + 1), { timeout: 30_000 });
    subscription.unsubscribe();
    expect(told.map(({ capturedAtUs }) => capturedAtUs).slice(0, -1)).toEqual(
      frames.map(({ capturedAtUs }) => capturedAtUs),
    );
    // Where the detector saw it, and the same object throughout; sure of it after some looks.
    const boxes = (objects: readonly { box: readonly number[] }[]) =>
      objects.map(({ box }) => box.map((part) => part.toFixed(4)));
    expect(told.slice(0, -1).map(({ objects }) => boxes(objects))).toEqual(
      frames.map(({ objects }) => boxes(objects)),
    );
    const seen = told.flatMap(({ objects }) => objects);
    expect(new Set(seen.map(({ track, label, score }) => `${track} ${label} ${score}`))).toEqual(
      new Set(['0 person 0.8']),
    );
    expect([seen[0]?.confirmed, seen.at(-1)?.confirmed]).toEqual([false, true]);
    expect(told.at(-1)).toMatchObject({ inferred: false, objects: [] });
  });

  it('gives the same events when its frames go to one replica or the other, or to both at the same time', async () => {
    for (const [index, frame] of framesOf('in-turn', 0, 12).entries()) await call(frame, index % 2);
    for (const frame of framesOf('at-once', 0, 12)) await Promise.all([call(frame, 0), call(frame, 1)]);
    for (const frame of framesOf('alone', 0, 12)) await call(frame);
    const plain = (events: readonly EventMessage[]) =>
      events.map((event) => ({ ...event, id: '', camera: '' }));
    const alone = plain((await said('alone')).events);
    expect(alone.length).toBeGreaterThan(1);
    expect(plain((await said('in-turn')).events)).toEqual(alone);
    expect(plain((await said('at-once')).events)).toEqual(alone);
  });

  it.each([
    ['damaged', '{"v":2,'],
    ['of an older version', '{"v":1,"camera":"x","lastUs":5,"tracks":[]}'],
    ['of another camera', '{"v":2,"camera":"other"}'],
    ['empty', ''],
  ])('ends the event that a state had open which is %s now, and begins anew', async (what, bytes) => {
    const camera = `state-${what.replaceAll(' ', '-')}`;
    for (const frame of framesOf(camera, 0, 5)) await call(frame);
    await damage(camera, bytes);
    // One replica holds a warm copy, and finds out when it writes.
    for (const [index, frame] of framesOf(camera, 5, 12).entries()) await call(frame, index % 2);
    const { events, wanted } = await said(camera);
    expect(phasesOf(events)).toEqual(['start', 'end', 'start', 'end']);
    expect(events.find(({ phase }) => phase === 'end')?.ended?.rule).toBe('state-lost');
    expect(wanted).toHaveLength(2);
    expect(new Set(wanted.map(({ eventId }) => eventId)).size).toBe(2);
  });

  it('says what it did with a frame that it did not look at', async () => {
    const frames = framesOf('odd', 0, 4);
    for (const frame of frames) expect(await call(frame)).toBe('');
    const [first] = frames;
    const last = frames.at(-1);
    if (first === undefined || last === undefined) throw new Error('there are frames');
    expect(await call(first)).toBe('late');
    expect(await call(last)).toBe('again');
    expect(await call({ ...last, capturedAtUs: last.capturedAtUs + 7_200_000_000 })).toBe('strange');
  });

  it('refuses for good what is malformed, and a frame of another camera than its subject', async () => {
    const [frame] = framesOf('mine', 0, 1);
    if (frame === undefined) throw new Error('there is a frame');
    const malformed = { code: 'malformed-input' };
    await expect(call(frame, 0, 'detections.yours')).rejects.toMatchObject(malformed);
    await expect(call({ ...frame, capturedAtUs: -5 })).rejects.toMatchObject(malformed);
    expect((await said('mine')).events).toEqual([]);
  });
});
