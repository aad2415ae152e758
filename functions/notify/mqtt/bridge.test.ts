import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { systemClock } from '@faascam/core/clock';
import { createLogger } from '@faascam/core/log';
import { notifySettings, type MqttTarget } from '@faascam/core/notify-settings';
import { makeCertificate, type Certificate } from '@faascam/test-servers/certificates';
import { mosquitto, startMqttBroker, type MqttBroker } from '@faascam/test-servers/mqtt-broker';
import { eventOf } from '../testing/events.ts';
import { noticeOf } from '../testing/notices.ts';
import { afterEvent, decodeNotices, type Visit } from '../visits.ts';
import { MqttBridge, type Site } from './bridge.ts';

vi.hoisted(() => vi.stubEnv('FAASCAM_LOG', 'silent'));
if (mosquitto === undefined) console.warn('mosquitto is not installed, so MQTT is not tested.');

const folder = mkdtempSync(join(tmpdir(), 'faascam-mqtt-'));
const WAIT = { timeout: 60_000, interval: 30 };
const PASSWORD = 'a-password-for-tests';
const START_US = 1_767_323_045_000_000;
const settings = notifySettings.parse({});
let certificate: Certificate;
let broker: MqttBroker;
const bridges: MqttBridge[] = [];
const watchers: Watcher[] = [];

beforeAll(async () => {
  if (mosquitto === undefined) return;
  writeFileSync(join(folder, 'user'), 'faascam\n');
  writeFileSync(join(folder, 'password'), `${PASSWORD}\n`);
  certificate = await makeCertificate(folder);
  broker = await startMqttBroker({ folder, certificate, user: 'faascam', password: PASSWORD });
});
afterEach(async () => {
  for (const bridge of bridges.splice(0)) await bridge.close();
  for (const watcher of watchers.splice(0)) await watcher.client.endAsync(true);
});
afterAll(async () => {
  if (mosquitto !== undefined) await broker.stop();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Of each test its own, as a broker keeps what it was told. */
let tests = 0;
function targetOf(more: object = {}): MqttTarget {
  tests += 1;
  const { targets } = notifySettings.parse({
    targets: {
      broker: {
        ...{ kind: 'mqtt', url: `mqtts://127.0.0.1:${broker.port}`, clientId: `test-${tests}` },
        ...{ userFile: join(folder, 'user'), passwordFile: join(folder, 'password') },
        ...{ caFile: certificate.caFile, prefix: `t${tests}`, discoveryPrefix: `ha${tests}` },
        timeoutMs: 2000,
        ...more,
      },
    },
  });
  const { broker: target } = targets;
  if (target?.kind !== 'mqtt') throw new Error('it is a broker');
  return target;
}

/** A site of which everything can be said. */
class OwnSite implements Site {
  readonly cameras = new Map<string, boolean>();
  readonly seen = new Map<string, readonly Visit[]>();
  natsAway = false;

  online = (): Promise<Map<string, boolean>> =>
    this.natsAway ? Promise.reject(new Error('NATS is away')) : Promise.resolve(new Map(this.cameras));
  remembered = (): Promise<string[]> => Promise.resolve([...this.seen.keys()]);
  visits = (camera: string): Promise<readonly Visit[]> => Promise.resolve(this.seen.get(camera) ?? []);
  picture = (camera: string): Promise<Buffer> => Promise.resolve(Buffer.from(`picture of ${camera}`));

  hear(...messages: ReturnType<typeof eventOf>[]): void {
    for (const message of messages) {
      const { camera } = message;
      const before = { ...decodeNotices(undefined, camera), visits: [...(this.seen.get(camera) ?? [])] };
      this.seen.set(camera, afterEvent(before, message, settings, START_US).visits);
    }
  }
}

interface Watcher {
  client: MqttClient;
  /** The newest of each topic. */
  told: Map<string, string>;
  /** Topics of which the broker kept a message from before. */
  kept: Set<string>;
  /** How often something came on each. */
  times: Map<string, number>;
}

async function watch(target: MqttTarget): Promise<Watcher> {
  const client = mqtt.connect(target.url, {
    ...{ username: 'faascam', password: PASSWORD, ca: readFileSync(certificate.caFile) },
    reconnectPeriod: 100,
  });
  const watcher: Watcher = { client, told: new Map(), kept: new Set(), times: new Map() };
  client.on('message', (topic, payload, { retain }) => {
    watcher.told.set(topic, payload.toString());
    watcher.times.set(topic, (watcher.times.get(topic) ?? 0) + 1);
    if (retain) watcher.kept.add(topic);
  });
  watchers.push(watcher);
  await client.subscribeAsync([`${target.prefix}/#`, `${target.discoveryPrefix}/#`], { qos: 1 });
  return watcher;
}

function bridgeOf(target: MqttTarget, site: Site): MqttBridge {
  const bridge = new MqttBridge({ target, site, clock: systemClock, log: createLogger('test') });
  bridges.push(bridge);
  bridge.start();
  return bridge;
}

async function until(watcher: Watcher, wanted: Record<string, string>): Promise<void> {
  await vi.waitFor(() => expect(Object.fromEntries(watcher.told)).toMatchObject(wanted), WAIT);
}

const entity = z.looseObject({
  unique_id: z.string(),
  availability: z.array(z.object({ topic: z.string() })),
  availability_mode: z.literal('all'),
  device: z.looseObject({ identifiers: z.array(z.string()), name: z.string() }),
});

describe.skipIf(mosquitto === undefined)('a broker', () => {
  it('is told of each camera as a device of Home Assistant, kept for whoever comes later', async () => {
    const target = targetOf({ labels: ['person', 'car'] });
    const site = new OwnSite();
    site.cameras.set('yard', true);
    site.hear(eventOf('yard', START_US, { label: 'garden gnome', phase: 'end' }));
    bridgeOf(target, site);
    const first = await watch(target);
    await until(first, { [`${target.prefix}/yard/availability`]: 'online' });
    await vi.waitFor(() => expect(first.told.size).toBeGreaterThanOrEqual(14), WAIT);
    const later = await watch(target);
    await vi.waitFor(() => expect([...later.kept].sort()).toEqual([...first.told.keys()].sort()), WAIT);
    const configs = [...later.told].filter(([topic]) => topic.startsWith(`${target.discoveryPrefix}/`));
    const entities = configs.map(([topic, payload]) => [topic, entity.parse(JSON.parse(payload))] as const);
    const node = `${target.prefix}_yard`;
    expect(entities.map(([topic]) => topic.slice(target.discoveryPrefix.length + 1)).sort()).toEqual([
      `binary_sensor/${node}/label_car/config`,
      `binary_sensor/${node}/label_garden_gnome/config`,
      `binary_sensor/${node}/label_person/config`,
      `binary_sensor/${node}/occupancy/config`,
      `image/${node}/snapshot/config`,
      `sensor/${node}/event/config`,
    ]);
    const topicsThere = new Set(later.told.keys());
    for (const [, each] of entities) {
      expect(each.device).toMatchObject({ identifiers: [node], name: 'yard' });
      // Whatever it says it listens to is told.
      const named = Object.entries(each).filter(([key]) => key.endsWith('_topic'));
      expect(named.length).toBeGreaterThan(0);
      for (const [, topic] of named) expect(topicsThere).toContain(topic);
      for (const { topic } of each.availability) expect(topicsThere).toContain(topic);
    }
    expect(new Set(entities.map(([, { unique_id }]) => unique_id)).size).toBe(entities.length);
  });

  it('is told who is at a camera, from the first sight to the end of the event, with its picture', async () => {
    const target = targetOf();
    const site = new OwnSite();
    site.cameras.set('yard', true);
    const bridge = bridgeOf(target, site);
    const watcher = await watch(target);
    const at = (name: string): string => `${target.prefix}/yard/${name}`;
    await until(watcher, { [at('occupancy')]: 'OFF', [at('person')]: 'OFF' });
    const event = eventOf('yard', START_US);
    site.hear(event);
    void bridge.cameraChanged('yard');
    await until(watcher, {
      ...{ [at('occupancy')]: 'ON', [at('person')]: 'ON', [at('car')]: 'OFF' },
      [at('snapshot')]: 'picture of yard',
    });
    expect(JSON.parse(watcher.told.get(at('event')) ?? '')).toMatchObject({
      ...{ id: event.id, state: 'ongoing', labels: ['person'], startedAt: '2026-01-02T03:04:05.000Z' },
    });
    site.hear({ ...event, phase: 'end', labels: ['person', 'car'], endUs: START_US + 9_000_000 });
    void bridge.cameraChanged('yard');
    await until(watcher, { [at('occupancy')]: 'OFF', [at('person')]: 'OFF', [at('car')]: 'OFF' });
    await vi.waitFor(() => expect(watcher.told.get(at('event'))).toContain('"ended"'), WAIT);
    // One picture an event, and nothing is told twice.
    expect(watcher.times.get(at('snapshot'))).toBe(1);
    expect(watcher.times.get(at('person'))).toBe(3);
  });

  it('hears that a camera is away when its agent says so, or says nothing, or NATS is away', async () => {
    const target = targetOf();
    const site = new OwnSite();
    site.cameras.set('yard', true).set('door', false);
    const bridge = bridgeOf(target, site);
    const watcher = await watch(target);
    const availability = (camera: string): string => `${target.prefix}/${camera}/availability`;
    await until(watcher, { [availability('yard')]: 'online', [availability('door')]: 'offline' });
    site.cameras.set('yard', false).set('door', true);
    await bridge.look();
    await until(watcher, { [availability('yard')]: 'offline', [availability('door')]: 'online' });
    site.natsAway = true;
    await bridge.look();
    await until(watcher, { [availability('yard')]: 'offline', [availability('door')]: 'offline' });
    site.natsAway = false;
    await bridge.look();
    await until(watcher, { [availability('door')]: 'online' });
  });

  it('says offline in our name when we are gone without a word, and we say so ourselves when we go', async () => {
    const target = targetOf();
    const watcher = await watch(target);
    const site = new OwnSite();
    const bridge = bridgeOf(target, site);
    const topic = `${target.prefix}/availability`;
    await until(watcher, { [topic]: 'online' });
    await bridge.close();
    await until(watcher, { [topic]: 'offline' });
    const again = bridgeOf(target, site);
    await until(watcher, { [topic]: 'online' });
    // Another of the same name throws it out, for which the broker sends the will; it comes back by itself.
    const thief = mqtt.connect(target.url, {
      ...{ username: 'faascam', password: PASSWORD, ca: readFileSync(certificate.caFile) },
      ...{ clientId: target.clientId, reconnectPeriod: 0 },
    });
    await until(watcher, { [topic]: 'offline' });
    await thief.endAsync(true);
    await until(watcher, { [topic]: 'online' });
    await again.close();
  });

  it('that was away and forgot everything is told how things are by then, not how they were', async () => {
    const target = targetOf();
    const site = new OwnSite();
    site.cameras.set('yard', true);
    const event = eventOf('yard', START_US);
    site.hear(event);
    const bridge = bridgeOf(target, site);
    const before = await watch(target);
    const person = `${target.prefix}/yard/person`;
    await until(before, { [person]: 'ON' });
    await broker.kill();
    try {
      site.hear({ ...event, phase: 'end' });
      await bridge.cameraChanged('yard');
      expect(await bridge.send(noticeOf())).toMatchObject({ kind: 'later' });
    } finally {
      await broker.start();
    }
    const after = await watch(target);
    await until(after, { [person]: 'OFF', [`${target.prefix}/availability`]: 'online' });
  });

  it('takes notifications once, and keeps none of them for those who come later', async () => {
    const target = targetOf();
    const bridge = bridgeOf(target, new OwnSite());
    const watcher = await watch(target);
    const notice = noticeOf();
    await vi.waitFor(
      async () => expect(await bridge.send(notice)).toMatchObject({ kind: 'delivered' }),
      WAIT,
    );
    const topic = `${target.prefix}/notifications`;
    await vi.waitFor(() => expect(watcher.told.get(topic)).toContain(notice.id), WAIT);
    expect(watcher.kept).not.toContain(topic);
    expect(watcher.times.get(topic)).toBe(1);
  });

  it('that says late that it has a notification is not sent it again', async () => {
    const target = targetOf({ timeoutMs: 300 });
    const bridge = bridgeOf(target, new OwnSite());
    const watcher = await watch(target);
    await until(watcher, { [`${target.prefix}/availability`]: 'online' });
    const [first, second] = [noticeOf({ id: 'first' }), noticeOf({ id: 'second' })];
    broker.pause();
    try {
      for (let tries = 0; tries < 3; tries++)
        expect(await bridge.send(first)).toMatchObject({ kind: 'later' });
    } finally {
      broker.resume();
    }
    for (const notice of [first, second])
      await vi.waitFor(
        async () => expect(await bridge.send(notice)).toMatchObject({ kind: 'delivered' }),
        WAIT,
      );
    const topic = `${target.prefix}/notifications`;
    await vi.waitFor(() => expect(watcher.told.get(topic)).toContain('"second"'), WAIT);
    expect(watcher.times.get(topic)).toBe(2);
  });

  it('that was lost before it answered is told once how things are by then, and each notification once', async () => {
    const target = targetOf({ timeoutMs: 300 });
    const site = new OwnSite();
    const event = eventOf('yard', START_US);
    site.hear({ ...event, phase: 'end' });
    const bridge = bridgeOf(target, site);
    const watcher = await watch(target);
    const [occupancy, topic] = [`${target.prefix}/yard/occupancy`, `${target.prefix}/notifications`];
    await until(watcher, { [occupancy]: 'OFF' });
    const [first, second] = [noticeOf({ id: 'first' }), noticeOf({ id: 'second' })];
    const later = eventOf('yard', START_US + 60_000_000);
    broker.pause();
    site.hear(later);
    await bridge.cameraChanged('yard');
    expect(await bridge.send(first)).toMatchObject({ kind: 'later' });
    await broker.kill();
    site.hear({ ...later, phase: 'end' });
    watcher.times.clear();
    await broker.start();
    // Answered once it is back, and listens as before.
    await watcher.client.subscribeAsync('nothing');
    for (const notice of [first, second])
      await vi.waitFor(
        async () => expect(await bridge.send(notice)).toMatchObject({ kind: 'delivered' }),
        WAIT,
      );
    await bridge.look();
    await vi.waitFor(() => expect(watcher.told.get(topic)).toContain('"second"'), WAIT);
    expect([watcher.times.get(topic), watcher.times.get(occupancy)]).toEqual([2, 1]);
    expect(watcher.told.get(occupancy)).toBe('OFF');
  });

  it('that does not know us, or that we do not, is told nothing, and the cause names no secret', async () => {
    writeFileSync(join(folder, 'wrong'), 'another-password\n');
    for (const [more, cause] of [
      [{ passwordFile: join(folder, 'wrong') }, /not authori[sz]ed/i],
      [{ caFile: '' }, /certificate|self-signed/i],
      [{ passwordFile: join(folder, 'nowhere') }, /nowhere.*cannot be read/],
    ] as const) {
      const bridge = bridgeOf(targetOf(more), new OwnSite());
      await vi.waitFor(async () => {
        const delivery = await bridge.send(noticeOf());
        expect(delivery.kind === 'later' && delivery.reason).toMatch(cause);
        expect(JSON.stringify(delivery)).not.toMatch(/a-password-for-tests|another-password/);
      }, WAIT);
    }
  });
});
