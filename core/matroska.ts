/** What is common to all who read Matroska (RFC 9559), whose elements are EBML's (RFC 8794). */

export const SEGMENT = 0x18538067;
export const INFO = 0x1549a966;
export const TRACKS = 0x1654ae6b;
export const CLUSTER = 0x1f43b675;

/** A Segment element whose size is not known, as in a live stream. */
export const ENDLESS_SEGMENT = Buffer.from('1853806701ffffffffffffff', 'hex');

export interface Element {
  id: number;
  /** Where its content begins, and where the element after it does. */
  bodyAt: number;
  endAt: number;
}

/** The bytes are not what ffmpeg writes, or no longer. */
export class DamagedMatroskaError extends Error {
  override readonly name = 'DamagedMatroskaError';
}

/** The element at `at`; undefined when its head is not all there. Throws `DamagedMatroskaError`. */
export function elementAt(bytes: Uint8Array, at: number): Element | undefined {
  const id = numberAt(bytes, at, 4, false);
  if (id === undefined) return undefined;
  const size = numberAt(bytes, at + id.length, 8, true);
  if (size === undefined) return undefined;
  const bodyAt = at + id.length + size.length;
  return { id: id.value, bodyAt, endAt: bodyAt + size.value };
}

/**
 * A number whose first byte tells its length, of at most `longest` bytes; `plain` without the bit that does. Undefined
 * when it is not all there. Throws `DamagedMatroskaError`.
 */
export function numberAt(
  bytes: Uint8Array,
  at: number,
  longest: number,
  plain: boolean,
): { value: number; length: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  const length = Math.clz32(first) - 23;
  if (length > longest) throw new DamagedMatroskaError(`no element begins at byte ${at}`);
  if (at + length > bytes.length) return undefined;
  let value = plain ? first & (0xff >> length) : first;
  // Beyond 2^53 it is no size of ours anyway, and whoever checks sizes says so.
  for (let more = 1; more < length; more++) value = value * 256 + (bytes[at + more] ?? 0);
  return { value, length };
}
