import { createHash, randomBytes } from 'node:crypto';
import type { Role } from '../api/authorizer.ts';
import { sameText } from './signature.ts';
import type { StoredToken } from './users-file.ts';

/** So that a token that has leaked is known for what it is, by people and by scanners of secrets. */
const PREFIX = 'fct';
const TOKEN = /^fct_([A-Za-z0-9-]{8,32})_([A-Za-z0-9_-]{43})$/;

/** What a scope lets its token do is what this role may. */
const roleOfScope: Record<StoredToken['scope'], Role> = {
  read: 'viewer',
  operate: 'operator',
  admin: 'admin',
};

/** A new token, with 256 random bits, and what is kept of it. */
export function newToken(about: Omit<StoredToken, 'id' | 'sha256'>): { text: string; stored: StoredToken } {
  const id = randomBytes(6).toString('hex');
  const text = `${PREFIX}_${id}_${randomBytes(32).toString('base64url')}`;
  return { text, stored: { ...about, id, sha256: digestOf(text) } };
}

/** The token of a header `Authorization: Bearer fct_...`; undefined where there is none of ours. */
export function bearerOf(header: string | undefined): string | undefined {
  const [, text] = /^bearer +(fct_\S{1,200})$/i.exec(header ?? '') ?? [];
  return text;
}

export type TokenJudgement =
  | { kind: 'good'; token: StoredToken; role: Role }
  | { kind: 'expired'; token: StoredToken }
  | { kind: 'unknown' };

/** Whose token it is, if it is anyone's. Pure. */
export function judgeToken(text: string, tokens: readonly StoredToken[], nowUs: number): TokenJudgement {
  const id = TOKEN.exec(text)?.[1];
  const token = tokens.find((each) => each.id === id);
  if (token === undefined || !sameText(digestOf(text), token.sha256)) return { kind: 'unknown' };
  if (token.expires !== undefined && Date.parse(token.expires) * 1000 <= nowUs) {
    return { kind: 'expired', token };
  }
  return { kind: 'good', token, role: roleOfScope[token.scope] };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
