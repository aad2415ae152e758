import { createHash } from 'node:crypto';

/**
 * The one JSON text of a value, by RFC 8785 (JSON Canonicalization Scheme): members in the order of their names' UTF-16
 * units, numbers and strings as ECMAScript writes them, no space. Members that are `undefined` are left out, as
 * `JSON.stringify` does. Throws `TypeError` for what JSON cannot tell apart or carry: numbers that are not finite, halves
 * of surrogate pairs, and anything but plain objects, arrays, strings, numbers, booleans and null.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`JSON has no number ${value}`);
    return JSON.stringify(value);
  }
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || !isPlain(value)) throw new TypeError(`JSON has no ${typeof value}`);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${quoted(name)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** sha256 of a value's canonical JSON, in hexadecimal. Throws as `canonicalJson` does. */
export function canonicalSha256(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

const HALF_OF_A_PAIR = /\p{Surrogate}/u;

function quoted(text: string): string {
  if (HALF_OF_A_PAIR.test(text)) throw new TypeError('JSON text has half of a surrogate pair');
  return JSON.stringify(text);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
