import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import webpush from 'web-push';
import { pushKey } from '@faascam/core/push-subscription';
import {
  keepSubscription,
  listSubscriptions,
  readPublicKey,
  removeSubscription,
} from '@faascam/core/push-subscriptions';
import { buckets, subjects } from '@faascam/core/subjects';
import { makeCertificate, type Certificate } from '@faascam/test-servers/certificates';
import { pushDeliveryOf, pushPayload } from './push.ts';
import { browserAt, senderOf } from './testing/browser.ts';
import { eventOf } from './testing/events.ts';
import { noticeOf } from './testing/notices.ts';
import { startReceiver, type Received, type Receiver } from './testing/receiver.ts';
import { openSite, type TestSite } from './testing/site.ts';

// Read when the handler is loaded.
vi.hoisted(() => vi.stubEnv('FAASCAM_LOG', 'silent'));

let site: TestSite;
let certificate: Certificate;
/** A push service. */
let service: Receiver;

beforeAll(async () => {
  site = await openSite();
  certificate = await makeCertificate(site.folder);
  service = await startReceiver(certificate);
});
afterAll(async () => {
  await service.stop();
  await site.stop();
});
beforeEach(async () => {
  service.received.length = 0;
  service.next.length = 0;
  for (const key of await listSubscriptions(site.messaging)) await removeSubscription(site.messaging, key);
});

const ann = { user: 'ann' };
const nowUs = (): number => Date.now() * 1000;
const settings = (more: object = {}) => ({
  pageUrl: 'https://cams.example.org/',
  targets: {
    phones: {
      ...{ kind: 'push', contact: 'mailto:somebody@example.org' },
      ...{ caFile: certificate.caFile, privateAddresses: true },
      ...more,
    },
  },
  rules: [{ name: 'door', to: ['phones'], cooldownMs: 0 }],
});
const pushedTo = (path: string): Received | undefined => service.received.find((each) => each.path === path);

describe('a browser that asked for it', () => {
  it('gets what it alone can read, from the sender whose key it subscribed with', async () => {
    const handler = await site.start(settings());
    const [phone, tablet] = [browserAt(`${service.url}/phone`), browserAt(`${service.url}/tablet`)];
    for (const { subscription } of [phone, tablet]) await keepSubscription(site.messaging, subscription, ann);
    const event = eventOf('push', nowUs());
    await site.call(handler, subjects.events('push'), event);
    expect((await site.deliver(handler)).map(({ status }) => status)).toEqual([200, 200, 200]);
    const pushed = pushedTo('/phone');
    if (pushed === undefined) throw new Error('nothing was pushed');
    expect(JSON.parse(phone.read(pushed))).toMatchObject({
      ...{ v: 1, title: 'person at push', camera: 'push', eventId: event.id, id: `door.${event.id}` },
      url: `https://cams.example.org/?event=${event.id}`,
    });
    expect(() => tablet.read(pushed)).toThrow();
    const { key, claims } = senderOf(pushed);
    expect(key).toBe(await readPublicKey(site.messaging));
    expect(claims).toMatchObject({ aud: service.url, sub: 'mailto:somebody@example.org' });
    expect(pushed.headers).toMatchObject({
      urgency: 'high',
      ttl: expect.stringMatching(/^3[56]\d\d$/) as string,
    });
    // Sent again it replaces itself.
    expect(pushed.headers['topic']).toMatch(/^[\w-]{32}$/);
  });

  it('is told with the same key after a restart', async () => {
    const first = await site.start(settings());
    const key = await readPublicKey(site.messaging);
    await first.close();
    await site.start(settings());
    expect(key).toHaveLength(87);
    expect(await readPublicKey(site.messaging)).toBe(key);
  });

  it.each([404, 410])('and is gone (%s) is forgotten, while the others are told', async (status) => {
    const handler = await site.start(settings());
    const [gone, there] = [browserAt(`${service.url}/gone`), browserAt(`${service.url}/there`)];
    for (const { subscription } of [gone, there]) await keepSubscription(site.messaging, subscription, ann);
    const first = [pushKey(gone.subscription.endpoint), pushKey(there.subscription.endpoint)].sort()[0];
    const mine = { status };
    service.next.push(...(first === pushKey(gone.subscription.endpoint) ? [mine] : [{ status: 201 }, mine]));
    await site.call(handler, subjects.events('gone'), eventOf('gone', nowUs()));
    await site.deliver(handler);
    expect(service.received).toHaveLength(2);
    expect(await listSubscriptions(site.messaging)).toEqual([pushKey(there.subscription.endpoint)]);
  });

  it('and is gone leaves nothing behind, whoever took it out', async () => {
    const handler = await site.start(settings());
    const browsers = ['there', 'refused', 'ended'].map((name) => browserAt(`${service.url}/${name}`));
    const keys = browsers.map(({ subscription: { endpoint } }) => pushKey(endpoint));
    const [there = '', refused = '', ended = ''] = keys;
    for (const { subscription } of browsers) await keepSubscription(site.messaging, subscription, ann);
    const told = async (camera: string): Promise<void> => {
      await site.call(handler, subjects.events(camera), eventOf(camera, nowUs()));
      await site.deliver(handler);
    };
    const logs = async (): Promise<string[]> => {
      const { state } = await site.messaging.jsm.streams.info(`KV_${buckets.notify}`, {
        subjects_filter: '>',
      });
      return keys.filter((key) => `$KV.${buckets.notify}.to/phones/${key}` in (state.subjects ?? {}));
    };
    await told('first');
    expect(await logs()).toEqual(keys);
    // The page ends one; the push service says of another that it is gone.
    await removeSubscription(site.messaging, ended);
    service.next.push(...([there, refused].sort()[0] === refused ? [] : [{ status: 201 }]), { status: 410 });
    await told('second');
    expect(await listSubscriptions(site.messaging)).toEqual([there]);
    await told('third');
    expect(await logs()).toEqual([there]);
    const { state } = await site.messaging.jsm.streams.info(`KV_${buckets.push}`, { subjects_filter: '>' });
    expect(Object.keys(state.subjects ?? {}).filter((subject) => subject.includes('.to-'))).toHaveLength(1);
  });

  it('and whose push service is away is told when it is back, and once', async () => {
    const handler = await site.start(settings());
    const phone = browserAt(`${service.url}/later`);
    await keepSubscription(site.messaging, phone.subscription, ann);
    service.next.push({ status: 503 }, { status: 429 });
    await site.call(handler, subjects.events('later'), eventOf('later', nowUs()));
    expect((await site.deliver(handler, 5)).map(({ status }) => status)).toEqual([200, 200]);
    expect(service.received).toHaveLength(3);
    expect(await listSubscriptions(site.messaging)).toHaveLength(1);
  });

  it('may name no address in the own network as its push service, unless that was said', async () => {
    const handler = await site.start(settings({ privateAddresses: false }));
    const { subscription } = browserAt(`${service.url}/inside`);
    await keepSubscription(site.messaging, subscription, ann);
    await site.call(handler, subjects.events('inside'), eventOf('inside', nowUs()));
    await site.deliver(handler);
    expect(service.received).toEqual([]);
    expect(await listSubscriptions(site.messaging)).toEqual([]);
  });

  it('hears of no camera that its user may not see', async () => {
    const handler = await site.start(settings());
    const { subscription } = browserAt(`${service.url}/bob`);
    await keepSubscription(site.messaging, subscription, { user: 'bob', cameras: ['door'] });
    for (const camera of ['yard', 'door'])
      await site.call(handler, subjects.events(camera), eventOf(camera, nowUs()));
    await site.deliver(handler);
    expect(service.received).toHaveLength(1);
  });

  it('with keys that are none is forgotten, and harms nobody', async () => {
    const handler = await site.start(settings());
    const { subscription } = browserAt(`${service.url}/odd`);
    const keys = { ...subscription.keys, p256dh: Buffer.alloc(65, 7).toString('base64url') };
    await keepSubscription(site.messaging, { ...subscription, keys }, ann);
    await site.call(handler, subjects.events('odd'), eventOf('odd', nowUs()));
    expect((await site.deliver(handler)).map(({ status }) => status)).toEqual([200, 200]);
    expect(await listSubscriptions(site.messaging)).toEqual([]);
  });
});

describe('a fault of our own', () => {
  const pair = webpush.generateVAPIDKeys();
  const other = webpush.generateVAPIDKeys();
  const ofFile = (text: string): object => {
    const privateKeyFile = join(site.folder, 'push-key');
    writeFileSync(privateKeyFile, text);
    return { publicKey: pair.publicKey, privateKeyFile };
  };
  it.each([
    ['a private key that is too short', () => ofFile('AAAA'), /push-key.*43 letters of base64url/],
    ['a private key with padding', () => ofFile(`${pair.privateKey}=`), /push-key.*43 letters of base64url/],
    ['a private key in PEM', () => ofFile('-----BEGIN EC PRIVATE KEY-----\nMH\n'), /push-key.*43 letters/],
    ['a private key that is none', () => ofFile('A'.repeat(43)), /push-key.*belongs to publicKey/],
    ['a private key of another pair', () => ofFile(other.privateKey), /push-key.*belongs to publicKey/],
    ['a contact that is no address', () => ({ contact: 'https://[' }), /contact.*mailto:/],
  ])('(%s) costs no browser, holds up no other target, and is told', async (_what, more, reason) => {
    const { subscription } = browserAt(`${service.url}/kept`);
    await keepSubscription(site.messaging, subscription, ann);
    const { targets, ...rest } = settings(more());
    const house = { kind: 'webhook', url: `${service.url}/hook`, caFile: certificate.caFile };
    const both = { targets: { ...targets, house }, ...rest };
    const handler = await site.start({
      ...both,
      rules: [{ name: 'door', to: ['house', 'phones'], cooldownMs: 0 }],
    });
    const event = eventOf('fault', nowUs());
    await site.call(handler, subjects.events('fault'), event);
    const answers = await site.deliver(handler);
    expect(answers).toMatchObject([
      { status: 200 },
      { status: 200 },
      { status: 503, text: expect.stringMatching(reason) as string },
    ]);
    expect(answers[2]?.text).not.toMatch(/\n|AAAA/);
    expect(service.received.map(({ path }) => path)).toEqual(['/hook']);
    expect(await listSubscriptions(site.messaging)).toHaveLength(1);
    // Once it is mended they are told, late as it is.
    const mended = await site.start({ ...both, targets: { ...both.targets, ...settings().targets } });
    await site.deliver(mended);
    expect(service.received.map(({ path }) => path)).toEqual(['/hook', '/kept']);
  });
});

it('only a browser whose own address is of the own network is gone, not one whose push service is led there', () => {
  const of = (endpoint: string): string =>
    pushDeliveryOf({ kind: 'address', cause: 'because' }, new URL(endpoint)).kind;
  expect(['https://192.168.1.5/a', 'https://169.254.1.1/', 'https://nas.local/'].map(of)).toEqual([
    ...['gone', 'gone', 'gone'],
  ]);
  expect(of('https://push.example.org/a')).toBe('refused');
});

it('a payload fits a push, whatever it says, and cuts no letter in two', () => {
  const family = '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}';
  const payload = pushPayload(noticeOf({ title: family.repeat(300), text: family.repeat(1000) }));
  expect(Buffer.byteLength(payload)).toBeLessThan(4000);
  const { title, text } = JSON.parse(payload) as { title: string; text: string };
  expect(title.length % family.length).toBe(0);
  expect(text.length % family.length).toBe(0);
});
