import { systemClock } from '@faascam/core/clock';
import { headers, streams, subjects } from '@faascam/core/subjects';
import { freeze } from '@faascam/test-servers/children';
import type { Messaging } from '@faascam/core/messaging';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openTestSite, type TestSite } from '../test-site.ts';
import { linkOf, type NatsLink } from '../uplink.ts';
import { LivePublisher } from './live-publisher.ts';

let site: TestSite;

beforeEach(async () => {
  site = await openTestSite();
});

afterEach(async () => {
  await site.close();
});

function publisherOf(camera: string, nats: NatsLink = linkOf(site.messaging)): LivePublisher {
  return new LivePublisher({
    agent: 'edge',
    camera,
    nats,
    clock: systemClock,
    log: site.log,
  });
}

describe('live publisher', () => {
  test('a frame carries who took it and when', async () => {
    const publisher = publisherOf('yard');
    publisher.frame(Buffer.from('jpeg'), 1_700_000_000_123_456);
    await publisher.lost(1_700_000_000_323_456);
    const { jsm } = site.messaging;
    const [image, lost] = await Promise.all(
      [1, 2].map((seq) => jsm.streams.getMessage(streams.frames, { seq })),
    );
    expect(image?.subject).toBe(subjects.frames('yard'));
    expect(image?.string()).toBe('jpeg');
    const facts = [headers.kind, headers.capturedAt, headers.seq, headers.agent];
    expect(facts.map((name) => image?.header.get(name))).toEqual(['image', '1700000000123456', '1', 'edge']);
    expect(facts.map((name) => lost?.header.get(name))).toEqual(['lost', '1700000000323456', '2', 'edge']);
    expect([publisher.published, publisher.dropped]).toEqual([1, 0]);
  });

  test('a frame larger than NATS takes is dropped and leaves a hole in the numbers', async () => {
    const publisher = publisherOf('large');
    publisher.frame(Buffer.alloc(2_000_000), 1);
    publisher.frame(Buffer.alloc(1000), 2);
    await publisher.settled();
    expect([publisher.published, publisher.dropped]).toEqual([1, 1]);
    const message = await site.messaging.jsm.streams.getMessage(streams.frames, { seq: 1 });
    expect(message?.header.get(headers.seq)).toBe('2');
  });

  test('when NATS does not answer, frames are dropped rather than heaped up', async () => {
    const publisher = publisherOf('behind');
    await freeze(site.server.pid);
    try {
      for (let i = 0; i < 100; i++) publisher.frame(Buffer.alloc(1000), i);
      expect(publisher.dropped).toBe(84);
    } finally {
      process.kill(site.server.pid, 'SIGCONT');
    }
    await publisher.settled();
    // The answer to this one stands for all that are still on their way.
    await vi.waitFor(
      async () => {
        publisher.frame(Buffer.alloc(1000), 101);
        await publisher.settled();
        expect(publisher.published).toBeGreaterThan(0);
      },
      { timeout: 20_000 },
    );
    await publisher.lost(102);
    expect(publisher.dropped).toBeGreaterThanOrEqual(84);
    expect(publisher.published + publisher.dropped).toBeGreaterThan(100);
  });

  test('once NATS goes on after answers that never came, frames go on too', async () => {
    const publisher = publisherOf('stalled');
    await freeze(site.server.pid);
    try {
      for (let i = 0; i < 10; i++) publisher.frame(Buffer.alloc(1000), i);
      await publisher.settled();
      expect(publisher.droppedFor['failed']).toBe(10);
    } finally {
      process.kill(site.server.pid, 'SIGCONT');
    }
    await vi.waitFor(
      async () => {
        publisher.frame(Buffer.alloc(1000), 11);
        await publisher.settled();
        expect(publisher.published).toBeGreaterThan(0);
      },
      { timeout: 20_000 },
    );
  });

  test('a camera of many frames a second loses none of them while NATS answers', async () => {
    const publisher = publisherOf('quick');
    for (let frame = 0; frame < 50; frame++) {
      publisher.frame(Buffer.alloc(1000), frame + 1);
      if (frame % 8 === 0) await publisher.settled();
    }
    await publisher.lost(51);
    expect([publisher.published, publisher.dropped]).toEqual([50, 0]);
    const info = await site.messaging.jsm.streams.info(streams.frames);
    expect(info.state.messages).toBe(51);
  });

  test('while NATS is away frames are dropped and counted', async () => {
    const publisher = publisherOf('away');
    await site.server.stop();
    await vi.waitFor(() => expect(site.messaging.isConnected()).toBe(false));
    for (let frame = 0; frame < 30; frame++) publisher.frame(Buffer.alloc(1000), frame);
    expect(publisher.droppedFor).toEqual({ 'not-connected': 30 });
  });

  test('a camera that was lost before NATS was there is said to be lost with its first answer, if it still is', async () => {
    const waiting: ((messaging: Messaging) => void)[] = [];
    const link: { messaging: Messaging | undefined } & NatsLink = {
      messaging: undefined,
      isConnected: () => link.messaging !== undefined,
      first: () => new Promise((resolve) => waiting.push(resolve)),
    };
    const publishers = ['gone', 'back', 'fine'].map((camera) => publisherOf(camera, link));
    const [gone, back, fine] = publishers;
    for (const publisher of publishers) publisher.frame(Buffer.alloc(1000), 1);
    await gone?.lost(2);
    await back?.lost(2);
    back?.frame(Buffer.alloc(1000), 3);
    link.messaging = site.messaging;
    for (const resolve of waiting) resolve(site.messaging);
    await fine?.lost(4);
    await gone?.settled();
    expect(publishers.map(({ droppedFor }) => droppedFor['not-connected'])).toEqual([1, 2, 1]);
    const { state } = await site.messaging.jsm.streams.info(streams.frames, { subjects_filter: '>' });
    expect(state.subjects).toEqual({ [subjects.frames('gone')]: 1, [subjects.frames('fine')]: 1 });
  });

  test('a stream that is missing is noticed', async () => {
    const publisher = publisherOf('nowhere');
    await site.messaging.jsm.streams.delete(streams.frames);
    publisher.frame(Buffer.alloc(1000), 1);
    await publisher.settled();
    publisher.frame(Buffer.alloc(1000), 2);
    await publisher.settled();
    expect([publisher.published, publisher.droppedFor['failed']]).toEqual([0, 2]);
  });
});
