import { cameraId } from '@faascam/core/ids';
import { MalformedInputError, UsageError } from '@faascam/core/errors';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { roles } from '../api/authorizer.ts';

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/, {
  error:
    'must be made of letters, digits and . _ @ -, begin with a letter or digit, and have at most 64 of them',
});

/** Cameras that may be seen; absent: all of them, also those to come. */
const cameras = z.array(cameraId).min(1).max(500).optional();

/** As PHC strings are: argon2 tells its kind, version and costs in front of salt and hash. */
const passwordHash = z.string().regex(/^\$argon2id\$v=19\$[\w=,$+/]{20,300}$/, {
  error: 'must be an argon2id hash, as "faascam user passwd" writes it',
});

const user = z.strictObject({ name, role: z.enum(roles), password: passwordHash, cameras });
export type User = z.infer<typeof user>;

const token = z.strictObject({
  name,
  /** The public part of the token, by which it is found. */
  id: z.string().regex(/^[A-Za-z0-9_-]{8,32}$/),
  /** SHA-256 of the whole token in base64url: a token is random enough to need no slow hash. */
  sha256: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  scope: z.enum(['read', 'operate', 'admin']),
  cameras,
  /** ISO 8601, UTC; absent: it does not expire. */
  expires: z.iso.datetime().optional(),
});
export type StoredToken = z.infer<typeof token>;

const usersFile = z.strictObject({
  users: z.array(user).max(1000).default([]),
  tokens: z.array(token).max(1000).default([]),
});
/** Who may come to the page, with what right. */
export type Users = z.infer<typeof usersFile>;

export const noUsers: Users = { users: [], tokens: [] };

/** More is no file of users. */
export const MAX_FILE_BYTES = 900_000;

/** Reads the text of a users file, YAML or JSON. Throws `MalformedInputError` that tells the place and never a hash. */
export function parseUsers(text: string): Users {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch {
    // The parser's message would show the line, which may hold a hash.
    throw new MalformedInputError('The users file is not YAML.');
  }
  const parsed = usersFile.safeParse(value ?? {});
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    throw new MalformedInputError(
      `The users file is not as it should be at ${first?.path.join('.') ?? ''}: ${first?.message ?? 'invalid'}.`,
    );
  }
  const { users, tokens } = parsed.data;
  const twice = repeated(users.map((each) => each.name)) ?? repeated(tokens.map((each) => each.name));
  if (twice !== undefined) throw new MalformedInputError(`The users file names ${twice} twice.`);
  if (repeated(tokens.map(({ id }) => id)) !== undefined)
    throw new MalformedInputError('The users file has two tokens of one id.');
  return parsed.data;
}

export function usersText(users: Users): string {
  return `# Who may come to the page of faascam. Written by "faascam user" and "faascam token"; keep it secret.\n${stringify(users)}`;
}

/** Whether the page has anybody to ask for. */
export function isEmpty({ users, tokens }: Users): boolean {
  return users.length === 0 && tokens.length === 0;
}

/** The file with one more user. Throws `UsageError` when the name is taken or not one. */
export function withUser(file: Users, added: User): Users {
  if (file.users.some((each) => each.name === added.name)) {
    throw new UsageError(
      'user-exists',
      `There is a user ${added.name} already: "faascam user passwd ${added.name}" gives another password, and "faascam user rm ${added.name}" removes it.`,
    );
  }
  return { ...file, users: [...file.users, checked(user, added)] };
}

/** The file with another password for the user, which ends all of its sessions. Throws `UsageError` if there is none. */
export function withPassword(file: Users, named: string, password: string): Users {
  requireNamed(file.users, named, 'user');
  return {
    ...file,
    users: file.users.map((each) => (each.name === named ? checked(user, { ...each, password }) : each)),
  };
}

export function withoutUser(file: Users, named: string): Users {
  requireNamed(file.users, named, 'user');
  return { ...file, users: file.users.filter((each) => each.name !== named) };
}

export function withToken(file: Users, added: StoredToken): Users {
  if (file.tokens.some((each) => each.name === added.name)) {
    throw new UsageError(
      'token-exists',
      `There is a token ${added.name} already: "faascam token rm ${added.name}" removes it.`,
    );
  }
  return { ...file, tokens: [...file.tokens, checked(token, added)] };
}

export function withoutToken(file: Users, named: string): Users {
  requireNamed(file.tokens, named, 'token');
  return { ...file, tokens: file.tokens.filter((each) => each.name !== named) };
}

function requireNamed(list: readonly { name: string }[], named: string, what: 'user' | 'token'): void {
  if (list.some((each) => each.name === named)) return;
  const known = list.map((each) => each.name).join(', ');
  throw new UsageError(
    'unknown-name',
    `There is no ${what} ${named}; ${known === '' ? `there is no ${what} at all` : `there is ${known}`}.`,
  );
}

function checked<T>(schema: z.ZodType<T>, value: T): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  throw new UsageError(
    'usage',
    `The ${first?.path.join('.') ?? 'value'} ${first?.message ?? 'is not valid'}.`,
  );
}

function repeated(names: readonly string[]): string | undefined {
  return names.find((each, index) => names.indexOf(each) !== index);
}
