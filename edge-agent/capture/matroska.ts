import {
  CLUSTER,
  DamagedMatroskaError,
  elementAt,
  ENDLESS_SEGMENT,
  INFO,
  SEGMENT,
  TRACKS,
  type Element,
} from '@faascam/core/matroska';

/**
 * As much of Matroska (RFC 9559) and EBML (RFC 8794) as it takes to play several of ffmpeg's files as one stream: the
 * head of one, then the clusters of all. Clusters carry the stream's own times, so nothing in them needs to change.
 */

/** No head and no cluster of ours is larger; beyond it the file is damaged. */
const MOST_BYTES = 256 * 1024 * 1024;

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
