import { randomBytes } from 'node:crypto';
import { errorAnswer, type Answer, type Asked } from '../answer.ts';
import { AttemptLimits } from './attempt-limits.ts';
import type { Gate } from './gate.ts';
import { NO_USERS, type Gatekeeper } from './gatekeeper.ts';
import { addressOf, isSecure, networkOf } from './origin.ts';
import { BusyError, MAX_PASSWORD_BYTES, PasswordCheck } from './password.ts';
import {
  claimsOf,
  cookieValues,
  csrfOf,
  judgeSession,
  SESSION_COOKIE,
  sessionCookie,
  sessionValue,
  type SessionClaims,
} from './session.ts';
import type { User, Users } from './users-file.ts';

export interface Credentials {
  name: string;
  password: string;
}

/** One sentence for an unknown name and a wrong password: which of the two it is is nobody's business. */
const WRONG = 'The name or the password is wrong.';
const MAX_AGENT = 200;

/** Logs people in and out. */
export class Login {
  readonly #gate: Gate;
  readonly #keeper: Gatekeeper;
  readonly #limits = new AttemptLimits();
  readonly #passwords = new PasswordCheck();

  constructor(gate: Gate, keeper: Gatekeeper) {
    this.#gate = gate;
    this.#keeper = keeper;
  }

  /** Begins a session for who knows the password. A session that the browser had before ends. */
  async login(asked: Asked, { name, password }: Credentials): Promise<Answer> {
    const { users: source, clock, audit, settings } = this.#gate;
    const state = await source.state();
    if (state.kind === 'none') return errorAnswer(409, NO_USERS);
    if (state.kind === 'broken')
      return errorAnswer(503, 'Nobody can log in, for the file of users cannot be used; the log says why.');
    const { users } = state;
    const user = users.users.find((each) => each.name === name);
    const from = addressOf(asked, settings.proxies);
    const keys = this.#keysOf(asked, name, user, from);
    const deed = { who: name, by: 'password', what: 'login', from } as const;

    const admission = this.#limits.admit(keys, clock.nowUs());
    if (!admission.admitted) {
      if (admission.first) audit.note({ ...deed, result: 'refused', reason: 'too many tries' });
      const seconds = Math.ceil(admission.waitMs / 1000);
      return later(429, `Too many logins have failed: try again in ${seconds} s.`, seconds);
    }
    let right: boolean;
    try {
      right =
        Buffer.byteLength(password) <= MAX_PASSWORD_BYTES &&
        (await this.#passwords.matches(password, user?.password));
    } catch (error) {
      if (!(error instanceof BusyError)) throw error;
      // It was not tried.
      this.#limits.succeeded(keys, []);
      return later(503, error.message, 3);
    }
    if (!right || user === undefined) {
      audit.note({ ...deed, result: 'refused', reason: 'wrong name or password' });
      return errorAnswer(401, WRONG);
    }
    this.#limits.succeeded(keys, [`name ${name}`]);
    audit.note({ ...deed, result: 'allowed' });
    await this.#endSession(asked, users);
    return await this.#begun(asked, user, from);
  }

  /** Ends the session of this call, here at once and on other replicas as soon as NATS tells. */
  async logout(asked: Asked): Promise<Answer> {
    const { users: source, audit, settings } = this.#gate;
    const state = await source.state();
    const ended = state.kind === 'users' ? await this.#endSession(asked, state.users) : undefined;
    const headers = { 'Cache-Control': 'no-store' };
    if (ended === undefined) return { status: 204, headers, body: undefined };
    const { user, claims } = ended;
    audit.note({
      who: user.name,
      by: 'session',
      what: 'logout',
      from: addressOf(asked, settings.proxies),
      result: 'allowed',
    });
    // What stays tells only that the user has logged in on this device before.
    const value = sessionValue({ ...claims, o: true }, user.password);
    return {
      status: 204,
      headers: { ...headers, 'Set-Cookie': sessionCookie(value, claims.t) },
      body: undefined,
    };
  }

  async #begun(asked: Asked, user: User, from: string): Promise<Answer> {
    const { clock, registry, settings } = this.#gate;
    const nowUs = clock.nowUs();
    const secure = isSecure(asked, settings.trustForwardedProto);
    const id = randomBytes(16).toString('base64url');
    const claims: SessionClaims = { i: id, u: user.name, a: nowUs, s: nowUs, t: secure, o: false };
    await registry.note({
      v: 1,
      id,
      user: user.name,
      sinceUs: nowUs,
      seenUs: nowUs,
      from,
      agent: (asked.header('user-agent') ?? '').slice(0, MAX_AGENT),
      ended: false,
    });
    return {
      status: 200,
      headers: {
        'Content-Type': 'application/json; charset=utf-8',
        'Cache-Control': 'no-store',
        'Set-Cookie': sessionCookie(sessionValue(claims, user.password), secure),
      },
      body: JSON.stringify({
        name: user.name,
        role: user.role,
        ...(user.cameras === undefined ? {} : { cameras: user.cameras }),
        csrf: csrfOf(id, user.password),
      }),
    };
  }

  async #endSession(asked: Asked, users: Users): Promise<{ user: User; claims: SessionClaims } | undefined> {
    const session = await this.#keeper.session(asked, users);
    if (session === undefined) return undefined;
    const { claims, user } = session;
    const known = { sinceUs: claims.a, seenUs: claims.s, from: '', agent: '', ended: true } as const;
    await this.#gate.registry.end({ v: 1, id: claims.i, user: user.name, ...known });
    return { user, claims };
  }

  /**
   * What this try is counted under: the name and the address, or, on a device on which the user has logged in before, that
   * device alone, so that nobody can keep the user out by failing in the user's name (OWASP's device cookies).
   */
  #keysOf(asked: Asked, name: string, user: User | undefined, from: string): string[] {
    const { settings, clock } = this.#gate;
    if (user !== undefined) {
      for (const value of cookieValues(asked.header('cookie'), SESSION_COOKIE)) {
        if (claimsOf(value)?.u !== name) continue;
        const judged = judgeSession(value, user.password, settings, clock.nowUs());
        if (judged.kind !== 'forged') return [`device ${judged.claims.i}`];
      }
    }
    return [`name ${name}`, `address ${networkOf(from)}`];
  }
}

function later(status: number, sentence: string, seconds: number): Answer {
  const answer = errorAnswer(status, sentence);
  return { ...answer, headers: { ...answer.headers, 'Retry-After': String(seconds) } };
}
