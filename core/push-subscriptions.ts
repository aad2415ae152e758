import { systemClock } from './clock.ts';
import { MalformedInputError } from './errors.ts';
import { parseMessage } from './messages.ts';
import type { Messaging } from './messaging.ts';
import { orAbsent } from './nats-answers.ts';
import {
  keptSubscription,
  MOST_OF_ONE_USER,
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
export async function listSubscriptions(way: Pick<Way, 'jsm'>): Promise<string[]> {
  return [...(await allValues(way)).keys()].sort();
}

/** By key. */
async function allValues({ jsm }: Pick<Way, 'jsm'>): Promise<Map<string, Uint8Array>> {
  const info = await orAbsent(jsm.streams.info(STREAM, { subjects_filter: `${PREFIX}*` }));
  const all = Object.keys(info?.state.subjects ?? {})
    .map((subject) => subject.slice(PREFIX.length))
    .filter((key) => key !== PUSH_PUBLIC_KEY);
  const values = await Promise.all(all.map(async (key) => [key, await valueOf(jsm, key)] as const));
  return new Map(values.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}

/** Undefined for one that is gone. Throws `MalformedInputError` for what is no subscription. */
export async function readSubscription(
  { jsm }: Pick<Way, 'jsm'>,
  key: string,
): Promise<KeptSubscription | undefined> {
  const value = await valueOf(jsm, key);
  return value && decoded(key, value);
}

function decoded(key: string, value: Uint8Array): KeptSubscription {
  return parseMessage(keptSubscription, value, `The push subscription ${key}`);
}

/** What came of noting a browser. `full`: there are too many already, of all users or of this one. */
export type Kept = { kind: 'kept'; key: string } | { kind: 'full'; of: 'all' | 'user' };

/**
 * Notes a browser, for whoever it is of; one that is there already is noted anew. `mostOfUser`: how many they may have.
 */
export async function keepSubscription(
  way: Way,
  { endpoint, keys }: PushSubscription,
  whose: Pick<KeptSubscription, 'user' | 'cameras'>,
  nowUs = systemClock.nowUs(),
  mostOfUser = MOST_OF_ONE_USER,
): Promise<Kept> {
  const key = pushKey(endpoint);
  const there = await allValues(way);
  if (!there.has(key) && there.size >= MOST_SUBSCRIPTIONS) return { kind: 'full', of: 'all' };
  const theirs = [...there].flatMap(([each, value]) => (userOf(each, value) === whose.user ? [each] : []));
  if (!theirs.includes(key) && theirs.length >= mostOfUser) return { kind: 'full', of: 'user' };
  const kept: KeptSubscription = { v: 1, endpoint, keys, atUs: nowUs, ...whose };
  await way.js.publish(`${PREFIX}${key}`, JSON.stringify(kept));
  return { kind: 'kept', key };
}

/** Undefined where it is no subscription. */
function userOf(key: string, value: Uint8Array): string | undefined {
  try {
    return decoded(key, value).user;
  } catch (error) {
    if (error instanceof MalformedInputError) return undefined;
    throw error;
  }
}

/** Nothing is left of it: browsers come and go for as long as the site lives. One that is not there is no error. */
export async function removeSubscription({ jsm }: Pick<Way, 'jsm'>, key: string): Promise<void> {
  await orAbsent(jsm.streams.purge(STREAM, { filter: `${PREFIX}${key}` }));
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
