import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import webpush from 'web-push';
import { messageOf } from '@faascam/core/errors';
import type { PushTarget } from '@faascam/core/notify-settings';
import type { PushSubscription } from '@faascam/core/push-subscription';
import { hostOf, saysPrivate } from './address-guard.ts';
import { post, type Posted } from './http-post.ts';
import type { Delivery, Notice } from './notice.ts';
import { deliveryOf } from './webhook.ts';

/** A pair of VAPID keys (RFC 8292), base64url. */
export interface PushKeys {
  publicKey: string;
  privateKey: string;
}

const ENCODING = 'aes128gcm';
/** Encrypted it must fit into 4096 bytes (RFC 8291); some services take less. */
const MOST_BYTES = 2800;

/** What the page's service worker gets, as docs/notifications.md has it. Longer texts are cut. */
export function pushPayload({ id, title, text, url, event, when, atUs }: Notice): string {
  const payload = (shortened: string): string =>
    JSON.stringify({
      ...{ v: 1, id, when, title: firstLetters(title, 120), text: shortened, url },
      ...{ camera: event?.camera, eventId: event?.id, atUs },
    });
  let most = 600;
  while (most > 0 && Buffer.byteLength(payload(firstLetters(text, most))) > MOST_BYTES)
    most = Math.floor(most * 0.8);
  return payload(firstLetters(text, most));
}

/** Never half of what is one on the screen. */
function firstLetters(text: string, most: number): string {
  const letters: string[] = [];
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (letters.length >= most) break;
    letters.push(segment);
  }
  return letters.join('');
}

/** How a push ended; `gone`: the browser wants no more, and never will under this address. */
export type PushDelivery = Delivery | { kind: 'gone'; reason: string };

/**
 * Sends a notice to one browser, encrypted for it (RFC 8291). The keys are those of `pushKeysOf`: they can be signed with.
 * Throws `UsageError` for files that cannot be read.
 */
export async function sendPush(
  target: PushTarget,
  keys: PushKeys,
  subscription: PushSubscription,
  notice: Notice,
  nowUs: number,
): Promise<PushDelivery> {
  const { endpoint } = subscription;
  const { p256dh, auth } = subscription.keys;
  let body: Buffer;
  try {
    body = webpush.encrypt(p256dh, auth, pushPayload(notice), ENCODING).cipherText;
  } catch (error) {
    // Keys of a browser that are none: nothing can be encrypted for it.
    return { kind: 'gone', reason: `the subscription cannot be used: ${messageOf(error)}` };
  }
  const url = new URL(endpoint);
  const { publicKey, privateKey } = keys;
  const { Authorization } = webpush.getVapidHeaders(
    url.origin,
    target.contact,
    publicKey,
    privateKey,
    ENCODING,
  );
  const posted = await post({
    url: endpoint,
    headers: {
      Authorization,
      'Content-Type': 'application/octet-stream',
      'Content-Encoding': ENCODING,
      TTL: String(Math.max(0, Math.ceil((notice.expiresAtUs - nowUs) / 1_000_000))),
      Urgency: 'high',
      // One that waits for a browser that sleeps is replaced by the same one sent again (RFC 8030).
      Topic: createHash('sha256').update(notice.id).digest('base64url').slice(0, 32),
    },
    body,
    timeoutMs: target.timeoutMs,
    caFile: target.caFile,
    // Whoever can subscribe names the address: it may not lead into the own network unless that was said.
    allowPrivate: target.privateAddresses,
  });
  return pushDeliveryOf(posted, url);
}

/** What a push service's answer means. Pure. */
export function pushDeliveryOf(posted: Posted, endpoint: URL): PushDelivery {
  if (posted.kind === 'answered' && [404, 410].includes(posted.status))
    return { kind: 'gone', reason: `status ${posted.status}` };
  // Not so a name that looks public: it may lead into the own network today because a filter there answers for it.
  if (posted.kind === 'address' && (isIP(hostOf(endpoint)) !== 0 || saysPrivate(endpoint)))
    return { kind: 'gone', reason: posted.cause };
  return deliveryOf(posted);
}
