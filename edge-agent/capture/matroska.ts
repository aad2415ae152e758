/**
 * As much of Matroska (RFC 9559) and EBML (RFC 8794) as it takes to play several of ffmpeg's files as one stream: the
 * head of one, then the clusters of all. Clusters carry the stream's own times, so nothing in them needs to change.
 */

const SEGMENT = 0x18538067;
const INFO = 0x1549a966;
const TRACKS = 0x1654ae6b;
export const CLUSTER = 0x1f43b675;

/** A Segment element whose size is not known, as in a live stream. */
const ENDLESS_SEGMENT = Buffer.from('1853806701ffffffffffffff', 'hex');
/** No head and no cluster of ours is larger; beyond it the file is damaged. */
const MOST_BYTES = 256 * 1024 * 1024;

export interface Element {
  id: number;
  /** Where its content begins, and where the element after it does. */
  bodyAt: number;
  endAt: number;
}

/** The bytes are not what ffmpeg writes. */
export class DamagedMatroskaError extends Error {
  override readonly name = 'DamagedMatroskaError';
}

/** The element at `at`; undefined when its head is not all there yet. Throws `DamagedMatroskaError`. */
export function elementAt(bytes: Uint8Array, at: number): Element | undefined {
  const id = numberAt(bytes, at, 4, false);
  if (id === undefined) return undefined;
  const size = numberAt(bytes, at + id.length, 8, true);
  if (size === undefined) return undefined;
  const bodyAt = at + id.length + size.length;
  return { id: id.value, bodyAt, endAt: bodyAt + size.value };
}

/**
 * The head of a live stream made of the head of a file, and where the file's first cluster begins. Undefined when the
 * file is not written that far. Throws `DamagedMatroskaError`.
 */
export function streamHead(file: Uint8Array): { head: Buffer; clustersAt: number } | undefined {
  const ebml = elementAt(file, 0);
  if (ebml === undefined) return undefined;
  limit(ebml);
  const segment = elementAt(file, ebml.endAt);
  if (segment === undefined) return undefined;
  if (segment.id !== SEGMENT) throw new DamagedMatroskaError('the file is not Matroska');
  const parts = [file.subarray(0, ebml.endAt), ENDLESS_SEGMENT];
  for (let at = segment.bodyAt; ;) {
    const element = elementAt(file, at);
    if (element === undefined) return undefined;
    if (element.id === CLUSTER) return { head: Buffer.concat(parts), clustersAt: at };
    limit(element);
    if (element.endAt > file.length) return undefined;
    if (element.id === INFO || element.id === TRACKS) parts.push(file.subarray(at, element.endAt));
    at = element.endAt;
  }
}

/** The whole clusters in `bytes`, which begins with an element, and where the first that is not whole begins. */
export function wholeClusters(bytes: Uint8Array): { clusters: Uint8Array[]; restAt: number } {
  const clusters: Uint8Array[] = [];
  for (let at = 0; ;) {
    const element = elementAt(bytes, at);
    if (element === undefined || element.endAt > bytes.length) {
      if (element !== undefined) limit(element);
      return { clusters, restAt: at };
    }
    if (element.id === CLUSTER) clusters.push(bytes.subarray(at, element.endAt));
    at = element.endAt;
  }
}

function limit({ bodyAt, endAt }: Element): void {
  if (endAt - bodyAt > MOST_BYTES) throw new DamagedMatroskaError('an element is larger than any of ours');
}

/** A number whose first byte tells its length; `plain` without the bit that does. */
function numberAt(
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
  // Beyond 2^53 it is no size of ours anyway, and the check of sizes says so.
  for (let more = 1; more < length; more++) value = value * 256 + (bytes[at + more] ?? 0);
  return { value, length };
}
