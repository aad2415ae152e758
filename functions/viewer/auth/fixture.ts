import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type Clock } from '@faascam/core/clock';
import type { FunctionHandler } from '@faascam/core/function';
import { createLogger } from '@faascam/core/log';
import { freePort } from '@faascam/core/ports';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { hostHandler, type HandlerHost } from '../fixture.ts';
import { PageFiles } from '../page-files.ts';
import { Viewer } from '../viewer.ts';
import { gateFromEnv } from './gate.ts';
import { passwordHash } from './password.ts';
import { SESSION_COOKIE } from './session.ts';
import { usersText, type User, type Users } from './users-file.ts';

/** For the tests: a clock that stands still unless it is moved by hand. */
export class HandClock implements Clock {
  readonly #startUs = systemClock.nowUs();
  offsetMs = 0;

  nowUs(): number {
    return this.#startUs + this.offsetMs * 1000;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await systemClock.sleep(ms, signal);
  }
}

/** For the tests: a page with logins, in a folder of its own. */
export interface LoginSite {
  host: HandlerHost;
  store: ObjectStore;
  clock: HandClock;
  usersPath: string;
  setUsers(users: Partial<Users>): Promise<void>;
  stop(): Promise<void>;
}

export async function startLoginSite(
  env: Record<string, string> = {},
  {
    prefix = '',
    handler,
    page = new PageFiles('<!doctype html>', new Map()),
  }: { prefix?: string; handler?: (inner: FunctionHandler) => FunctionHandler; page?: PageFiles } = {},
): Promise<LoginSite> {
  const directory = await mkdtemp(join(tmpdir(), 'faascam-login-'));
  const store = await openStore({ kind: 'directory', path: '' }, directory);
  const clock = new HandClock();
  const log = createLogger('login-test');
  const usersPath = join(directory, 'viewer-users.yml');
  const { NATS_URL: url = `nats://127.0.0.1:${await freePort()}`, ...login } = env;
  const viewer = new Viewer({
    store,
    page,
    nats: { url },
    clock,
    log,
    gate: (nats) => gateFromEnv({ nats, clock, log }, { FAASCAM_DATA: directory, ...login }),
  });
  const inner: FunctionHandler = async (event, context) => await viewer.handle(event, context);
  const host = await hostHandler(handler?.(inner) ?? inner, prefix);
  return {
    host,
    store,
    clock,
    usersPath,
    setUsers: async (users) => {
      await writeFile(usersPath, usersText({ users: [], tokens: [], ...users }), { mode: 0o600 });
      // Looked at again at once.
      clock.offsetMs += 2000;
    },
    stop: async () => {
      await host.stop();
      await viewer.close();
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** A user whose password is `password of NAME`. */
export async function userOf(name: string, role: User['role'], cameras?: string[]): Promise<User> {
  const password = await passwordHash(passwordOf(name));
  return { name, role, password, ...(cameras === undefined ? {} : { cameras }) };
}

export function passwordOf(name: string): string {
  return `password of ${name}`;
}

/** A browser, as far as logging in needs one. */
export class Visitor {
  readonly #url: string;
  cookie: string | undefined;
  csrf: string | undefined;
  /** Sent with everything. */
  headers: Record<string, string>;
  lastSetCookie = '';

  constructor(url: string, headers: Record<string, string> = {}) {
    this.#url = url;
    this.headers = headers;
  }

  async ask(
    method: string,
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<{ status: number; text: string; headers: Headers }> {
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        ...this.headers,
        ...(this.cookie === undefined ? {} : { Cookie: `${SESSION_COOKIE}=${this.cookie}` }),
        ...(this.csrf === undefined || method === 'GET' ? {} : { 'X-Faascam-Csrf': this.csrf }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const set = response.headers.get('set-cookie');
    if (set !== null) {
      this.lastSetCookie = set;
      this.cookie = /^faascam_session=([^;]*)/.exec(set)?.[1];
    }
    return { status: response.status, text: await response.text(), headers: response.headers };
  }

  /** The status of a login, and what came with it. */
  async login(
    name: string,
    password = passwordOf(name),
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string; headers: Headers }> {
    const answer = await this.ask('POST', 'api/session', { body: { name, password }, headers });
    if (answer.status === 200) {
      const told: unknown = JSON.parse(answer.text);
      if (typeof told === 'object' && told !== null && 'csrf' in told) this.csrf = String(told.csrf);
    }
    return answer;
  }

  async status(path: string, method = 'GET'): Promise<number> {
    return (await this.ask(method, path)).status;
  }
}
