import { chmod, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isMissing, replaceWhole } from '@faascam/core/durable-file';
import { messageOf, UsageError } from '@faascam/core/errors';
import { MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARACTERS, passwordHash } from '@faascam/viewer/auth/password';
import { newToken } from '@faascam/viewer/auth/token';
import {
  noUsers,
  parseUsers,
  usersText,
  withoutToken,
  withoutUser,
  withPassword,
  withToken,
  withUser,
  type StoredToken,
  type User,
  type Users,
} from '@faascam/viewer/auth/users-file';
import { usersFileIn } from '@faascam/viewer/auth/users-place';
import { configOf } from '../quick-config.ts';
import { readPassword } from '../read-password.ts';
import { tableLines } from '../table.ts';
import { print, tell } from '../terminal.ts';

/** Where the users are kept: a file that is named, else the one of this config or data folder. */
export interface UsersPlace {
  file?: string | undefined;
  config?: string | undefined;
  data?: string | undefined;
}

/** To see whether all else is in order, before a password is asked for. */
const ANY_HASH = `$argon2id$v=19$${'x'.repeat(30)}`;

/** `faascam user add`. The password comes from the terminal or stdin, never from the command line. */
export async function userAdd(
  name: string,
  place: UsersPlace & { role: User['role']; camera?: string[] | undefined },
): Promise<void> {
  const path = fileOf(place);
  const before = await usersIn(path);
  const { role, camera: cameras } = place;
  // What is wrong with the name is told before anybody types a password.
  const about = { name, role, ...(cameras === undefined ? {} : { cameras }) };
  withUser(before, { ...about, password: ANY_HASH });
  const password = await newPassword(`Password of ${name}: `);
  await keep(path, withUser(before, { ...about, password }));
  print(
    `${path}: ${name} is ${role} now${cameras === undefined ? '' : `, and sees ${cameras.join(', ')} alone`}.`,
  );
  if (before.users.length === 0 && before.tokens.length === 0) tell(whatNow(path));
}

/** `faascam user passwd`. */
export async function userPasswd(name: string, place: UsersPlace): Promise<void> {
  const path = fileOf(place);
  const before = await usersIn(path);
  withPassword(before, name, ANY_HASH);
  await keep(path, withPassword(before, name, await newPassword(`New password of ${name}: `)));
  print(`${path}: ${name} has another password, and must log in again everywhere.`);
}

/** `faascam user rm`. */
export async function userRm(name: string, place: UsersPlace): Promise<void> {
  const path = fileOf(place);
  await keep(path, withoutUser(await usersIn(path), name));
  print(`${path}: ${name} is let in no more.`);
}

/** `faascam user list`. */
export async function userList(place: UsersPlace): Promise<void> {
  const { users } = await usersIn(fileOf(place));
  if (users.length === 0) {
    tell('There are no users.');
  } else {
    tableLines([
      ['NAME', 'ROLE', 'CAMERAS'],
      ...users.map(({ name, role, cameras }) => [name, role, cameras?.join(', ') ?? 'all']),
    ]).forEach(print);
  }
}

/** `faascam token add`: the token is the one line on stdout, and told this once. */
export async function tokenAdd(
  name: string,
  place: UsersPlace & {
    scope: StoredToken['scope'];
    camera?: string[] | undefined;
    expires?: string | undefined;
  },
): Promise<void> {
  const path = fileOf(place);
  const { scope, camera: cameras } = place;
  const expires = place.expires === undefined ? undefined : expiryOf(place.expires, Date.now());
  const { text, stored } = newToken({
    name,
    scope,
    ...(cameras === undefined ? {} : { cameras }),
    ...(expires === undefined ? {} : { expires }),
  });
  await keep(path, withToken(await usersIn(path), stored));
  print(text);
  tell(
    `${path}: the token ${name} may ${scope}${expires === undefined ? '' : ` until ${expires}`}. It is shown this once; send it as "Authorization: Bearer ${text.slice(0, 8)}...".`,
  );
}

/** `faascam token rm`. */
export async function tokenRm(name: string, place: UsersPlace): Promise<void> {
  const path = fileOf(place);
  await keep(path, withoutToken(await usersIn(path), name));
  print(`${path}: the token ${name} counts no more.`);
}

/** `faascam token list`. */
export async function tokenList(place: UsersPlace): Promise<void> {
  const { tokens } = await usersIn(fileOf(place));
  if (tokens.length === 0) {
    tell('There are no tokens.');
  } else {
    tableLines([
      ['NAME', 'SCOPE', 'CAMERAS', 'EXPIRES'],
      ...tokens.map((token) => [
        token.name,
        token.scope,
        token.cameras?.join(', ') ?? 'all',
        token.expires ?? 'never',
      ]),
    ]).forEach(print);
  }
}

const UNITS_MS = { h: 3_600_000, d: 86_400_000 } as const;

/** `90d`, `12h`, or a time in ISO 8601, as a time in UTC. Throws `UsageError`. */
export function expiryOf(text: string, nowMs: number): string {
  const [, count, unit] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  const ms =
    count === undefined
      ? /^\d{4}-\d\d-\d\d/.test(text)
        ? Date.parse(text)
        : NaN
      : nowMs + Number(count) * UNITS_MS[unit === 'h' ? 'h' : 'd'];
  if (!Number.isFinite(ms) || ms <= nowMs) {
    throw new UsageError(
      'usage',
      `--expires must be a time to come, such as 90d, 12h or 2030-01-31, not ${text}.`,
    );
  }
  return new Date(ms).toISOString();
}

function fileOf({ file, config, data }: UsersPlace): string {
  if (file !== undefined) return resolve(file);
  const { page, data: folder } = configOf({ config, data });
  return page.login.usersFile === '' ? usersFileIn(folder) : page.login.usersFile;
}

async function usersIn(path: string): Promise<Users> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return noUsers;
    throw new UsageError('usage', `The users file ${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  try {
    return parseUsers(text);
  } catch (cause) {
    throw new UsageError('usage', `${path}: ${messageOf(cause)} Mend it, or begin with another file.`, {
      cause,
    });
  }
}

async function keep(path: string, users: Users): Promise<void> {
  try {
    await replaceWhole(path, Buffer.from(usersText(users)), 0o600);
    await chmod(path, 0o600);
  } catch (cause) {
    throw new UsageError('usage', `The users file ${path} cannot be written: ${messageOf(cause)}`, { cause });
  }
}

async function newPassword(prompt: string): Promise<string> {
  const password = await readPassword(prompt);
  if (password.length < MIN_PASSWORD_CHARACTERS) {
    throw new UsageError('usage', `A password needs ${MIN_PASSWORD_CHARACTERS} characters at least.`);
  }
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) {
    throw new UsageError('usage', `A password may have ${MAX_PASSWORD_BYTES} bytes at most.`);
  }
  return await passwordHash(password);
}

function whatNow(path: string): string {
  return [
    'From now on the page asks for a login. "faascam up" with this data folder sees the file within a second.',
    `OpenFaaS: faas-cli secret create viewer-users --from-file ${path}`,
  ].join('\n');
}
