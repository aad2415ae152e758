import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { notifySettings } from '@faascam/core/notify-settings';
import { keepSubscription, listSubscriptions, removeSubscription } from '@faascam/core/push-subscriptions';
import { makeCertificate, type Certificate } from '@faascam/test-servers/certificates';
import { mosquitto, startMqttBroker } from '@faascam/test-servers/mqtt-broker';
import { browserAt } from './testing/browser.ts';
import { startReceiver, type Receiver } from './testing/receiver.ts';
import { openSite, type TestSite } from './testing/site.ts';
import { tryTarget, type Trial } from './trial.ts';

let site: TestSite;
let certificate: Certificate;
let receiver: Receiver;

beforeAll(async () => {
  site = await openSite();
  certificate = await makeCertificate(site.folder);
  receiver = await startReceiver(certificate);
});
afterAll(async () => {
  await receiver.stop();
  await site.stop();
});
beforeEach(() => {
  receiver.received.length = 0;
});

function trying(targets: Record<string, object>, name: string): Promise<Trial[]> {
  const { caFile } = certificate;
  const settings = notifySettings.parse({
    targets: Object.fromEntries(Object.entries(targets).map(([key, each]) => [key, { caFile, ...each }])),
  });
  return tryTarget(name, { settings, messaging: () => Promise.resolve(site.messaging) });
}

it('a webhook is posted to once, and what it answered is told', async () => {
  const house = { kind: 'webhook', url: receiver.url };
  receiver.next.push({ status: 200, body: 'ok' }, { status: 403, body: 'no' });
  expect(await trying({ house }, 'house')).toEqual([
    { target: 'house', delivered: true, said: 'status 200: ok' },
  ]);
  expect(await trying({ house }, 'house')).toEqual([
    { target: 'house', delivered: false, said: 'status 403: no' },
  ]);
  expect(JSON.parse(receiver.received[0]?.body.toString() ?? '')).toMatchObject({ type: 'test' });
});

it('a name that is none is told with those that there are', async () => {
  await expect(trying({ house: { kind: 'webhook', url: receiver.url } }, 'home')).rejects.toThrow(
    /no target "home" in notify\.targets; there are: house/,
  );
  await expect(trying({}, 'constructor')).rejects.toThrow(/no target "constructor".*there are: none/);
});

it('a key of our own that is wrong is told, and costs no browser', async () => {
  const privateKeyFile = join(site.folder, 'push-key');
  writeFileSync(privateKeyFile, 'a-secret');
  const keys = { publicKey: 'B'.repeat(87), privateKeyFile };
  const phones = { kind: 'push', contact: 'mailto:a@example.org', privateAddresses: true, ...keys };
  const { subscription } = browserAt(`${receiver.url}/phone`);
  const kept = await keepSubscription(site.messaging, subscription, { user: 'ann' });
  await expect(trying({ phones }, 'phones')).rejects.toThrow(
    /push-key holds no private VAPID key: put 43 letters/,
  );
  expect(await listSubscriptions(site.messaging)).toHaveLength(1);
  if (kept.kind === 'kept') await removeSubscription(site.messaging, kept.key);
});

it('each browser is told, and one that is gone is forgotten', async () => {
  const phones = { kind: 'push', contact: 'mailto:a@example.org', privateAddresses: true };
  await expect(trying({ phones }, 'phones')).rejects.toThrow(/No browser has asked/);
  const { subscription } = browserAt(`${receiver.url}/phone`);
  await keepSubscription(site.messaging, subscription, { user: 'ann' });
  const said = 'browser of ann: status 204';
  expect(await trying({ phones }, 'phones')).toEqual([{ target: 'phones', delivered: true, said }]);
  receiver.next.push({ status: 410 });
  expect(await trying({ phones }, 'phones')).toMatchObject([{ delivered: false }]);
  expect(await listSubscriptions(site.messaging)).toEqual([]);
});

it.skipIf(mosquitto === undefined)(
  'a broker takes it, beside the connection that the function keeps',
  async () => {
    const login = { user: 'faascam', password: 'a-password-for-tests' };
    const broker = await startMqttBroker({ folder: site.folder, certificate, ...login });
    const passwordFile = join(site.folder, 'mqtt-password');
    const userFile = join(site.folder, 'mqtt-user');
    writeFileSync(passwordFile, login.password);
    writeFileSync(userFile, login.user);
    const house = { kind: 'mqtt', url: `mqtts://127.0.0.1:${broker.port}`, userFile, passwordFile };
    const watcher = mqtt.connect(house.url, {
      ...{ username: login.user, password: login.password, rejectUnauthorized: false, clientId: 'faascam' },
    });
    const told: string[] = [];
    watcher.on('message', (_topic, payload) => told.push(payload.toString()));
    try {
      await watcher.subscribeAsync('faascam/notifications', { qos: 1 });
      expect(await trying({ house }, 'house')).toMatchObject([
        { delivered: true, said: 'the broker has it, on faascam/notifications' },
      ]);
      await vi.waitFor(() => expect(told).toHaveLength(1), 20_000);
      expect(watcher.connected).toBe(true);
      writeFileSync(passwordFile, 'another');
      expect(await trying({ house }, 'house')).toMatchObject([
        { delivered: false, said: expect.stringMatching(/not authori[sz]ed/i) as string },
      ]);
    } finally {
      await watcher.endAsync(true);
      await broker.stop();
    }
  },
);
