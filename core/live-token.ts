import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/**
 * A live token lets its bearer watch one camera until a time: `v1.<camera>.<expires>.<mac>`, where `expires` is in whole
 * seconds since the Unix epoch, and `mac` is HMAC-SHA-256 (RFC 2104) over all before it, in base64url.
 */

/** Why a token does not count. */
export type TokenFault = 'malformed' | 'wrong' | 'expired' | 'other-camera';

/** `secret` is what viewer and agent share. */
export function makeLiveToken(secret: string, camera: string, expiresAtS: number): string {
  const claim = `v1.${camera}.${Math.floor(expiresAtS)}`;
  return `${claim}.${macOf(secret, claim)}`;
}

/** Undefined if the token lets its bearer watch the camera at this time. */
export function liveTokenFault(
  token: string,
  asked: { secret: string; camera: string; nowS: number },
): TokenFault | undefined {
  const match = /^(v1\.([a-z0-9][a-z0-9_-]{0,62})\.(\d{1,12}))\.([\w-]{43})$/.exec(token);
  const [, claim, camera, expires, mac] = match ?? [];
  if (claim === undefined || mac === undefined) return 'malformed';
  // Nothing that an unsigned token claims is told.
  if (asked.secret === '' || !sameText(mac, macOf(asked.secret, claim))) return 'wrong';
  if (Number(expires) <= asked.nowS) return 'expired';
  return camera === asked.camera ? undefined : 'other-camera';
}

/** Compares secrets in a time that tells nothing of them, not even their length. */
export function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function macOf(secret: string, claim: string): string {
  return createHmac('sha256', secret).update(claim).digest('base64url');
}
