import type { ClipStored, Manifest } from '@faascam/core/clip-messages';
import type { ClipWanted, EventMessage, Gap } from '@faascam/core/messages';

/** What there is of an event in the end. */
export interface Evidence {
  wanted: ClipWanted;
  /** Undefined: there is none. A text says why what is there is no receipt. */
  receipt: Manifest | string | undefined;
  /** Keys below the event's folder. */
  keys: readonly string[];
  /** sha256 of objects as they lie in the store, by key. */
  digests: ReadonlyMap<string, string>;
  announced: readonly ClipStored[];
  /** How often the store took its receipt as new. */
  receiptsTaken: number;
}

export interface Verdict {
  lost: boolean;
  duplicate: boolean;
  /** Causes of what is missing of its window. */
  causes: Gap['cause'][];
  /** What is wrong with it, beside that. */
  faults: string[];
}

/** Judges one event. `allowed`: the causes that the fault explains. */
export function verdictOf(evidence: Evidence, allowed: ReadonlySet<string>): Verdict {
  const { wanted, receipt, announced } = evidence;
  const digests = new Set(announced.map(({ clipSha256 }) => clipSha256 ?? 'none'));
  const duplicate = digests.size > 1 || evidence.receiptsTaken > 1;
  if (receipt === undefined) return { lost: true, duplicate, causes: [], faults: [] };
  if (typeof receipt === 'string') return { lost: true, duplicate, causes: [], faults: [receipt] };
  const faults: string[] = [];
  if (receipt.event.id !== wanted.eventId) faults.push(`its receipt is of ${receipt.event.id}`);
  const { fromUs, toUs } = receipt.requested;
  if (fromUs !== wanted.fromUs || toUs !== wanted.toUs) faults.push('its receipt is of another window');
  if (announced.length === 0) faults.push('nobody was told that it is stored');
  const files = filesOf(receipt);
  for (const { key, sha256 } of files) {
    const found = evidence.digests.get(key);
    if (found === undefined) faults.push(`${key} is missing`);
    else if (sha256 !== undefined && found !== sha256) faults.push(`${key} is not what the receipt says`);
  }
  const named = new Set([
    ...files.map(({ key }) => key),
    evidence.keys.find((key) => key.endsWith('/event.json')),
  ]);
  for (const key of evidence.keys) if (!named.has(key)) faults.push(`${key} is in no receipt`);
  const causes = [...new Set(receipt.gaps.map(({ cause }) => cause))];
  if (receipt.complete !== (receipt.gaps.length === 0 && receipt.clip !== undefined))
    faults.push('its receipt contradicts itself');
  for (const cause of causes) if (!allowed.has(cause)) faults.push(`a gap is said to be ${cause}`);
  return { lost: false, duplicate, causes, faults };
}

function filesOf({
  clip,
  parts,
  renditions,
  preview,
  strip,
  snapshot,
}: Manifest): { key: string; sha256?: string }[] {
  const videos = [clip, ...(parts ?? []), ...(renditions ?? []), preview, strip];
  const keys = new Map<string, string | undefined>();
  for (const file of videos) if (file !== undefined) keys.set(file.key, file.sha256);
  if (snapshot !== undefined) keys.set(snapshot.key, undefined);
  if (snapshot?.cleanKey !== undefined) keys.set(snapshot.cleanKey, undefined);
  return [...keys].map(([key, sha256]) => ({ key, ...(sha256 === undefined ? {} : { sha256 }) }));
}

/** Events of one camera that share time: somebody was told twice. Those that follow on each other may touch. */
export function overlapping(events: readonly EventMessage[]): [string, string][] {
  const pairs: [string, string][] = [];
  const inOrder = [...events].sort((a, b) => a.startUs - b.startUs);
  for (const [index, event] of inOrder.entries()) {
    for (const later of inOrder.slice(index + 1)) {
      if (later.camera === event.camera && later.startUs < event.endUs) pairs.push([event.id, later.id]);
    }
  }
  return pairs;
}
