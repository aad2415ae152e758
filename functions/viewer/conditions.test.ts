import { describe, expect, it } from 'vitest';
import { isUnchanged, quotedTag, rangeCounts } from './conditions.ts';

const modifiedMs = Date.UTC(2026, 2, 1, 12, 0, 0, 400);
const date = new Date(modifiedMs).toUTCString();
const version = { etag: '"abc"', modifiedMs };

describe('a conditional request', () => {
  it('is answered with "unchanged" when one of its tags is the version, in whatever form it is quoted back', () => {
    for (const header of ['"abc"', 'W/"abc"', '"x", "abc"', '*']) {
      expect(isUnchanged(version, header, undefined)).toBe(true);
    }
  });

  it('is answered in full when no tag matches, even if the date would', () => {
    expect(isUnchanged(version, '"x"', date)).toBe(false);
  });

  it('goes by the date when there is no tag', () => {
    expect(isUnchanged(version, undefined, date)).toBe(true);
    expect(isUnchanged(version, undefined, new Date(modifiedMs - 1000).toUTCString())).toBe(false);
    expect(isUnchanged(version, undefined, 'yesterday')).toBe(false);
    expect(isUnchanged({ etag: '"abc"' }, undefined, date)).toBe(false);
  });

  it('gets its range only from the version its first part came from', () => {
    expect(rangeCounts(version, undefined)).toBe(true);
    expect(rangeCounts(version, '"abc"')).toBe(true);
    expect(rangeCounts(version, date)).toBe(true);
    expect(rangeCounts(version, '"other"')).toBe(false);
    expect(rangeCounts(version, 'W/"abc"')).toBe(false);
    expect(rangeCounts(version, new Date(modifiedMs + 5000).toUTCString())).toBe(false);
    expect(rangeCounts(version, 'nonsense')).toBe(false);
  });
});

it('a tag of the store is quoted once and holds nothing that could end a header', () => {
  expect(quotedTag('abc')).toBe('"abc"');
  expect(quotedTag('"abc"')).toBe('"abc"');
  expect(quotedTag('W/"abc-2"')).toBe('"abc-2"');
  expect(quotedTag('a\r\nSet-Cookie: x')).toBe('"aSet-Cookie:x"');
});
