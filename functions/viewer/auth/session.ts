import { z } from 'zod';
import { derivedKey, sameText, signatureOf } from './signature.ts';

/**
 * What a session's cookie says, signed with a key out of the user's password hash: any replica that has the users file
 * can tell that it is true, and another password ends it.
 */
const claims = z.strictObject({
  /** The session's id, 128 random bits in base64url. */
  i: z.string().regex(/^[A-Za-z0-9_-]{22}$/),
  /** The user's name. */
  u: z.string().max(64),
  /** When the user logged in, and when the session was last used, as far as the cookie knows; microseconds. */
  a: z.int().nonnegative(),
  s: z.int().nonnegative(),
  /** The browser speaks to us over TLS. */
  t: z.boolean(),
  /** It was logged out: it only shows that the user has logged in on this device before. */
  o: z.boolean(),
});
export type SessionClaims = z.infer<typeof claims>;

export interface SessionLimits {
  /** A session ends this long after login, in ms. */
  sessionMs: number;
  /** And this long after it was last used, in ms. */
  idleMs: number;
}

/** `old`: too old, unused for too long or logged out, yet the user's own. */
export type SessionJudgement =
  | { kind: 'good'; claims: SessionClaims; renew: boolean }
  | { kind: 'old'; claims: SessionClaims }
  | { kind: 'forged' };

/** A cookie is at most 4 kB; ours is below 400 bytes. */
const MAX_VALUE = 1000;
/** A cookie is written anew when the last writing is this part of the idle time ago. */
const RENEW_AFTER = 1 / 50;
/** Clocks of replicas may differ. */
const CLOCK_SKEW_US = 60_000_000;

/** The value of a session's cookie. `secret` is the user's password hash. */
export function sessionValue(session: SessionClaims, secret: string): string {
  const text = Buffer.from(JSON.stringify(session)).toString('base64url');
  return `${text}.${signatureOf(derivedKey(secret, 'session'), text)}`;
}

/** What a cookie's value claims, unproven; undefined where it is no session's. */
export function claimsOf(value: string): SessionClaims | undefined {
  if (value.length > MAX_VALUE) return undefined;
  const [text = ''] = value.split('.', 1);
  try {
    return claims.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

/** Whether a cookie's value is a session of the user whose password hash is `secret`. Pure. */
export function judgeSession(
  value: string,
  secret: string,
  limits: SessionLimits,
  nowUs: number,
): SessionJudgement {
  const said = claimsOf(value);
  const dot = value.indexOf('.');
  if (said === undefined || dot < 0) return { kind: 'forged' };
  const wanted = signatureOf(derivedKey(secret, 'session'), value.slice(0, dot));
  if (!sameText(value.slice(dot + 1), wanted)) return { kind: 'forged' };
  const ageUs = nowUs - said.a;
  const idleUs = nowUs - said.s;
  const over =
    said.o ||
    ageUs > limits.sessionMs * 1000 ||
    idleUs > limits.idleMs * 1000 ||
    ageUs < -CLOCK_SKEW_US ||
    idleUs < -CLOCK_SKEW_US;
  if (over) return { kind: 'old', claims: said };
  return { kind: 'good', claims: said, renew: idleUs > limits.idleMs * 1000 * RENEW_AFTER };
}

/** What a change must bring along in a header, which only the page that logged in can know. */
export function csrfOf(session: string, secret: string): string {
  return signatureOf(derivedKey(secret, 'csrf'), session);
}

export const SESSION_COOKIE = 'faascam_session';
/** Long after its session, a cookie still tells that the user has logged in on this device before. */
const COOKIE_SECONDS = 180 * 86_400;

/**
 * The header that sets the cookie. It has no path, so that the browser takes the folder of the address that it asked: `api/`
 * below the function's own address, wherever the gateway has that. So it may only be set by answers in this folder.
 */
export function sessionCookie(value: string, secure: boolean): string {
  const flags = `Max-Age=${COOKIE_SECONDS}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
  return `${SESSION_COOKIE}=${value}; ${flags}`;
}

/** Whether an answer on this path, below the function's address, may set the cookie. */
export function setsCookies(path: string): boolean {
  return /^\/?api\/[^/]+$/.test(path);
}

/** The values of all cookies of the name: another function of the gateway may have set one for a path above ours. */
export function cookieValues(header: string | undefined, name: string): string[] {
  return (header ?? '')
    .split(';')
    .slice(0, 50)
    .flatMap((pair) => {
      const [key = '', ...value] = pair.split('=');
      return key.trim() === name ? [value.join('=').trim()] : [];
    });
}
