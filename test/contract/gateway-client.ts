import { FaascamError, messageOf } from '@faascam/core/errors';
import type { Login } from './settings.ts';

export interface Answer {
  status: number;
  headers: Headers;
  body: Buffer;
  text: string;
}

export interface Call {
  method?: string;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  /** Without the login, where one is set. */
  anonymous?: boolean;
}

/** The one function that asks who calls it. */
const PAGE = 'viewer';
const TIMEOUT_MS = 30_000;

/** The gateway under test, by HTTP. Redirects are not followed: a login page elsewhere is no answer. */
export class GatewayClient {
  readonly #address: string;
  readonly #login: Login | undefined;
  readonly #pageToken: string | undefined;

  constructor(address: string, login: Login | undefined, pageToken?: string) {
    this.#address = address;
    this.#login = login;
    this.#pageToken = pageToken;
  }

  /** Throws `FaascamError` `gateway-unreachable`. */
  async call(path: string, { method, headers = {}, body, anonymous }: Call = {}): Promise<Answer> {
    const login = anonymous === true ? undefined : this.#login;
    try {
      const answer = await fetch(`${this.#address}${path}`, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: { ...(login === undefined ? {} : { authorization: authorizationOf(login) }), ...headers },
        ...(body === undefined ? {} : { body: Buffer.from(body) }),
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      return { status: answer.status, headers: answer.headers, body: bytes, text: bytes.toString('utf8') };
    } catch (cause) {
      const why = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
      throw new FaascamError(
        'gateway-unreachable',
        `the gateway at ${this.#address} did not answer ${path} (${messageOf(why)})`,
        { cause },
      );
    }
  }

  async callFunction(name: string, path: string, call?: Call): Promise<Answer> {
    const token = name === PAGE ? this.#pageToken : undefined;
    return await this.call(`/function/${name}${path}`, {
      ...call,
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...call?.headers },
    });
  }
}

function authorizationOf({ user, password }: Login): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
