/** Conditional requests (RFC 9110, section 13) for objects that are written once: every tag of ours is a strong one. */
export interface Version {
  /** With its quotes. */
  etag: string;
  modifiedMs?: number;
}

/** `"..."` around an opaque tag of the store; a weak mark and quotes it may have are dropped first. */
export function quotedTag(tag: string): string {
  return `"${tag.replace(/^W\//, '').replaceAll(/[^\x21\x23-\x7e]/g, '')}"`;
}

/** Whether the caller's copy is still good, so that 304 without a body answers it. */
export function isUnchanged(
  version: Version,
  ifNoneMatch: string | undefined,
  ifModifiedSince: string | undefined,
): boolean {
  if (ifNoneMatch !== undefined) {
    const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
    return tags.includes('*') || tags.includes(version.etag);
  }
  if (ifModifiedSince === undefined || version.modifiedMs === undefined) return false;
  const sinceMs = Date.parse(ifModifiedSince);
  return !Number.isNaN(sinceMs) && seconds(version.modifiedMs) <= seconds(sinceMs);
}

/** Whether a Range header counts: without `If-Range`, or when the caller's part is of this very version. */
export function rangeCounts(version: Version, ifRange: string | undefined): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.startsWith('"')) return ifRange === version.etag;
  // A weak tag never matches here. A date matches only exactly.
  const dateMs = Date.parse(ifRange);
  return version.modifiedMs !== undefined && seconds(version.modifiedMs) === seconds(dateMs);
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
