import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { headers as natsHeaders } from '@nats-io/transport-node';
import { readPublicKey, tellPublicKey } from '@faascam/core/push-subscriptions';
import { headers, streams, subjects } from '@faascam/core/subjects';
import { eventOf, storedOf } from './testing/events.ts';
import { noticeOf } from './testing/notices.ts';
import { startReceiver, type Receiver } from './testing/receiver.ts';
import { openSite, type TestSite } from './testing/site.ts';

// Read when the handler is loaded.
vi.hoisted(() => vi.stubEnv('FAASCAM_LOG', 'silent'));

let site: TestSite;
let house: Receiver;
let garden: Receiver;

beforeAll(async () => {
  site = await openSite();
  house = await startReceiver();
  garden = await startReceiver();
});
afterAll(async () => {
  await house.stop();
  await garden.stop();
  await site.stop();
});
beforeEach(() => {
  for (const { received, next } of [house, garden]) {
    received.length = 0;
    next.length = 0;
  }
});

const nowUs = (): number => Date.now() * 1000;
const settings = (rule: object = {}, target: object = {}) => ({
  targets: {
    house: { kind: 'webhook', url: house.url, ...target },
    garden: { kind: 'webhook', url: garden.url },
  },
  rules: [{ name: 'door', to: ['house', 'garden'], cooldownMs: 0, ...rule }],
});
const bodyOf = z.object({ data: z.looseObject({ id: z.string() }) });
const idsAt = ({ received }: Receiver): string[] =>
  received.map(({ body }) => bodyOf.parse(JSON.parse(body.toString())).data.id);

describe('an event', () => {
  it('is told to each target once, however often its messages come', async () => {
    const handler = await site.start(settings());
    const event = eventOf('once', nowUs());
    const messages = [
      event,
      { ...event, phase: 'update' as const },
      event,
      { ...event, phase: 'end' as const },
      event,
    ];
    for (const message of messages) {
      expect(await site.call(handler, subjects.events('once'), message)).toEqual({ status: 200, text: '' });
    }
    expect((await site.deliver(handler)).map(({ status }) => status)).toEqual([200, 200]);
    expect(idsAt(house)).toEqual([`door.${event.id}`]);
    expect(idsAt(garden)).toEqual([`door.${event.id}`]);
  });

  it('is not told again when its notice comes again, also after a restart', async () => {
    const first = await site.start(settings({ to: ['house'] }));
    await site.call(first, subjects.events('again'), eventOf('again', nowUs()));
    await site.deliver(first);
    const { state } = await site.messaging.jsm.streams.info(streams.notices);
    const message = await site.messaging.jsm.streams.getMessage(streams.notices, { seq: state.last_seq });
    await first.close();
    const second = await site.start(settings({ to: ['house'] }));
    const answer = await site.call(second, subjects.notices('house'), message?.json());
    expect(answer).toEqual({ status: 200, text: 'it was delivered before' });
    expect(house.received).toHaveLength(1);
  });

  it('that could not be handed on when it was decided is handed on with the next message', async () => {
    const handler = await site.start(settings({ to: ['house'] }));
    const event = eventOf('outbox', nowUs());
    const { config } = await site.messaging.jsm.streams.info(streams.notices);
    // A stream that takes nothing: as if NATS had gone in between.
    await site.messaging.jsm.streams.update(streams.notices, { ...config, subjects: ['elsewhere.>'] });
    await expect(site.call(handler, subjects.events('outbox'), event)).rejects.toThrow();
    await site.messaging.jsm.streams.update(streams.notices, config);
    await site.call(handler, subjects.events('outbox'), event);
    await site.deliver(handler);
    expect(idsAt(house)).toEqual([`door.${event.id}`]);
  });

  it('brings its picture along, taken when it began', async () => {
    const handler = await site.start(settings({ to: ['house'] }, { picture: 'inline' }));
    const jpeg = Buffer.from('a picture');
    const atUs = nowUs();
    const meta = natsHeaders();
    meta.set(headers.capturedAt, String(atUs));
    await site.messaging.js.publish(subjects.frames('pictured'), jpeg, { headers: meta });
    await site.call(handler, subjects.events('pictured'), eventOf('pictured', atUs));
    await site.deliver(handler);
    expect(house.received[0]?.body.toString()).toContain(jpeg.toString('base64'));
  });
});

describe('a target that is away', () => {
  it('holds up no other, and gets all in order once it is back, over a restart', async () => {
    const first = await site.start(settings());
    const startUs = nowUs();
    house.next.push(...Array.from({ length: 3 }, () => ({ status: 503 })));
    const events = [eventOf('away', startUs - 20_000_000), eventOf('away', startUs)];
    for (const event of events) await site.call(first, subjects.events('away'), event);
    // The connector's lanes are by subject; here the first in line shows what is answered.
    expect(await site.deliver(first)).toMatchObject([
      { status: 503, text: expect.stringMatching(/^house cannot be told now: status 503/) as string },
    ]);
    await first.close();
    const second = await site.start(settings());
    await site.deliver(second, 5);
    const ids = events.map(({ id }) => `door.${id}`);
    expect(idsAt(house).slice(-2)).toEqual(ids);
    expect(house.received).toHaveLength(5);
    expect(idsAt(garden)).toEqual(ids);
  });

  it('is left alone for as long as it asks', async () => {
    const handler = await site.start(settings({ to: ['house'] }));
    await site.call(handler, subjects.events('wait'), eventOf('wait', nowUs()));
    house.next.push({ status: 429, headers: { 'retry-after': '100' } });
    await site.deliver(handler);
    expect(await site.deliver(handler)).toMatchObject([
      { status: 503, text: expect.stringMatching(/asked to wait \d+ s more/) as string },
    ]);
    expect(house.received).toHaveLength(1);
    const patient = await site.start(settings({ to: ['house'] }));
    await site.deliver(patient);
    expect(house.received).toHaveLength(2);
  });

  it('that refuses for good is asked no more, and the reason is kept with the message', async () => {
    const handler = await site.start(settings({ to: ['house'] }));
    await site.call(handler, subjects.events('refused'), eventOf('refused', nowUs()));
    house.next.push({ status: 403, body: 'who are you' });
    expect(await site.deliver(handler)).toEqual([
      { status: 422, text: 'house refuses: status 403: who are you' },
    ]);
  });

  it('until its news is old is not told it any more; nor is one that is gone from the settings', async () => {
    const handler = await site.start(settings({ to: ['house'] }, { expireAfterMs: 1000 }));
    await site.call(handler, subjects.events('old'), eventOf('old', nowUs()));
    house.next.push(...Array.from({ length: 1000 }, () => ({ status: 500 })));
    const overAt = async (): Promise<string | undefined> => (await site.deliver(handler)).at(-1)?.text;
    await vi.waitFor(async () => expect(await overAt()).toBe('it is too old to be news'), 20_000);
    expect(house.received.length).toBeGreaterThan(0);
    const others = {
      ...settings({ to: ['garden'] }),
      targets: { garden: { kind: 'webhook', url: garden.url } },
    };
    const without = await site.start(others);
    const left = noticeOf({ target: 'house' });
    expect(await site.call(without, subjects.notices('house'), left)).toEqual({
      ...{ status: 200, text: 'there is no target house any more' },
    });
  });
});

it('a clip is told when it is stored, and asked for again while its event was not heard of', async () => {
  const handler = await site.start(settings({ to: ['house'], when: 'clip', labels: ['person'] }));
  const event = eventOf('clips', nowUs());
  const stored = storedOf(event);
  expect(await site.call(handler, subjects.clipsStored('clips'), stored)).toMatchObject({ status: 503 });
  await site.call(handler, subjects.events('clips'), { ...event, phase: 'end' });
  for (let count = 0; count < 2; count++)
    expect(await site.call(handler, subjects.clipsStored('clips'), stored)).toMatchObject({ status: 200 });
  await site.deliver(handler);
  expect(house.received.map(({ body }) => JSON.parse(body.toString()) as unknown)).toMatchObject([
    { type: 'clip.stored', data: { event: { id: event.id }, clip: { complete: true } } },
  ]);
});

it('without targets it does nothing, and is ready without NATS', async () => {
  vi.stubEnv('NATS_URL', 'nats://127.0.0.1:9');
  const handler = await site.start({});
  expect(await site.call(handler, subjects.events('idle'), eventOf('idle', nowUs()))).toMatchObject({
    status: 200,
  });
  vi.stubEnv('NATS_URL', site.server.url);
});

it('without targets the page offers no notifications any more, once NATS is there', async () => {
  await tellPublicKey(site.messaging, 'B'.repeat(87));
  vi.stubEnv('NATS_URL', 'nats://127.0.0.1:9');
  await site.start({});
  vi.stubEnv('NATS_URL', site.server.url);
  await vi.waitFor(async () => expect(await readPublicKey(site.messaging)).toBeUndefined(), 60_000);
});

it('a message that is none of its own, or malformed, is refused for good', async () => {
  const handler = await site.start(settings());
  const malformed = { code: 'malformed-input' };
  await expect(site.call(handler, 'frames.yard', {})).rejects.toMatchObject(malformed);
  await expect(site.call(handler, subjects.events('yard'), { v: 1 })).rejects.toMatchObject(malformed);
  await expect(site.call(handler, subjects.notices('house'), { v: 2 })).rejects.toMatchObject(malformed);
});

it.each(['nobody', 'constructor'])(
  'settings that name a target that is none (%s) are told with their key',
  async (name) => {
    const wrong = settings({ to: [name] }, { secretFile: 'a-secret' });
    const told =
      /FAASCAM_NOTIFY, key rules\.0\.to: names the target (nobody|constructor), which is not among targets/;
    await expect(site.start(wrong)).rejects.toThrow(told);
    await expect(site.start(wrong)).rejects.not.toThrow(/a-secret/);
  },
);
