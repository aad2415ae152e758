import { headers as natsHeaders } from '@nats-io/transport-node';
import { headers as headerNames } from '@faascam/core/subjects';
import { describe, expect, it, vi } from 'vitest';
import { deadLetterHeaders } from './dead-letter.ts';
import { gate, testConnectors, WAIT } from './testing/connectors.ts';

const { connect, log, messaging, openGateway, publish, stop, unsettled } = testConnectors();

describe('a call', () => {
  it('carries the body as it is, the headers that HTTP can carry, and the subject', async () => {
    const recorded = await openGateway({ motion: 'frames.*' });
    const { calls } = recorded;
    const connector = await connect();
    const carried = natsHeaders();
    carried.set(headerNames.capturedAt, '1700000000000000');
    carried.set('Nats-Msg-Id', 'internal');
    carried.set('Host', 'elsewhere');
    carried.set('X-Odd', 'caf\u00e9');
    carried.append('X-Many', 'a');
    carried.append('X-Many', 'b');
    const bytes = Buffer.from([0xff, 0xd8, 0, 1, 2, 0xff]);
    await messaging().js.publish('frames.gate', bytes, { headers: carried });
    await vi.waitFor(() => expect(calls).toHaveLength(1), WAIT);
    expect(calls[0]).toMatchObject({
      functionName: 'motion',
      topic: 'frames.gate',
      body: bytes,
      headers: {
        'faascam-captured-at': '1700000000000000',
        'x-many': 'a, b',
        'x-connector': 'faascam-connector',
        'content-type': 'image/jpeg',
        host: recorded.url.slice('http://'.length),
      },
    });
    expect(Object.keys(calls[0]?.headers ?? {})).not.toContain('nats-msg-id');
    expect(calls[0]?.headers['x-odd']).toBeUndefined();
    await publish('frames.gate', '', { [headerNames.kind]: 'lost' });
    await vi.waitFor(() => expect(calls[1]?.headers['content-type']).toBe('application/json'), WAIT);
    await vi.waitFor(() => expect(connector.stats()).toMatchObject({ motion: { delivered: 2 } }), WAIT);
  });

  it('is made for each function and topic that matches, and for no other', async () => {
    const recorded = await openGateway({
      motion: 'frames.*',
      clip: 'clips.ready.*, events.*',
      viewer: '',
      odd: 'a b, not..a.subject',
    });
    await connect();
    await publish('frames.a', 'frame');
    await publish('clips.ready.a', 'ready');
    await publish('clips.stored.a', 'stored');
    await publish('events.a', 'event');
    await vi.waitFor(() => expect(recorded.calls).toHaveLength(3), WAIT);
    expect(recorded.bodies('motion')).toEqual(['frame']);
    expect(recorded.bodies('clip').sort()).toEqual(['event', 'ready']);
    expect(log().filter((line) => line.includes('is no NATS subject'))).toHaveLength(2);
  });
});

describe('order', () => {
  it('is kept for a camera with one call at a time, while cameras run side by side', async () => {
    const cameras = ['a', 'b', 'c', 'd'];
    const all = gate();
    const recorded = await openGateway({ events: 'detections.*' }, async () => {
      await all.opened;
      return 200;
    });
    const connector = await connect();
    for (let n = 0; n < 25; n++)
      for (const camera of cameras) await publish(`detections.${camera}`, `${camera}${n}`);
    await vi.waitFor(() => expect(recorded.calls).toHaveLength(4), WAIT);
    all.open();
    await vi.waitFor(
      () => expect(connector.stats()).toMatchObject({ events: { delivered: 100, dropped: 0 } }),
      WAIT,
    );
    for (const camera of cameras) {
      expect(recorded.bodies('events', `detections.${camera}`)).toEqual(
        Array.from({ length: 25 }, (_, n) => `${camera}${n}`),
      );
      expect(recorded.inFlight.get(`events detections.${camera}`)?.most).toBe(1);
    }
    await vi.waitFor(async () => expect(await unsettled('DETECTIONS')).toBe(0), WAIT);
  });

  it('holds no more calls at a time than allowed', async () => {
    const all = gate();
    const recorded = await openGateway({ events: 'detections.*' }, async () => {
      await all.opened;
      return 200;
    });
    const connector = await connect({ maxConcurrent: 3 });
    for (let n = 0; n < 9; n++) await publish(`detections.c${n}`, 'x');
    await vi.waitFor(() => expect(recorded.calls).toHaveLength(3), WAIT);
    all.open();
    await vi.waitFor(() => expect(connector.stats()).toMatchObject({ events: { delivered: 9 } }), WAIT);
  });
});

describe('frames', () => {
  it('that wait behind a slow call are dropped but for the newest, and counted', async () => {
    const slow = gate();
    const recorded = await openGateway({ motion: 'frames.*' }, async () => {
      await slow.opened;
      return 200;
    });
    const connector = await connect();
    await publish('frames.a', '1');
    await vi.waitFor(() => expect(recorded.calls).toHaveLength(1), WAIT);
    for (const body of ['2', '3', '4', '5']) await publish('frames.a', body);
    await vi.waitFor(() => expect(connector.stats()).toMatchObject({ motion: { dropped: 3 } }), WAIT);
    slow.open();
    await vi.waitFor(
      () => expect(connector.stats()).toMatchObject({ motion: { delivered: 2, dropped: 3 } }),
      WAIT,
    );
    expect(recorded.bodies('motion')).toEqual(['1', '5']);
    await vi.waitFor(async () => expect(await unsettled('FRAMES')).toBe(0), WAIT);
  });

  it('never push out or overtake the message of a lost camera, which is tried until it is taken', async () => {
    const slow = gate();
    const recorded = await openGateway({ motion: 'frames.*' }, async (call, nth) => {
      await slow.opened;
      return call.headers['faascam-kind'] === 'lost' && nth < 6 ? 503 : 200;
    });
    const connector = await connect();
    await publish('frames.a', '1', { [headerNames.kind]: 'image' });
    await vi.waitFor(() => expect(recorded.calls).toHaveLength(1), WAIT);
    await publish('frames.a', '2', { [headerNames.kind]: 'image' });
    await publish('frames.a', 'lost', { [headerNames.kind]: 'lost' });
    for (const body of ['4', '5', '6']) await publish('frames.a', body, { [headerNames.kind]: 'image' });
    await vi.waitFor(() => expect(connector.stats()).toMatchObject({ motion: { dropped: 2 } }), WAIT);
    slow.open();
    await vi.waitFor(() => expect(connector.stats()).toMatchObject({ motion: { delivered: 4 } }), WAIT);
    expect([...new Set(recorded.bodies('motion'))]).toEqual(['1', '2', 'lost', '6']);
    expect(recorded.bodies('motion').filter((body) => body === 'lost').length).toBeGreaterThan(1);
  });

  it('are all delivered in order when a recording is replayed, from the first one after readiness', async () => {
    const recorded = await openGateway({ motion: 'frames.*', detect: 'motion.*' });
    await connect({ freshness: 'ordered' });
    const bodies = Array.from({ length: 300 }, (_, n) => String(n));
    for (const body of bodies) await publish('frames.a', body);
    await vi.waitFor(() => expect(recorded.bodies('motion')).toEqual(bodies), WAIT);
  });

  it('from before the connector came are not delivered, but waiting work is', async () => {
    const recorded = await openGateway({ motion: 'frames.*', events: 'detections.*' });
    await connect();
    await stop();
    for await (const { name } of messaging().jsm.consumers.list('FRAMES')) {
      await messaging().jsm.consumers.delete('FRAMES', name);
    }
    await publish('frames.a', 'old');
    await publish('detections.a', 'waited');
    await connect();
    await publish('frames.a', 'new');
    await vi.waitFor(() => expect(recorded.bodies('motion')).toEqual(['new']), WAIT);
    await vi.waitFor(() => expect(recorded.bodies('events')).toEqual(['waited']), WAIT);
  });
});

describe('a failed call', () => {
  it('is made again in place after 429 and 500, and later messages wait for it', async () => {
    const recorded = await openGateway({ events: 'detections.*' }, (_call, nth) =>
      Promise.resolve(nth === 1 ? 429 : nth <= 3 ? 500 : 200),
    );
    const connector = await connect();
    for (const body of ['1', '2']) await publish('detections.a', body);
    await vi.waitFor(
      () => expect(connector.stats()).toMatchObject({ events: { delivered: 2, retried: 3, parked: 0 } }),
      WAIT,
    );
    expect(recorded.bodies('events')).toEqual(['1', '1', '1', '1', '2']);
  });

  it('is not made again while the first still runs, however long that takes', async () => {
    const slow = gate();
    const recorded = await openGateway({ clip: 'clips.ready.*' }, async () => {
      await slow.opened;
      return 200;
    });
    const connector = await connect();
    await publish('clips.ready.a', '1');
    await vi.waitFor(() => expect(recorded.calls).toHaveLength(1), WAIT);
    const consumer = async () => (await messaging().jsm.consumers.list('CLIPS').next())[0];
    const waitMs = ((await consumer())?.config.ack_wait ?? 0) / 1e6;
    expect(waitMs).toBeGreaterThan(1000);
    // The server measures the wait by its own clock. What the connector tells it shows that the wait is over.
    const toldMs: number[] = [];
    const told = messaging().nc.subscribe('$JS.ACK.CLIPS.>', {
      callback: (_error, message) => {
        if (message.string() === '+WPI') toldMs.push(Date.now());
      },
    });
    await vi.waitFor(
      () => expect((toldMs.at(-1) ?? 0) - (toldMs[0] ?? 0)).toBeGreaterThan(waitMs + 1000),
      WAIT,
    );
    told.unsubscribe();
    expect((await consumer())?.num_redelivered).toBe(0);
    expect(recorded.calls).toHaveLength(1);
    slow.open();
    await vi.waitFor(
      () => expect(connector.stats()).toMatchObject({ clip: { delivered: 1, retried: 0 } }),
      WAIT,
    );
    await vi.waitFor(async () => expect(await unsettled('CLIPS')).toBe(0), WAIT);
  });

  it('with a final answer puts the message into the dead letters with the reason, and the next goes on', async () => {
    const recorded = await openGateway({ events: 'detections.*' }, ({ body }) =>
      Promise.resolve(body.toString() === 'bad' ? [400, 'the boxes are no boxes\nsecond line'] : 200),
    );
    const connector = await connect();
    await publish('detections.a', 'bad', { 'X-Kept': 'yes' });
    await publish('detections.a', 'good');
    await vi.waitFor(
      () => expect(connector.stats()).toMatchObject({ events: { delivered: 1, parked: 1 } }),
      WAIT,
    );
    expect(recorded.bodies('events')).toEqual(['bad', 'good']);
    const letter = await messaging().jsm.streams.getMessage('DEADLETTER', {
      last_by_subj: 'deadletter.events.detections.a',
    });
    expect(letter?.string()).toBe('bad');
    expect(letter?.header.get(deadLetterHeaders.reason)).toBe('status 400: the boxes are no boxes');
    expect(letter?.header.get(deadLetterHeaders.status)).toBe('400');
    expect(letter?.header.get(deadLetterHeaders.subject)).toBe('detections.a');
    expect(letter?.header.get(deadLetterHeaders.function)).toBe('events');
    expect(letter?.header.get('X-Kept')).toBe('yes');
    await vi.waitFor(async () => expect(await unsettled('DETECTIONS')).toBe(0), WAIT);
    expect(log().join('')).not.toContain('good');
  });

  it('of an image is made once more and then dropped, and the camera goes on', async () => {
    const recorded = await openGateway({ motion: 'frames.*' }, ({ body }) =>
      Promise.resolve(body.toString() === 'bad' ? 500 : 200),
    );
    const connector = await connect();
    await publish('frames.a', 'bad');
    await vi.waitFor(
      () => expect(connector.stats()).toMatchObject({ motion: { dropped: 1, retried: 1 } }),
      WAIT,
    );
    await publish('frames.a', 'good');
    await vi.waitFor(() => expect(recorded.bodies('motion')).toEqual(['bad', 'bad', 'good']), WAIT);
  });
});
