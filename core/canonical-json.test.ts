import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { canonicalJson, canonicalSha256 } from './canonical-json.ts';

test('members stand in the order of their names in UTF-16 units, as in RFC 8785, 3.2.3', () => {
  const value = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\u{1f600}': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  };
  const order = [...canonicalJson(value).matchAll(/:"([^"]*)"/g)].map(([, text]) => text);
  expect(order).toEqual([
    'Carriage Return',
    'One',
    'Control',
    'Latin Small Letter O With Diaeresis',
    'Euro Sign',
    'Emoji: Grinning Face',
    'Hebrew Letter Dalet With Dagesh',
  ]);
});

test('the sample of RFC 8785, 3.2.2, comes out as the RFC has it, byte by byte', () => {
  const value: unknown = JSON.parse(
    '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
      '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
  );
  expect(canonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

/** RFC 8785, appendix B: the bits of a double, and its text. */
const NUMBERS: [string, string][] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
];

test.each(NUMBERS)('the number of bits %s is written %s', (bits, text) => {
  expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text);
});

test('two ways to write a value have one canonical text and one digest', () => {
  const a: unknown = JSON.parse('{ "b": [1.0, 2e0], "a": {"y": "\\u0041", "x": null} }');
  expect(canonicalJson(a)).toBe('{"a":{"x":null,"y":"A"},"b":[1,2]}');
  const sha256 = createHash('sha256').update('{"a":{"x":null,"y":"A"},"b":[1,2]}').digest('hex');
  expect(canonicalSha256({ b: [1, 2], left: undefined, a: { x: null, y: 'A' } })).toBe(sha256);
});

test.each([
  ['a number without a value', { a: Number.NaN }],
  ['an endless number', [Number.POSITIVE_INFINITY]],
  ['half of a surrogate pair', '\ud800'],
  ['half of a surrogate pair in a name', { '\udc00': 1 }],
  ['a hole in a list', [undefined]],
  ['a date', { a: new Date(0) }],
  ['a bigint', 1n],
])('what JSON cannot carry is refused: %s', (_what, value) => {
  expect(() => canonicalJson(value)).toThrow(TypeError);
});
