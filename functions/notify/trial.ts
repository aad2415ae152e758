import { systemClock, type Clock } from '@faascam/core/clock';
import { FaascamError, UsageError } from '@faascam/core/errors';
import type { Messaging } from '@faascam/core/messaging';
import type { MqttTarget, NotifySettings, NotifyTarget, PushTarget } from '@faascam/core/notify-settings';
import { listSubscriptions, readSubscription, removeSubscription } from '@faascam/core/push-subscriptions';
import { connectMqtt } from './mqtt/client.ts';
import { answered } from './mqtt/publishing.ts';
import { topics } from './mqtt/topics.ts';
import type { Notice } from './notice.ts';
import { sendPush } from './push.ts';
import { pushKeysOf } from './push-keys.ts';
import { sendWebhook, webhookBody } from './webhook.ts';

/** What came of a trial, to one receiver of a target. */
export interface Trial {
  target: string;
  delivered: boolean;
  /** One sentence, without a secret. */
  said: string;
}

export interface TrialOptions {
  settings: NotifySettings;
  /** Only asked for where browsers are to be told: their addresses are in NATS. */
  messaging: () => Promise<Messaging>;
  clock?: Clock;
}

/**
 * Sends a test notification to a target, at once and once, and tells what came back. The running function has no part in
 * it. Throws `UsageError` for a name that there is not, and for files that cannot be read.
 */
export async function tryTarget(name: string, options: TrialOptions): Promise<Trial[]> {
  const { settings, clock = systemClock } = options;
  const target = Object.hasOwn(settings.targets, name) ? settings.targets[name] : undefined;
  if (target === undefined) {
    const names = Object.keys(settings.targets).join(', ') || 'none';
    throw new UsageError(
      'usage',
      `There is no target ${JSON.stringify(name)} in notify.targets; there are: ${names}.`,
    );
  }
  return await sendTo(name, target, testNotice(name, settings, clock.nowUs()), { ...options, clock });
}

function testNotice(target: string, settings: NotifySettings, nowUs: number): Notice {
  return {
    ...{ v: 1, id: `test.${nowUs}`, when: 'test', rule: 'test', target, atUs: nowUs },
    expiresAtUs: nowUs + 60_000_000,
    title: 'faascam: a test',
    text: 'Notifications come through to here.',
    ...(settings.pageUrl === '' ? {} : { url: settings.pageUrl }),
  };
}

async function sendTo(
  name: string,
  target: NotifyTarget,
  notice: Notice,
  { messaging, clock }: TrialOptions & { clock: Clock },
): Promise<Trial[]> {
  const trial = (delivered: boolean, said: string): Trial => ({ target: name, delivered, said });
  switch (target.kind) {
    case 'webhook': {
      const delivery = await sendWebhook(target, notice, {}, clock.nowUs());
      return [trial(...words(delivery))];
    }
    case 'mqtt':
      return [trial(...(await tryBroker(target, notice, clock)))];
    case 'push':
      return (await tryBrowsers(target, notice, await messaging(), clock)).map((said) => trial(...said));
  }
}

type Words = [delivered: boolean, said: string];

function words(outcome: { kind: string; said?: string; reason?: string }): Words {
  return [outcome.kind === 'delivered', outcome.said ?? outcome.reason ?? outcome.kind];
}

/** With a name of its own, so that the running function keeps its connection. */
async function tryBroker(target: MqttTarget, notice: Notice, clock: Clock): Promise<Words> {
  const client = connectMqtt(target, { will: false, clientId: `${target.clientId}-test-${process.pid}` });
  try {
    const connected = new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
    });
    const came = await answered(connected, target.timeoutMs, clock);
    if (came.kind !== 'delivered') return words(came);
    const topic = topics.notifications(target);
    const sent = client.publishAsync(topic, webhookBody(notice, {}), { qos: 1 });
    const [delivered, said] = words(await answered(sent, target.timeoutMs, clock));
    return [delivered, delivered ? `${said}, on ${topic}` : said];
  } finally {
    await client.endAsync(true);
  }
}

async function tryBrowsers(
  target: PushTarget,
  notice: Notice,
  messaging: Messaging,
  clock: Clock,
): Promise<Words[]> {
  const keys = await pushKeysOf(target, messaging);
  const browsers = await listSubscriptions(messaging);
  if (browsers.length === 0)
    throw new FaascamError(
      'no-browsers',
      'No browser has asked for notifications yet: turn them on in the page.',
    );
  const told: Words[] = [];
  for (const key of browsers) {
    const subscription = await readSubscription(messaging, key);
    if (subscription === undefined) continue;
    const outcome = await sendPush(target, keys, subscription, notice, clock.nowUs());
    if (outcome.kind === 'gone') await removeSubscription(messaging, key);
    const [delivered, said] = words(outcome);
    told.push([delivered, `browser of ${subscription.user}: ${said}`]);
  }
  return told;
}
