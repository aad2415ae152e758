import { isIPv6 } from 'node:net';
import type { Asked } from '../answer.ts';

/**
 * Whether a browser says that another site's page sent this. `Sec-Fetch-Site` is the browser's own word and needs no name of
 * ours; where it is missing (plain HTTP), the origin must be the host that was asked. Programs send neither.
 */
export function isForeign(asked: Asked): boolean {
  const site = asked.header('sec-fetch-site');
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const origin = asked.header('origin');
  if (origin === undefined) return false;
  const from = hostOfOrigin(origin);
  return from === undefined || !hostsAsked(asked).includes(from);
}

/** Whether it changes something, or may. */
export function isChange({ method }: Asked): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

/** The host that was asked for, as whoever stands in front of us says. */
export function hostsAsked(asked: Asked): string[] {
  return [asked.header('x-forwarded-host'), asked.header('host')].flatMap((host) =>
    host === undefined ? [] : [(host.split(',')[0] ?? '').trim().toLowerCase()],
  );
}

function hostOfOrigin(origin: string): string | undefined {
  try {
    const { host, protocol } = new URL(origin);
    return protocol === 'http:' || protocol === 'https:' ? host : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a name in the address leads to this host alone. Another name that leads here is one that its owner has turned
 * around, to have a browser on this host ask us in the owner's name (DNS rebinding).
 */
export function isLoopbackName(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return (
    name === 'localhost' || name.endsWith('.localhost') || /^127(\.\d{1,3}){3}$/.test(name) || name === '::1'
  );
}

/** Whether the browser speaks to us, or to the proxy in front, over TLS: by its own word, or by the proxy's if that counts. */
export function isSecure(asked: Asked, trustForwardedProto: boolean): boolean {
  if (asked.header('origin')?.startsWith('https://') === true) return true;
  const proto = asked.header('x-forwarded-proto')?.split(',')[0]?.trim().toLowerCase();
  return trustForwardedProto && proto === 'https';
}

const UNKNOWN = 'unknown';

/**
 * The address that asks. `proxies` is how many addresses at the end of X-Forwarded-For are those of proxies of ours, which
 * wrote the ones before. It is only as true as whoever wrote it.
 */
export function addressOf(asked: Asked, proxies: number): string {
  const addresses = (asked.header('x-forwarded-for') ?? '').slice(-1000).split(',');
  const address = addresses[Math.max(0, addresses.length - 1 - proxies)]?.trim() ?? '';
  // OpenFaaS's gateway tells the port as well.
  const bare = address
    .replace(/^\[(.*)\](:\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
    .replace(/^::ffff:(\d+\.\d+\.\d+\.\d+)$/i, '$1');
  return /^[0-9A-Fa-f:.]{2,45}$/.test(bare) ? bare : UNKNOWN;
}

/** What tries are counted by: an IPv4 address, or the network of 64 bits that a subscriber has of IPv6. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.toLowerCase().split('::', 2);
  const parts = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : Math.max(0, 8 - parts.length - after.length);
  return [...parts, ...Array.from({ length: missing }, () => '0'), ...after]
    .slice(0, 4)
    .map((part) => part.replace(/^0+(?=.)/, ''))
    .join(':');
}
