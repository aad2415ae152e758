import { createHash, randomBytes } from 'node:crypto';

/** What a server asks for with a 401: `Basic`, or `Digest` with its parameters (RFC 7616). */
export interface Challenge {
  scheme: 'basic' | 'digest';
  parameters: Map<string, string>;
}

export interface Login {
  user: string;
  password: string;
}

/** The standard's names of hashes and OpenSSL's, the strongest first. */
const hashes = new Map([
  ['SHA-512-256', 'sha512-256'],
  ['SHA-256', 'sha256'],
  ['MD5', 'md5'],
]);

/**
 * The challenges of a `WWW-Authenticate` header, or of several that were joined by commas. What is neither basic nor
 * digest is left out.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  let current: Challenge | undefined;
  // Either `name=value`, or a word that stands alone: the scheme of the next challenge.
  const token = /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*))|([\w-]+)/g;
  for (const [, name, quoted, bare, word] of header.matchAll(token)) {
    if (word !== undefined) {
      const scheme = word.toLowerCase();
      current = undefined;
      if (scheme === 'basic' || scheme === 'digest') {
        current = { scheme, parameters: new Map() };
        challenges.push(current);
      }
    } else if (name !== undefined) {
      current?.parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? bare ?? '');
    }
  }
  return challenges;
}

/** The strongest challenge that we can answer; undefined if there is none. */
export function chooseChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  const rank = (challenge: Challenge): number => {
    if (challenge.scheme === 'basic') return hashes.size;
    return [...hashes.keys()].indexOf(algorithmOf(challenge).name);
  };
  return challenges
    .filter((challenge) => rank(challenge) >= 0)
    .sort((one, other) => rank(one) - rank(other))[0];
}

/** The value of `Authorization`. `count` is how often this challenge's nonce was used, this time included. */
export function authorization(
  challenge: Challenge,
  login: Login,
  request: { method: string; path: string; count: number; clientNonce?: string },
): string {
  if (challenge.scheme === 'basic') {
    return `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
  }
  const { parameters } = challenge;
  const { name, session } = algorithmOf(challenge);
  const hash = (text: string): string =>
    createHash(hashes.get(name) ?? 'md5')
      .update(text)
      .digest('hex');
  const realm = parameters.get('realm') ?? '';
  const nonce = parameters.get('nonce') ?? '';
  const offered = parameters
    .get('qop')
    ?.split(',')
    .map((qop) => qop.trim());
  const qop = offered?.includes('auth') ? 'auth' : undefined;
  const count = request.count.toString(16).padStart(8, '0');
  const clientNonce = request.clientNonce ?? randomBytes(8).toString('hex');
  const plain = hash(`${login.user}:${realm}:${login.password}`);
  const a1 = session ? hash(`${plain}:${nonce}:${clientNonce}`) : plain;
  const a2 = hash(`${request.method}:${request.path}`);
  const response =
    qop === undefined
      ? hash(`${a1}:${nonce}:${a2}`)
      : hash(`${a1}:${nonce}:${count}:${clientNonce}:${qop}:${a2}`);
  const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
  return `Digest ${[
    `username=${quoted(login.user)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(request.path)}`,
    `response="${response}"`,
    ...(parameters.has('algorithm') ? [`algorithm=${parameters.get('algorithm') ?? ''}`] : []),
    ...(parameters.has('opaque') ? [`opaque=${quoted(parameters.get('opaque') ?? '')}`] : []),
    ...(qop === undefined ? [] : [`qop=${qop}`, `nc=${count}`]),
    ...(qop === undefined && !session ? [] : [`cnonce="${clientNonce}"`]),
  ].join(', ')}`;
}

function algorithmOf(challenge: Challenge): { name: string; session: boolean } {
  const given = (challenge.parameters.get('algorithm') ?? 'MD5').toUpperCase();
  const session = given.endsWith('-SESS');
  return { name: session ? given.slice(0, -'-SESS'.length) : given, session };
}
