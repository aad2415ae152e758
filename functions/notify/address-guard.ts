import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { FaascamError } from '@faascam/core/errors';

/**
 * Where an address lies. `never`: link-local, where clouds answer with a machine's own keys, and what is no single host.
 * After the special-purpose registries of IANA (RFC 6890).
 */
export type Place = 'public' | 'private' | 'never';

const never = blocks(
  ['0.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
  ['fd00:ec2::', 32, 'ipv6'],
);
const closed = blocks(
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['::1', 128, 'ipv6'],
  ['64:ff9b:1::', 48, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
);

function blocks(...nets: readonly [string, number, 'ipv4' | 'ipv6'][]): BlockList {
  const list = new BlockList();
  for (const [net, bits, family] of nets) list.addSubnet(net, bits, family);
  return list;
}

/** Where an IP address lies; an IPv4 address in IPv6's clothes counts as what it is. */
export function placeOf(address: string): Place {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (never.check(address, family)) return 'never';
  return closed.check(address, family) ? 'private' : 'public';
}

/** Names that are private ones by themselves: whoever writes them means their own network. */
const OWN_NAME = /^[^.]+$|(^|\.)(localhost|local|lan|home|internal|home\.arpa)\.?$/i;

/** The URL's host without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Whether the address itself says that it is of the own network. */
export function saysPrivate(url: URL): boolean {
  const host = hostOf(url);
  return isIP(host) === 0 ? OWN_NAME.test(host) : placeOf(host) === 'private';
}

/** An address to which nothing is sent. */
export class AddressRefusedError extends FaascamError {
  override readonly name = 'AddressRefusedError';

  constructor(host: string, place: Place) {
    super(
      'address-refused',
      place === 'never'
        ? `${host} is a link-local or reserved address, to which nothing is sent: give another.`
        : `${host} leads into the own network, although its name does not say so: set privateAddresses if that is meant.`,
    );
  }
}

/** Throws `AddressRefusedError` where the URL names an IP address that may not be spoken to. */
export function requireOpen(url: URL, allowPrivate: boolean): void {
  const host = hostOf(url);
  if (isIP(host) === 0) return;
  const place = placeOf(host);
  if (place === 'never' || (place === 'private' && !allowPrivate)) throw new AddressRefusedError(host, place);
}

/**
 * Looks a name up for a connection, and refuses it when one of its addresses may not be spoken to. What was judged is what
 * is connected to: a name that answers otherwise the next time does not help.
 */
export function guardedLookup(
  allowPrivate: boolean,
  resolve: typeof systemLookup = systemLookup,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) {
        callback(error, '', 0);
        return;
      }
      for (const { address } of addresses) {
        const place = placeOf(address);
        if (place === 'never' || (place === 'private' && !allowPrivate)) {
          callback(new AddressRefusedError(hostname, place), '', 0);
          return;
        }
      }
      const [first] = addresses;
      if (options.all === true) callback(null, addresses);
      else callback(null, first?.address ?? '', first?.family ?? 0);
    });
  };
}
