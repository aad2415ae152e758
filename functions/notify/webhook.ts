import { createHmac } from 'node:crypto';
import { isoTime } from '@faascam/core/clock';
import { UsageError } from '@faascam/core/errors';
import type { WebhookTarget } from '@faascam/core/notify-settings';
import { readSecret } from '@faascam/core/settings';
import { saysPrivate } from './address-guard.ts';
import { post, type Posted } from './http-post.ts';
import type { Delivery, Notice } from './notice.ts';

/** The body, as docs/notifications.md has it. `picture`: a JPEG. */
export function webhookBody(
  notice: Notice,
  { snapshotUrl, picture }: { snapshotUrl?: string | undefined; picture?: Buffer | undefined },
): string {
  const { id, rule, title, text, url, event, clip } = notice;
  const types = { event: 'event.began', clip: 'clip.stored', test: 'test' } as const;
  return JSON.stringify({
    type: types[notice.when],
    timestamp: isoTime(notice.atUs),
    data: {
      id,
      rule,
      title,
      text,
      url,
      event: event && { ...event, startedAt: isoTime(event.startUs) },
      clip,
      snapshotUrl,
      picture: picture && { contentType: 'image/jpeg', base64: picture.toString('base64') },
    },
  });
}

/**
 * The headers of Standard Webhooks 1.0 (standardwebhooks.com): id, time of sending in seconds, and an HMAC-SHA256 over
 * both and the body, for each of the secrets. The id stays the same over all tries.
 */
export function webhookHeaders(
  id: string,
  nowUs: number,
  body: string,
  secrets: readonly Buffer[],
): Record<string, string> {
  const seconds = String(Math.floor(nowUs / 1_000_000));
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', secret).update(`${id}.${seconds}.${body}`).digest('base64')}`,
  );
  return {
    'webhook-id': id,
    'webhook-timestamp': seconds,
    ...(signatures.length === 0 ? {} : { 'webhook-signature': signatures.join(' ') }),
  };
}

/** The secrets of a file, a line each: `whsec_` and base64, or any text, of which the bytes count. */
export function secretsIn(text: string): Buffer[] {
  return text
    .split(/\s+/)
    .filter((line) => line !== '')
    .map((line) =>
      line.startsWith('whsec_') ? Buffer.from(line.slice('whsec_'.length), 'base64') : Buffer.from(line),
    );
}

/** `Name: value` lines. Throws `UsageError` that names the file, never what it holds. */
export function headersIn(text: string, path: string): Record<string, string> {
  return Object.fromEntries(
    text.split(/\r?\n/).flatMap((line, index) => {
      if (line.trim() === '') return [];
      const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e]*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) {
        throw new UsageError(
          'headers-malformed',
          `Line ${index + 1} of ${path} is no header: write Name: value.`,
        );
      }
      return [[name.toLowerCase(), value.trim()] as const];
    }),
  );
}

/** Sends a notice once. Throws `UsageError` for files that cannot be read. */
export async function sendWebhook(
  target: WebhookTarget,
  notice: Notice,
  more: { snapshotUrl?: string | undefined; picture?: Buffer | undefined },
  nowUs: number,
): Promise<Delivery> {
  const { secretFile, headersFile, url, timeoutMs, caFile } = target;
  const body = webhookBody(notice, more);
  const secrets = secretFile === '' ? [] : secretsIn(readSecret(secretFile, "webhook's signature"));
  const own = headersFile === '' ? {} : headersIn(readSecret(headersFile, "webhook's headers"), headersFile);
  const headers = {
    ...own,
    'content-type': 'application/json',
    'user-agent': 'faascam',
    ...webhookHeaders(notice.id, nowUs, body, secrets),
  };
  const allowPrivate = target.privateAddresses || saysPrivate(new URL(url));
  return deliveryOf(await post({ url, headers, body, timeoutMs, caFile, allowPrivate }));
}

/** What a webhook's answer means: only what tells of the moment is worth another try. Pure. */
export function deliveryOf(posted: Posted): Delivery {
  if (posted.kind === 'address') return { kind: 'refused', reason: posted.cause };
  if (posted.kind === 'silent') return { kind: 'later', reason: posted.cause };
  const { status, text, retryAfterMs } = posted;
  const said = text === '' ? `status ${status}` : `status ${status}: ${text}`;
  if (status >= 200 && status < 300) return { kind: 'delivered', said };
  if (status >= 300 && status < 400) {
    return {
      kind: 'refused',
      reason: `status ${status}: it is elsewhere, and redirects are not followed: give the new address.`,
    };
  }
  if (status >= 500 || [408, 425, 429].includes(status)) {
    return { kind: 'later', reason: said, ...(retryAfterMs === undefined ? {} : { waitMs: retryAfterMs }) };
  }
  return { kind: 'refused', reason: said };
}
