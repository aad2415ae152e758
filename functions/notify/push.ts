import { createHash } from 'node:crypto';
import webpush from 'web-push';
import { messageOf } from '@faascam/core/errors';
import type { PushTarget } from '@faascam/core/notify-settings';
import type { PushSubscription } from '@faascam/core/push-subscription';
import { post } from './http-post.ts';
import type { Delivery, Notice } from './notice.ts';
import { deliveryOf } from './webhook.ts';

/** A pair of VAPID keys (RFC 8292), base64url. */
export interface PushKeys {
  publicKey: string;
  privateKey: string;
}

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

/** Sends a notice to one browser, encrypted for it (RFC 8291). Throws `UsageError` for files that cannot be read. */
export async function sendPush(
  target: PushTarget,
  keys: PushKeys,
  subscription: PushSubscription,
  notice: Notice,
  nowUs: number,
): Promise<PushDelivery> {
  const remainingS = Math.max(0, Math.ceil((notice.expiresAtUs - nowUs) / 1_000_000));
  let details: ReturnType<typeof webpush.generateRequestDetails>;
  try {
    details = webpush.generateRequestDetails(
      { endpoint: subscription.endpoint, keys: subscription.keys },
      pushPayload(notice),
      {
        vapidDetails: { subject: target.contact, ...keys },
        TTL: remainingS,
        urgency: 'high',
        contentEncoding: 'aes128gcm',
        // One that waits for a browser that sleeps is replaced by the same one sent again (RFC 8030).
        topic: createHash('sha256').update(notice.id).digest('base64url').slice(0, 32),
      },
    );
  } catch (error) {
    // Keys of a browser that are none: nothing can be encrypted for it.
    return { kind: 'gone', reason: `the subscription cannot be used: ${messageOf(error)}` };
  }
  const posted = await post({
    url: details.endpoint,
    headers: details.headers,
    body: details.body ?? '',
    timeoutMs: target.timeoutMs,
    caFile: target.caFile,
    // Whoever can subscribe names the address: it may not lead into the own network unless that was said.
    allowPrivate: target.privateAddresses,
  });
  if (posted.kind === 'answered' && (posted.status === 404 || posted.status === 410)) {
    return { kind: 'gone', reason: `status ${posted.status}` };
  }
  if (posted.kind === 'address') return { kind: 'gone', reason: posted.cause };
  return deliveryOf(posted);
}
