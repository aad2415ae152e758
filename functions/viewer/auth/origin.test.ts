import { expect, it } from 'vitest';
import type { Asked } from '../answer.ts';
import { addressOf, isForeign, isLoopbackName, isSecure, networkOf } from './origin.ts';

function asked(headers: Record<string, string>, method = 'POST'): Asked {
  return { method, header: (name) => headers[name.toLowerCase()] };
}

it('who asks is the last address that was forwarded, or the one before proxies of ours', () => {
  const three = asked({ 'x-forwarded-for': '6.6.6.6, 192.0.2.7, 10.0.0.1' });
  expect(addressOf(three, 0)).toBe('10.0.0.1');
  expect(addressOf(three, 1)).toBe('192.0.2.7');
  expect(addressOf(three, 9)).toBe('6.6.6.6');
  // As OpenFaaS's gateway tells it.
  expect(addressOf(asked({ 'x-forwarded-for': '192.0.2.7:51234' }), 0)).toBe('192.0.2.7');
  expect(addressOf(asked({ 'x-forwarded-for': '[2001:db8::1]:51234' }), 0)).toBe('2001:db8::1');
  expect(addressOf(asked({ 'x-forwarded-for': '::ffff:192.0.2.7' }), 0)).toBe('192.0.2.7');
  expect(addressOf(asked({}), 0)).toBe('unknown');
  expect(addressOf(asked({ 'x-forwarded-for': '<script>\n' }), 0)).toBe('unknown');
});

it('tries from one network of IPv6 are counted together', () => {
  expect(networkOf('2001:db8:0:7::1')).toBe(networkOf('2001:db8:0:7:ffff::2'));
  expect(networkOf('2001:db8:0:7::1')).not.toBe(networkOf('2001:db8:0:8::1'));
  expect(networkOf('2001:DB8::1')).toBe('2001:db8:0:0');
  expect(networkOf('192.0.2.7')).toBe('192.0.2.7');
});

it("another site's page is told by the browser's word, or by its origin", () => {
  const host = 'cams.example:8443';
  expect(isForeign(asked({ host, origin: `https://${host}` }))).toBe(false);
  expect(isForeign(asked({ host: 'inner', 'x-forwarded-host': host, origin: `https://${host}` }))).toBe(
    false,
  );
  expect(isForeign(asked({ host, origin: 'https://cams.example' }))).toBe(true);
  expect(isForeign(asked({ host, origin: 'https://cams.example:8443.evil.example' }))).toBe(true);
  expect(isForeign(asked({ host, origin: 'null' }))).toBe(true);
  // Behind a proxy that hides the name the browser's word is enough.
  expect(
    isForeign(asked({ host: 'inner', origin: `https://${host}`, 'sec-fetch-site': 'same-origin' })),
  ).toBe(false);
  expect(isForeign(asked({ host, origin: `https://${host}`, 'sec-fetch-site': 'cross-site' }))).toBe(true);
  // A program is no page.
  expect(isForeign(asked({ host }))).toBe(false);
});

it('names that lead to this host alone are known, and no others', () => {
  expect(['127.0.0.1:8080', 'localhost', 'a.localhost:80', '[::1]:8080'].every(isLoopbackName)).toBe(true);
  expect(['localhost.evil.example', '127.0.0.1.nip.io', '0.0.0.0', ''].some(isLoopbackName)).toBe(false);
});

it('https is told by the browser, and by a proxy only where it counts', () => {
  expect(isSecure(asked({ origin: 'https://cams.example' }), false)).toBe(true);
  expect(isSecure(asked({ 'x-forwarded-proto': 'https' }), false)).toBe(false);
  expect(isSecure(asked({ 'x-forwarded-proto': 'https, http' }), true)).toBe(true);
});
