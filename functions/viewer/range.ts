/** What part of an object a request's Range header asks for; `start` and `end` are byte offsets, both inclusive. */
export type RangeChoice =
  { kind: 'whole' } | { kind: 'part'; start: number; end: number } | { kind: 'unsatisfiable' };

const RANGES = /^bytes=[ \t]*(\d*)[ \t]*-[ \t]*(\d*)[ \t]*$/i;

/**
 * Chooses what to send of an object of `sizeBytes` (RFC 9110, section 14). One range is honoured. A header that is
 * malformed, in another unit, or asks for several ranges is ignored, as the standard allows: the whole is sent.
 */
export function chooseRange(header: string | undefined, sizeBytes: number): RangeChoice {
  const [, first, last] = RANGES.exec(header?.trim() ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return { kind: 'whole' };
  if (first === '') {
    const suffixBytes = Number(last);
    if (suffixBytes === 0 || sizeBytes === 0) return { kind: 'unsatisfiable' };
    return { kind: 'part', start: Math.max(0, sizeBytes - suffixBytes), end: sizeBytes - 1 };
  }
  const start = Number(first);
  const asked = last === '' ? Number.POSITIVE_INFINITY : Number(last);
  if (asked < start) return { kind: 'whole' };
  if (start >= sizeBytes) return { kind: 'unsatisfiable' };
  return { kind: 'part', start, end: Math.min(asked, sizeBytes - 1) };
}
