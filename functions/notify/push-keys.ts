import { Kvm, type KV } from '@nats-io/kv';
import webpush from 'web-push';
import { parseMessage } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import type { PushTarget } from '@faascam/core/notify-settings';
import { readSecret } from '@faascam/core/settings';
import { buckets } from '@faascam/core/subjects';
import { z } from 'zod';
import type { PushKeys } from './push.ts';

const KEY = 'vapid';
const keptKeys = z.object({ v: z.literal(1), publicKey: z.string(), privateKey: z.string() });

/**
 * The keys to push with: those of the settings, else a pair that is made once and kept in NATS, where this function alone
 * reads it. A new pair would make every browser subscribe anew. Throws `UsageError` for a file that cannot be read.
 */
export async function pushKeysOf(target: PushTarget, { js }: Pick<Messaging, 'js'>): Promise<PushKeys> {
  if (target.privateKeyFile !== '') {
    return { publicKey: target.publicKey, privateKey: readSecret(target.privateKeyFile, 'push key') };
  }
  const bucket = await new Kvm(js).create(buckets.notify, { history: 1, storage: 'file' });
  const kept = await read(bucket);
  if (kept !== undefined) return kept;
  const made = webpush.generateVAPIDKeys();
  try {
    await bucket.create(KEY, JSON.stringify({ v: 1, ...made }));
    return made;
  } catch (error) {
    // Another replica was quicker.
    const theirs = await read(bucket);
    if (theirs === undefined) throw error;
    return theirs;
  }
}

async function read(bucket: KV): Promise<PushKeys | undefined> {
  const entry = await bucket.get(KEY);
  if (entry?.operation !== 'PUT') return undefined;
  const { publicKey, privateKey } = parseMessage(keptKeys, entry.value, 'The push keys');
  return { publicKey, privateKey };
}
