import { createHash, randomBytes } from 'node:crypto';
import { XMLParser } from 'fast-xml-parser';
import type { HttpClient } from './http-client.ts';
import { readBody } from './http-client.ts';
import type { Login } from './http-auth.ts';
import { SourceError, statusError } from './source-error.ts';

const MOST_BYTES = 4e6;

const parser = new XMLParser({
  removeNSPrefix: true,
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  // One profile and several look alike then.
  isArray: (name) => name === 'Profiles',
});

/** A client of an ONVIF device, that signs its questions (WS-Security UsernameToken Profile 1.1, digest). */
export class OnvifDevice {
  readonly #client: HttpClient;
  readonly #login: Login | undefined;
  readonly #signal: AbortSignal;
  /** How far the camera's clock is ahead of ours: it refuses a signature of another time. */
  clockAheadMs = 0;

  constructor(client: HttpClient, login: Login | undefined, signal: AbortSignal) {
    this.#client = client;
    this.#login = login;
    this.#signal = signal;
  }

  /**
   * Asks a service and gives the content of its answer's body. `question` is XML. Rejects with `SourceError`: login
   * refused, not an ONVIF device, or the fault that the device tells.
   */
  async ask(service: URL, question: string, options: { signed: boolean }): Promise<unknown> {
    const security = options.signed && this.#login !== undefined ? this.#security(this.#login) : '';
    const answer = await this.#client.ask(service, {
      method: 'POST',
      headers: { 'content-type': 'application/soap+xml; charset=utf-8' },
      body:
        '<?xml version="1.0" encoding="utf-8"?>' +
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">' +
        `${security}<s:Body>${question}</s:Body></s:Envelope>`,
      signal: this.#signal,
    });
    const text = (await readBody(answer, { mostBytes: MOST_BYTES })).toString('utf8');
    const body = bodyOf(text);
    if (answer.status === 200 && body !== undefined) {
      const fault = part(body, 'Fault');
      if (fault === undefined) return body;
      throw faultError(fault);
    }
    if (answer.status === 401 || answer.status === 403) throw statusError(answer.status);
    const fault = part(body, 'Fault');
    if (fault !== undefined) throw faultError(fault);
    throw new SourceError(
      'no-answer',
      `does not answer as an ONVIF camera does (HTTP status ${answer.status}): check the port in its source, and that ` +
        'ONVIF is switched on in the camera',
      'soon',
    );
  }

  #security(login: Login): string {
    const nonce = randomBytes(16);
    const created = new Date(Date.now() + this.clockAheadMs).toISOString();
    const digest = createHash('sha1')
      .update(Buffer.concat([nonce, Buffer.from(created + login.password)]))
      .digest('base64');
    const wss = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';
    return [
      `<s:Header><w:Security s:mustUnderstand="1" xmlns:w="${wss}-wssecurity-secext-1.0.xsd"`,
      ` xmlns:u="${wss}-wssecurity-utility-1.0.xsd"><w:UsernameToken>`,
      `<w:Username>${escapeXml(login.user)}</w:Username>`,
      `<w:Password Type="${wss}-username-token-profile-1.0#PasswordDigest">${digest}</w:Password>`,
      `<w:Nonce EncodingType="${wss}-soap-message-security-1.0#Base64Binary">${nonce.toString('base64')}</w:Nonce>`,
      `<u:Created>${created}</u:Created></w:UsernameToken></w:Security></s:Header>`,
    ].join('');
  }
}

/** A part of parsed XML by its path of names; undefined where there is none. */
export function part(value: unknown, ...names: string[]): unknown {
  let current = value;
  for (const name of names) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = new Map<string, unknown>(Object.entries(current)).get(name);
  }
  return current;
}

/** The text of a part, or undefined. */
export function textOf(value: unknown, ...names: string[]): string | undefined {
  const found = part(value, ...names);
  if (typeof found === 'string') return found.trim();
  // With attributes, the text has a name of its own.
  const inner = part(found, '#text');
  return typeof inner === 'string' ? inner.trim() : undefined;
}

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function bodyOf(text: string): unknown {
  try {
    return part(parser.parse(text), 'Envelope', 'Body');
  } catch {
    // It is no XML, so no ONVIF device.
    return undefined;
  }
}

function faultError(fault: unknown): SourceError {
  const reason = textOf(fault, 'Reason', 'Text') ?? textOf(fault, 'faultstring') ?? '';
  const code = JSON.stringify(part(fault, 'Code') ?? '');
  if (
    /NotAuthorized|FailedAuthentication|InvalidSecurity/i.test(code) ||
    /not authori[sz]ed|password/i.test(reason)
  ) {
    return new SourceError(
      'wrong-password',
      'refused the login: check the user and password in its source (many cameras have users of their own for ONVIF)',
      'slow',
    );
  }
  const said = reason === '' ? '' : `: ${reason.replaceAll(/\s+/g, ' ').slice(0, 200)}`;
  return new SourceError('refused-stream', `does not tell the address of its stream${said}`, 'soon');
}
