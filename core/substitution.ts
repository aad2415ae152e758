import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemCodeOf } from './errors.ts';

/** Where the values for `${...}` come from. */
export interface Surroundings {
  env: NodeJS.ProcessEnv;
  /** What the paths of secret files are relative to. */
  directory: string;
}

const MARK =
  /\$\{(?:file:([^}]+)|(secret(?:-file)?):([A-Za-z0-9._-]+)|([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?)\}/g;

/** Where containers find their secrets: Docker's and compose's, OpenFaaS's. */
const SECRET_FOLDERS = ['/run/secrets', '/var/openfaas/secrets'];

/**
 * `text` with the environment's values for `${NAME}` and `${NAME:-default}`, and the first line of a secret's file for
 * `${file:/run/secrets/name}`, trimmed; `${secret:name}` looks for that file where services are given theirs,
 * and `${secret-file:name}` is its path. In the login of an address (`scheme://user:${PASSWORD}@host`) the value may be
 * as it is: characters that would break the address are written as `%XX`, unless all of it is written so already.
 * `missing` gets a sentence for each value that is not there; it holds no value.
 */
export function substituted(text: string, surroundings: Surroundings, missing: string[]): string {
  const { env } = surroundings;
  const login = loginOf(text);
  return text.replaceAll(
    MARK,
    (
      mark: string,
      file: string | undefined,
      kind: string | undefined,
      secret: string | undefined,
      name: string,
      fallback: string | undefined,
      offset: number,
    ) => {
      const path = pathOf(file, secret, surroundings);
      if (path !== undefined && kind === 'secret-file') return path;
      const value =
        path === undefined ? fromEnvironment(env, name, fallback, missing) : fromFile(path, missing);
      if (offset < login.from || offset >= login.to) return value;
      const wholeLogin = offset === login.from && offset + mark.length === login.to;
      return encodedForLogin(value, wholeLogin);
    },
  );
}

/** The paths of the secret files that a text names. */
export function secretFilesIn(text: string, directory: string, env = process.env): string[] {
  return [...text.matchAll(MARK)].flatMap(
    ([, file, secret]) => pathOf(file, secret, { env, directory }) ?? [],
  );
}

function pathOf(
  file: string | undefined,
  secret: string | undefined,
  surroundings: Surroundings,
): string | undefined {
  if (file !== undefined) return resolve(surroundings.directory, file.trim());
  return secret === undefined ? undefined : secretPath(secret, surroundings);
}

/**
 * Where a secret of this name lies: among what systemd hands to the service (`LoadCredential=secret:FOLDER`), in the folder
 * `secrets` beside the config, or where containers have theirs.
 */
function secretPath(name: string, { env, directory }: Surroundings): string {
  const beside = join(directory, 'secrets', name);
  const handed = env['CREDENTIALS_DIRECTORY'];
  const places = [
    ...(handed === undefined ? [] : [join(handed, `secret_${name}`)]),
    beside,
    ...SECRET_FOLDERS.map((folder) => join(folder, name)),
  ];
  return places.find((path) => existsSync(path)) ?? beside;
}

function fromEnvironment(
  env: NodeJS.ProcessEnv,
  name: string,
  fallback: string | undefined,
  missing: string[],
): string {
  const value = env[name] ?? fallback;
  if (value === undefined) {
    missing.push(
      `the environment variable ${name} is not set: set it, or give a default as \${${name}:-...}`,
    );
  }
  return value ?? '';
}

function fromFile(path: string, missing: string[]): string {
  try {
    const [line = ''] = readFileSync(path, 'utf8').split('\n');
    if (line.trim() !== '') return line.trim();
    missing.push(`the secret file ${path} has nothing in its first line`);
  } catch (error) {
    missing.push(
      `the secret file ${path} cannot be read (${systemCodeOf(error) ?? 'unknown fault'}): create it, or mend the path`,
    );
  }
  return '';
}

/** Where `user:password` stands in an address. Its end is the last `@` before the path; what is in marks does not count. */
function loginOf(text: string): { from: number; to: number } {
  const scheme = /^\s*[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? '';
  const blank = text.replaceAll(MARK, (mark) => ' '.repeat(mark.length));
  const authority = scheme === '' ? '' : (/^[^/?#]*/.exec(blank.slice(scheme.length))?.[0] ?? '');
  const at = authority.lastIndexOf('@');
  return at < 0 ? { from: 0, to: 0 } : { from: scheme.length, to: scheme.length + at };
}

/** RFC 3986, section 3.2.1: what may stand in a login as it is. */
const LOGIN = /^(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*$/;
const WHOLE_LOGIN = /^(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*$/;

function encodedForLogin(value: string, whole: boolean): string {
  if ((whole ? WHOLE_LOGIN : LOGIN).test(value)) return value;
  if (!whole) return encoded(value);
  const [user = '', ...password] = value.split(':');
  return password.length === 0 ? encoded(user) : `${encoded(user)}:${encoded(password.join(':'))}`;
}

function encoded(text: string): string {
  // A lone half of a surrogate pair has no bytes that could be written.
  return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, '\ufffd'));
}
