import { describe, expect, test } from 'vitest';
import { authorization, chooseChallenge, parseChallenges } from './http-auth.ts';

describe('authentication over HTTP', () => {
  // RFC 7616, section 3.9.1.
  const header =
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, ' +
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", ' +
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, ' +
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
  const login = { user: 'Mufasa', password: 'Circle of Life' };
  const request = {
    ...{ method: 'GET', path: '/dir/index.html', count: 1 },
    clientNonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  };

  test.each([
    [0, '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
    [1, '8ca523f5e9506fed4657c9700eebdbec'],
  ])("the standard's example of a digest, %i", (index, response) => {
    const challenge = parseChallenges(header)[index];
    if (challenge === undefined) throw new Error('no challenge');
    const value = authorization(challenge, login, request);
    expect(value).toContain(`response="${response}"`);
    expect(value).toContain('nc=00000001');
    expect(value).toContain('username="Mufasa"');
  });

  test('the old digest without qop: RFC 2069', () => {
    const [challenge] = parseChallenges(
      'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"',
    );
    if (challenge === undefined) throw new Error('no challenge');
    const value = authorization(challenge, { user: 'Mufasa', password: 'CircleOfLife' }, { ...request });
    // Its erratum 749 gives this response.
    expect(value).toContain('response="1949323746fe6a43ef61f9606e7febea"');
    expect(value).not.toContain('cnonce');
  });

  test('basic: RFC 7617', () => {
    const [challenge] = parseChallenges('Basic realm="WallyWorld"');
    if (challenge === undefined) throw new Error('no challenge');
    expect(authorization(challenge, { user: 'Aladdin', password: 'open sesame' }, request)).toBe(
      'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==',
    );
  });

  test.each([
    [header, 'SHA-256'],
    ['Basic realm="a", Digest realm="b", nonce="c"', 'MD5'],
    ['Negotiate, Basic realm="a, b = c"', 'basic'],
    ['Digest realm="a", nonce="b", algorithm=ROT13', undefined],
    ['Bearer realm="a"', undefined],
    ['', undefined],
    ['"=,=', undefined],
  ])('of %s the strongest that we know is taken', (text, expected) => {
    const chosen = chooseChallenge(parseChallenges(text));
    const name =
      chosen?.scheme === 'basic' ? 'basic' : chosen && (chosen.parameters.get('algorithm') ?? 'MD5');
    expect(name).toBe(expected);
  });
});
