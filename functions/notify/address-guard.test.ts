import type { LookupAddress } from 'node:dns';
import { describe, expect, it } from 'vitest';
import { guardedLookup, placeOf, requireOpen, saysPrivate } from './address-guard.ts';

describe('an address', () => {
  it.each([
    ['203.0.113.7', 'public'],
    ['2001:db8::1', 'public'],
    ['127.0.0.1', 'private'],
    ['192.168.1.5', 'private'],
    ['10.255.0.1', 'private'],
    ['172.31.0.1', 'private'],
    ['172.32.0.1', 'public'],
    ['100.64.0.1', 'private'],
    ['::1', 'private'],
    ['fd12::1', 'private'],
    ['::ffff:192.168.1.5', 'private'],
    ['::ffff:c0a8:105', 'private'],
    ['169.254.169.254', 'never'],
    ['::ffff:169.254.169.254', 'never'],
    ['::ffff:a9fe:a9fe', 'never'],
    ['fd00:ec2::254', 'never'],
    ['fe80::1', 'never'],
    ['0.0.0.0', 'never'],
    ['::', 'never'],
    ['255.255.255.255', 'never'],
  ])('%s is %s', (address, place) => {
    expect(placeOf(address)).toBe(place);
  });
});

it.each([
  ['http://192.168.1.5/hook', true],
  ['http://localhost:8123/', true],
  ['http://homeassistant.local/', true],
  ['http://nas/', true],
  ['http://[fd12::1]/', true],
  ['https://hooks.example.org/', false],
  ['https://203.0.113.7/', false],
  ['https://local.example.org/', false],
  ['http://169.254.169.254/', false],
])('whether %s says by itself that it is of the own network: %s', (url, says) => {
  expect(saysPrivate(new URL(url))).toBe(says);
});

it.each([
  'http://2130706433/', // 127.0.0.1 as one number
  'http://0x7f.1/',
  'http://[::ffff:127.0.0.1]/',
])('however an address is written, it counts as what it is: %s', (url) => {
  expect(() => requireOpen(new URL(url), false)).toThrow(/own network/);
});

describe('a name', () => {
  /** What a lookup of a name with these addresses gives to whoever connects. */
  function looked(addresses: string[], allowPrivate: boolean): Promise<unknown> {
    const dns = (
      _name: string,
      _options: object,
      answer: (error: null, all: LookupAddress[]) => void,
    ): void =>
      answer(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    const lookup = guardedLookup(allowPrivate, dns as typeof import('node:dns').lookup);
    return new Promise((resolve, reject) => {
      lookup('hooks.example.org', { all: true }, (error, found) => {
        if (error) reject(error);
        else resolve(found);
      });
    });
  }

  it('that leads into the own network is not connected to unless that was said', async () => {
    await expect(looked(['192.168.1.5'], false)).rejects.toMatchObject({ code: 'address-refused' });
    await expect(looked(['203.0.113.7', '::1'], false)).rejects.toThrow(/set privateAddresses/);
    await expect(looked(['192.168.1.5'], true)).resolves.toMatchObject([{ address: '192.168.1.5' }]);
    await expect(looked(['203.0.113.7'], false)).resolves.toMatchObject([{ address: '203.0.113.7' }]);
  });

  it('that leads to a machine’s metadata service is never connected to', async () => {
    await expect(looked(['169.254.169.254'], true)).rejects.toThrow(/link-local/);
  });
});
