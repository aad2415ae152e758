import { expect, test } from 'vitest';
import { liveTokenFault, makeLiveToken, sameText } from './live-token.ts';

const SECRET = 'a-secret-of-the-test-only-0123456789';
const asked = { secret: SECRET, camera: 'yard', nowS: 1000 };

test('a token lets its bearer watch its camera until its time', () => {
  const token = makeLiveToken(SECRET, 'yard', 1060.9);
  expect(liveTokenFault(token, asked)).toBeUndefined();
  expect(liveTokenFault(token, { ...asked, nowS: 1059.9 })).toBeUndefined();
  expect(liveTokenFault(token, { ...asked, nowS: 1060 })).toBe('expired');
  expect(liveTokenFault(token, { ...asked, camera: 'yard-2' })).toBe('other-camera');
  expect(
    liveTokenFault(makeLiveToken(SECRET, 'yard_2', 1060), { ...asked, camera: 'yard_2' }),
  ).toBeUndefined();
});

test('one that was changed anywhere, or signed with another secret, is no token', () => {
  const token = makeLiveToken(SECRET, 'yard', 1060);
  for (let at = 0; at < token.length; at++) {
    const other = token[at] === '1' ? '2' : '1';
    const changed = token.slice(0, at) + other + token.slice(at + 1);
    expect(['wrong', 'malformed'], changed).toContain(liveTokenFault(changed, asked));
  }
  const [version, , expires, mac] = token.split('.');
  for (const forged of [
    [version, 'barn', expires, mac].join('.'),
    [version, 'yard', '999999999999', mac].join('.'),
    [version, 'yard', expires, ''].join('.'),
    `${token}a`,
    ` ${token}`,
    `${token}\n`,
    '',
    'v1.yard',
  ])
    expect(['wrong', 'malformed'], forged).toContain(liveTokenFault(forged, asked));
  expect(liveTokenFault(makeLiveToken('another-secret-of-the-test', 'yard', 1060), asked)).toBe('wrong');
});

test('without a secret nothing counts, not even what an empty one signs', () => {
  expect(liveTokenFault(makeLiveToken('', 'yard', 1060), { ...asked, secret: '' })).toBe('wrong');
});

test('of a token that is not ours nothing is told but that', () => {
  const expired = makeLiveToken('another-secret-of-the-test', 'barn', 10);
  expect(liveTokenFault(expired, asked)).toBe('wrong');
});

test('texts are the same only when all of them is', () => {
  expect(sameText('', '')).toBe(true);
  expect(sameText('token', 'token')).toBe(true);
  expect(sameText('token', 'tokem')).toBe(false);
  expect(sameText('token', 'token ')).toBe(false);
});
