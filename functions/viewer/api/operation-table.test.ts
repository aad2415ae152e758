import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { freePort } from '@faascam/core/ports';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BoxHubs } from '../box-hubs.ts';
import { EventIndex } from '../event-index.ts';
import { LiveGuards } from '../live-guards.ts';
import { LiveLink } from '../live-link.ts';
import { NatsLink } from '../nats-link.ts';
import { NewsHub } from '../news.ts';
import { operationsOf } from './areas.ts';
import { InputError, paramsOf } from './input.ts';
import { OperationTable } from './operation-table.ts';

const id = 'yard-20260304t050607-000089';

let directory: string;
let store: ObjectStore;
let table: OperationTable;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-table-'));
  store = await openStore({ kind: 'directory', path: '' }, directory);
  const log = createLogger('test');
  const clock = systemClock;
  const index = new EventIndex({ store, clock, log, hearsStored: () => false });
  const access = { url: `nats://127.0.0.1:${await freePort()}` };
  // It is not started: only where paths lead is asked for.
  const nats = new NatsLink({ access, clock, log, onStored: () => undefined, onConnected: () => undefined });
  const news = new NewsHub({ begin: () => () => undefined });
  table = new OperationTable(
    operationsOf({
      store,
      index,
      nats,
      clock,
      log,
      live: new LiveLink(nats),
      guards: new LiveGuards(),
      liveSecret: '',
      streamMs: 1000,
      news,
      boxes: new BoxHubs(nats),
      noteStored: () => undefined,
      shareSecret: () => Promise.resolve(Buffer.alloc(32)),
    }),
  );
});

afterAll(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

/** The operation that the path leads to, and its parameters once they have been checked. */
function leadsTo(path: string): [string, Record<string, unknown>] | string {
  const match = table.find('GET', path);
  if (match.kind !== 'operation') return match.kind;
  try {
    return [match.operation.id, paramsOf(match.operation.params, match.params)];
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.message).toMatch(/^The address holds no valid [a-z ]+\.$/);
    return 'bad';
  }
}

describe('a path', () => {
  it.each([
    ['/api/events', 'listEvents', {}],
    ['/api/events/', 'listEvents', {}],
    ['api/events', 'listEvents', {}],
    [`/api/events/${id}`, 'getEvent', { id }],
    [`/api/events/${id}/event.json`, 'getReceipt', { id }],
    [`/api/events/${id}/clip.mp4`, 'getClip', { id }],
    [`/api/events/${id}/snapshot.jpg`, 'getSnapshot', { id }],
    [`/api/events/${id}/snapshot-clean.jpg`, 'getCleanSnapshot', { id }],
    [`/api/events/${id}/clip-h264.mp4`, 'getH264Clip', { id }],
    [`/api/events/${id}/clip-2.mp4`, 'getClipPart', { id, part: '2' }],
    [`/api/events/${id}/clip-h264-12.mp4`, 'getH264ClipPart', { id, part: '12' }],
    [`/api/events/${id}/strip.jpg`, 'getStrip', { id }],
    [`/api/events/${id}/preview.mp4`, 'getPreview', { id }],
    ['/api/cameras', 'listCameras', {}],
    ['/api/cameras/yard/frame.jpg', 'latestFrame', { camera: 'yard' }],
    ['/api/status', 'getStatus', {}],
  ])('%s leads to %s', (path, operation, params) => {
    expect(leadsTo(path)).toEqual([operation, params]);
  });

  it.each([
    '/nothing',
    '/api',
    '/api/nothing',
    '/api/status/more',
    '/api//events',
    '/api/events//clip.mp4',
    `/api/events/${id}/other.mp4`,
    `/api/events/${id}/clip.mp4/more`,
    `/api/events/${id}/clipXmp4`,
    `/api/events/${id}/keep.json`,
    '/api/cameras/yard',
    '/../../etc/passwd',
    '/handler.js',
    '/function/viewer/',
  ])('%s leads nowhere', (path) => {
    expect(leadsTo(path)).toBe('unknown');
  });

  it.each([
    '/api/events/..%2f..%2fsecret/clip.mp4',
    '/api/events/../clip.mp4',
    '/api/events/%2e%2e/clip.mp4',
    '/api/events/..%5c/clip.mp4',
    `/api/events/${id}%00/clip.mp4`,
    `/api/events/${id}%0d%0aSet-Cookie:x/clip.mp4`,
    `/api/events/${id}/clip-1.mp4`,
    `/api/events/${id}/clip-02.mp4`,
    `/api/events/${id}/clip-2.mp4.mp4`,
    `/api/events/${id}/clip-2%2f..%2fkeep.mp4`,
    '/api/cameras/frames.*/frame.jpg',
    '/api/cameras/%3e/frame.jpg',
    '/api/cameras/../frame.jpg',
    '/api/events/%zz/clip.mp4',
    '/api/events/%c0%ae%c0%ae/clip.mp4',
  ])('%s is refused', (path) => {
    expect(leadsTo(path)).toBe('bad');
  });
});

it('HEAD leads where GET does, and of another method it is told which there are', () => {
  expect(table.find('HEAD', '/api/status').kind).toBe('operation');
  expect(table.find('TRACE', '/api/status')).toEqual({ kind: 'other-method', methods: ['GET', 'HEAD'] });
});

it('two operations of one name or one address are a mistake that shows at the start', () => {
  const [first] = table.operations;
  if (first === undefined) throw new Error('there are no operations');
  expect(() => new OperationTable([first, { ...first, path: '/api/other' }])).toThrow(TypeError);
  expect(() => new OperationTable([first, { ...first, id: 'other' }])).toThrow(TypeError);
  expect(
    new OperationTable([first, { ...first, id: 'other', method: 'PUT' }]).find('PATCH', first.path),
  ).toEqual({
    kind: 'other-method',
    methods: ['GET', 'HEAD', 'PUT'],
  });
});
