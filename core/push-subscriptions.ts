import { headers as newHeaders } from '@nats-io/transport-node';
import { systemClock } from './clock.ts';
import { parseMessage } from './messages.ts';
import type { Messaging } from './messaging.ts';
import { orAbsent } from './nats-answers.ts';
import {
  keptSubscription,
  MOST_SUBSCRIPTIONS,
  PUSH_PUBLIC_KEY,
  pushKey,
  type KeptSubscription,
  type PushSubscription,
} from './push-subscription.ts';
import { buckets } from './subjects.ts';

/** The stream behind the KV bucket, and its keys' subjects, as NATS's ADR-8 lays them down. */
const STREAM = `KV_${buckets.push}`;
const PREFIX = `$KV.${buckets.push}.`;

type Way = Pick<Messaging, 'js' | 'jsm'>;

/**
 * Browsers that asked to be told, in the bucket `push`: the page notes them, and the function notify tells them. Both have
 * few rights there, so all is done with plain messages. Where nobody made the bucket, there are none.
 */
export async function listSubscriptions({ jsm }: Pick<Way, 'jsm'>): Promise<string[]> {
  const info = await orAbsent(jsm.streams.info(STREAM, { subjects_filter: `${PREFIX}*` }));
  const all = Object.keys(info?.state.subjects ?? {})
    .map((subject) => subject.slice(PREFIX.length))
    .filter((key) => key !== PUSH_PUBLIC_KEY);
  // A key that was removed still has a message, without a body.
  const values = await Promise.all(all.map((key) => valueOf(jsm, key)));
  return all.filter((_, index) => values[index] !== undefined).sort();
}

/** Undefined for one that is gone. Throws `MalformedInputError` for what is no subscription. */
export async function readSubscription(
  { jsm }: Pick<Way, 'jsm'>,
  key: string,
): Promise<KeptSubscription | undefined> {
  const value = await valueOf(jsm, key);
  return value && parseMessage(keptSubscription, value, `The push subscription ${key}`);
}

/**
 * Notes a browser, for whoever it is of; one that is there already is noted anew. Answers its key, or undefined where there
 * are too many already.
 */
export async function keepSubscription(
  way: Way,
  { endpoint, keys }: PushSubscription,
  whose: Pick<KeptSubscription, 'user' | 'cameras'>,
  nowUs = systemClock.nowUs(),
): Promise<string | undefined> {
  const key = pushKey(endpoint);
  const others = await listSubscriptions(way);
  if (!others.includes(key) && others.length >= MOST_SUBSCRIPTIONS) return undefined;
  const kept: KeptSubscription = { v: 1, endpoint, keys, atUs: nowUs, ...whose };
  await way.js.publish(`${PREFIX}${key}`, JSON.stringify(kept));
  return key;
}

/** One that is not there is no error. */
export async function removeSubscription(way: Way, key: string): Promise<void> {
  if ((await valueOf(way.jsm, key)) === undefined) return;
  const headers = newHeaders();
  headers.set('KV-Operation', 'DEL');
  await way.js.publish(`${PREFIX}${key}`, '', { headers });
}

/** The key that browsers subscribe with; undefined where no target of kind `push` is configured. */
export async function readPublicKey({ jsm }: Pick<Way, 'jsm'>): Promise<string | undefined> {
  const value = await valueOf(jsm, PUSH_PUBLIC_KEY);
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

/** Tells browsers the key to subscribe with, or with `''` that there is none any more. */
export async function tellPublicKey({ js, jsm }: Way, key: string): Promise<void> {
  if (((await readPublicKey({ jsm })) ?? '') !== key) await js.publish(`${PREFIX}${PUSH_PUBLIC_KEY}`, key);
}

async function valueOf(jsm: Way['jsm'], key: string): Promise<Uint8Array | undefined> {
  const message = await orAbsent(jsm.streams.getMessage(STREAM, { last_by_subj: `${PREFIX}${key}` }));
  return message === undefined || message.data.length === 0 ? undefined : message.data;
}
