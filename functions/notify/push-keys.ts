import { createECDH } from 'node:crypto';
import { Kvm, type KV } from '@nats-io/kv';
import webpush from 'web-push';
import { UsageError } from '@faascam/core/errors';
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
 * reads it. A new pair would make every browser subscribe anew. Throws `UsageError` for a file that cannot be read, and for
 * keys and a contact that nobody can push with: no browser is to blame for these.
 */
export async function pushKeysOf(target: PushTarget, { js }: Pick<Messaging, 'js'>): Promise<PushKeys> {
  if (!URL.canParse(target.contact)) {
    throw new UsageError(
      'push-contact',
      `The contact ${target.contact} is no address: give mailto:you@example.org or an https address.`,
    );
  }
  if (target.privateKeyFile !== '') return ownKeys(target);
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

/** The keys of the settings. */
function ownKeys({ publicKey, privateKeyFile }: PushTarget): PushKeys {
  const privateKey = readSecret(privateKeyFile, 'push key');
  if (!/^[A-Za-z0-9_-]{43}$/.test(privateKey)) {
    throw new UsageError(
      'push-keys',
      `The file ${privateKeyFile} holds no private VAPID key: put 43 letters of base64url there, without = and not as PEM, or make a pair with "npx web-push generate-vapid-keys".`,
    );
  }
  if (publicKeyTo(privateKey) !== publicKey) {
    throw new UsageError(
      'push-keys',
      `The private key in ${privateKeyFile} is not the one that belongs to publicKey: give both of one pair.`,
    );
  }
  return { publicKey, privateKey };
}

/** On the curve P-256; undefined for a number that is no key on it. */
function publicKeyTo(privateKey: string): string | undefined {
  const curve = createECDH('prime256v1');
  try {
    curve.setPrivateKey(privateKey, 'base64url');
  } catch {
    return undefined;
  }
  return curve.getPublicKey('base64url');
}

async function read(bucket: KV): Promise<PushKeys | undefined> {
  const entry = await bucket.get(KEY);
  if (entry?.operation !== 'PUT') return undefined;
  const { publicKey, privateKey } = parseMessage(keptKeys, entry.value, 'The push keys');
  return { publicKey, privateKey };
}
