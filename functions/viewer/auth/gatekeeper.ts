import type { AskedOperation, Authorizer, Identity, Refusal } from '../api/authorizer.ts';
import { suffices } from '../api/authorizer.ts';
import type { Asked } from '../answer.ts';
import { AttemptLimits } from './attempt-limits.ts';
import { proxyWord } from './forward-auth.ts';
import type { Gate } from './gate.ts';
import { addressOf, hostsAsked, isChange, isForeign, isLoopbackName, networkOf } from './origin.ts';
import {
  claimsOf,
  cookieValues,
  csrfOf,
  judgeSession,
  SESSION_COOKIE,
  sessionCookie,
  sessionValue,
  setsCookies,
  type SessionClaims,
} from './session.ts';
import { sameText } from './signature.ts';
import { bearerOf, judgeToken } from './token.ts';
import type { User, Users } from './users-file.ts';
import type { UsersState } from './users-source.ts';

export const CSRF_HEADER = 'x-faascam-csrf';

export const NO_USERS =
  'Nobody is let in yet, for this page has no users: make some with "faascam user add NAME --role admin" and give it the file as the secret viewer-users (docs/login.md).';
const ELSEWHERE =
  'Without users this page answers by a name of its own host alone, such as http://127.0.0.1:8080: make users with "faascam user add NAME --role admin" (docs/login.md).';
const BROKEN = 'Nobody is let in, for the file of users cannot be used; the log of the viewer says why.';
const NOBODY: Identity = { name: 'nobody', role: 'public', provenBy: 'nothing' };

/** A session, found by its cookie and proven. */
export interface FoundSession {
  user: User;
  claims: SessionClaims;
  renew: boolean;
}

/** Says who asks: a token's holder, whom a proxy in front has logged in, a session's user, or nobody. */
export class Gatekeeper implements Authorizer {
  readonly #gate: Gate;
  /** So that tokens of nobody, one after the other, do not push all else out of the audit log. */
  readonly #noted = new AttemptLimits();

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  async identify(asked: AskedOperation): Promise<Identity | Refusal> {
    const who = await this.#who(asked);
    // Whoever only looks is not written down; what a refused one was after is.
    if (isChange(asked) && asked.needs !== 'public' && asked.again !== true) this.#note(asked, who);
    return who;
  }

  async #who(asked: AskedOperation): Promise<Identity | Refusal> {
    const { users: source, settings, proxySecret } = this.#gate;
    const state = await source.state();
    const users = state.kind === 'users' ? state.users : undefined;
    const bearer = bearerOf(asked.header('authorization'));
    if (bearer !== undefined) return this.#holderOf(bearer, users, asked);
    // Only a browser sends what it was given for this page along with what another page makes it send.
    if (isChange(asked) && isForeign(asked)) {
      return refused(403, "Another site's page may change nothing here.");
    }
    if (settings.proxy !== undefined && proxySecret !== undefined) {
      const word = proxyWord(asked, settings.proxy, proxySecret);
      if (word.kind === 'disbelieved') return refused(403, word.sentence);
      if (word.kind === 'known') return { name: word.name, role: word.role, provenBy: 'proxy' };
    }
    const session = users === undefined ? undefined : await this.session(asked, users);
    if (session !== undefined) return await this.#userOf(session, asked);
    return this.#unknown(asked, state);
  }

  /** The session of the first of the call's cookies that holds. */
  async session(asked: Asked, { users }: Users): Promise<FoundSession | undefined> {
    const { settings, clock, registry } = this.#gate;
    for (const value of cookieValues(asked.header('cookie'), SESSION_COOKIE)) {
      const user = users.find(({ name }) => name === claimsOf(value)?.u);
      if (user === undefined) continue;
      const judged = judgeSession(value, user.password, settings, clock.nowUs());
      if (judged.kind !== 'good' || (await registry.isEnded(judged.claims.i))) continue;
      return { user, claims: judged.claims, renew: judged.renew };
    }
    return undefined;
  }

  /** What somebody without a proof may do, and what they are told. */
  #unknown(asked: AskedOperation, state: UsersState): Identity | Refusal {
    const { openTo, settings } = this.#gate;
    if (state.kind === 'broken') return asked.needs === 'public' ? NOBODY : refused(403, BROKEN);
    if (state.kind === 'users' || settings.proxy !== undefined) return NOBODY;
    const here = openTo === 'loopback' && hostsAsked(asked).every(isLoopbackName);
    if (openTo === 'anybody' || here) return { name: 'anybody', role: 'admin', provenBy: 'default' };
    if (asked.needs === 'public') return NOBODY;
    return refused(403, openTo === 'loopback' ? ELSEWHERE : NO_USERS);
  }

  async #userOf(session: FoundSession, asked: AskedOperation): Promise<Identity | Refusal> {
    const { user, claims, renew } = session;
    const csrf = csrfOf(claims.i, user.password);
    if (isChange(asked) && asked.needs !== 'public' && !sameText(asked.header(CSRF_HEADER) ?? '', csrf)) {
      return refused(
        403,
        `A change must come with the header X-Faascam-Csrf, whose value GET api/session tells: load the page anew.`,
      );
    }
    const identity: Identity = {
      name: user.name,
      role: user.role,
      provenBy: 'session',
      session: { id: claims.i, csrf, sinceUs: claims.a },
      ...camerasOf(user),
    };
    if (!renew || !setsCookies(asked.path) || asked.again === true) return identity;
    const nowUs = this.#gate.clock.nowUs();
    await this.#gate.registry.touch(claims.i, nowUs);
    const value = sessionValue({ ...claims, s: nowUs }, user.password);
    return { ...identity, headers: { 'Set-Cookie': sessionCookie(value, claims.t) } };
  }

  #holderOf(text: string, users: Users | undefined, asked: AskedOperation): Identity | Refusal {
    const { clock, audit, settings } = this.#gate;
    const judged = judgeToken(text, users?.tokens ?? [], clock.nowUs());
    if (judged.kind === 'good') {
      const { token, role } = judged;
      return { name: `token ${token.name}`, role, provenBy: 'token', ...camerasOf(token) };
    }
    const from = addressOf(asked, settings.proxies);
    if (asked.again !== true && this.#noted.admit([networkOf(from)], clock.nowUs()).admitted) {
      const who = judged.kind === 'expired' ? `token ${judged.token.name}` : 'unknown token';
      const { operation: what, path: target } = asked;
      audit.note({ who, by: 'token', what, target, from, result: 'refused', reason: judged.kind });
    }
    const sentence =
      judged.kind === 'expired' ? 'The token has expired: ask for another.' : 'The token is not known here.';
    return { ...refused(401, sentence), headers: { 'WWW-Authenticate': 'Bearer realm="faascam"' } };
  }

  #note(asked: AskedOperation, who: Identity | Refusal): void {
    const { audit, settings, clock } = this.#gate;
    const { operation: what, path: target } = asked;
    const from = addressOf(asked, settings.proxies);
    if ('status' in who) {
      if (bearerOf(asked.header('authorization')) !== undefined) return;
      if (!this.#noted.admit([networkOf(from)], clock.nowUs()).admitted) return;
      audit.note({
        who: 'nobody',
        by: 'nothing',
        what,
        target,
        from,
        result: 'refused',
        reason: who.sentence,
      });
      return;
    }
    const enough = suffices(who.role, asked.needs);
    // To watch live takes a POST as well.
    if (enough && asked.needs === 'viewer') return;
    if (who.role === 'public' && !this.#noted.admit([networkOf(from)], clock.nowUs()).admitted) return;
    const about = { who: who.name, by: who.provenBy, what, target, from };
    audit.note(
      enough ? { ...about, result: 'allowed' } : { ...about, result: 'refused', reason: `is ${who.role}` },
    );
  }
}

function camerasOf({ cameras }: { cameras?: readonly string[] | undefined }): {
  cameras?: readonly string[];
} {
  return cameras === undefined ? {} : { cameras };
}

function refused(status: Refusal['status'], sentence: string): Refusal {
  return { status, sentence };
}
