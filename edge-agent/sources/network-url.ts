import { badSource } from './bad-source.ts';

/**
 * Checks that a source is an address with a host. Returns it as written, but for the scheme in small letters, and as
 * a URL. Throws `UsageError`.
 */
export function networkUrl(text: string, example: string): { text: string; url: URL } {
  const scheme = /^[^:]*/.exec(text)?.[0] ?? '';
  const normal = scheme.toLowerCase() + text.slice(scheme.length);
  // eslint-disable-next-line no-control-regex -- control characters are what must not be there
  if (/[\s\u0000-\u001f\u007f\\]/.test(normal)) {
    throw badSource(
      text,
      'has a space, a backslash or a control character: write it as %XX (a space is %20)',
    );
  }
  const hint = `give ${example}, and write special characters of a password as %XX`;
  // URL would take the path of http:///path for a host.
  if (!/^[a-z0-9+.-]+:\/\/[^/]/.test(normal) || !URL.canParse(normal)) {
    throw badSource(text, `is no usable address: ${hint}`);
  }
  const url = new URL(normal);
  // Nobody means these; with them, a password's own / or # would make a host of the user's name.
  if (/[@#]/.test(normal.slice(normal.indexOf('://') + 3).replace(/^[^/?#]*/, ''))) {
    throw badSource(
      text,
      'has an @ or a # behind its host: write special characters of user, password and path as %XX (@ is %40, # is %23)',
    );
  }
  if (url.hostname === '') throw badSource(text, `names no host: ${hint}`);
  if (!/^([\w.-]+|\[[\da-f:.]+\])$/i.test(url.hostname) || !URL.canParse(`http://${url.hostname}`)) {
    throw badSource(text, `has a host that is no name and no IP address: ${hint}`);
  }
  if (url.port === '0') throw badSource(text, `has port 0: ${hint}`);
  if (!isDecodable(url.username) || !isDecodable(url.password)) {
    throw badSource(text, 'has a % in its user or password that begins no %XX: write it as %25');
  }
  return { text: normal, url };
}

/** A URL's host for a connection: no brackets around an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

/** User and password of a URL, decoded. Undefined without a user. */
export function loginOf(url: URL): { user: string; password: string } | undefined {
  if (url.username === '' && url.password === '') return undefined;
  return { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
