import { placeOf } from '@faascam/core/event-order';
import { checkChains, type ChainOptions, type ChainSummary, type LinkRecord } from './chain-check.ts';
import { checkEvent, type CheckedEvent } from './event-check.ts';
import type { Finding } from './finding.ts';
import type { EventFolder } from './folders.ts';

export interface VerifyOptions extends Pick<ChainOptions, 'heads' | 'oldestOf'> {
  /** Public keys that may have signed; empty for any. */
  pinned: ReadonlySet<string>;
  /** Whether events may be without a signature that began before the camera's first one with it. */
  allowUnsigned: boolean;
  /** Called with what was found of an event, the first thing wrong first, as folders come; of chains at the end. */
  onFindings: (findings: readonly Finding[]) => void;
  signal: AbortSignal;
}

export interface VerifyResult {
  events: number;
  removed: number;
  /** Of all of these, how many nobody has signed. */
  unsigned: number;
  /** Events of which something is wrong, and cameras' chains of which something is. */
  wrongEvents: number;
  wrongChains: number;
  notes: number;
  chains: ChainSummary[];
}

/** So many folders are read at the same time: a bucket answers slowly, but many at once. */
const AT_ONCE = 4;
/** Where a folder lies in a whole store: below its day. */
const BELOW_DAY = /(^|\/)\d{4}\/\d{2}\/\d{2}\/[^/]+$/;

/**
 * Checks every event by itself, then each camera's chain. Of an event it keeps less than a kilobyte in memory, whatever
 * the size of its clips. Throws `StoreError`, and the signal's reason.
 */
export async function verify(
  folders: AsyncIterable<EventFolder>,
  options: VerifyOptions,
): Promise<VerifyResult> {
  const { pinned, heads, oldestOf, allowUnsigned, onFindings, signal } = options;
  const result: VerifyResult = {
    ...{ events: 0, removed: 0, unsigned: 0, wrongEvents: 0, wrongChains: 0, notes: 0, chains: [] },
  };
  const records: LinkRecord[] = [];
  const unsigned: { camera: string; eventId: string }[] = [];
  const names = new Map<string, string>();
  let whole = true;
  const wrong = new Set<string>();
  const tell = (findings: readonly Finding[]): void => {
    if (findings.length === 0) return;
    result.notes += findings.filter(({ level }) => level === 'note').length;
    onFindings(findings);
  };
  const check = async (folder: EventFolder) => ({ folder, checked: await checkEvent(folder, { pinned }) });
  for await (const { folder, checked } of inOrder(folders, AT_ONCE, check)) {
    signal.throwIfAborted();
    whole &&= BELOW_DAY.test(folder.path);
    if (checked.kind === 'removed') result.removed += 1;
    else result.events += 1;
    if (checked.findings.some(({ level }) => level === 'wrong')) wrong.add(checked.eventId ?? folder.path);
    tell(checked.findings);
    if (checked.record !== undefined) records.push(withSharedNames(checked.record, names));
    const event = unsignedOf(checked);
    if (event !== undefined) unsigned.push(event);
  }
  result.unsigned = unsigned.length;
  const findings = unsignedFindings(unsigned, records, allowUnsigned);
  const { findings: ofChains, chains } = checkChains(records, {
    ...{ heads, oldestOf, whole, pinned: pinned.size > 0 },
  });
  const wrongOfChains = new Set<string>();
  for (const { level, code, camera = '', eventId } of [...findings, ...ofChains]) {
    if (level === 'note') continue;
    const ofEvent = code === 'not-signed' || code === 'receipt-changed';
    if (ofEvent) wrong.add(eventId ?? '');
    else wrongOfChains.add(camera);
  }
  for (const finding of [...findings, ...ofChains]) tell([finding]);
  return { ...result, wrongEvents: wrong.size, wrongChains: wrongOfChains.size, chains };
}

function unsignedOf({
  unsigned,
  camera,
  eventId,
}: CheckedEvent): { camera: string; eventId: string } | undefined {
  return unsigned && camera !== undefined && eventId !== undefined ? { camera, eventId } : undefined;
}

function unsignedFindings(
  unsigned: readonly { camera: string; eventId: string }[],
  records: readonly LinkRecord[],
  allowed: boolean,
): Finding[] {
  const firstUs = new Map<string, number>();
  for (const { camera, eventId } of records) {
    firstUs.set(camera, Math.min(firstUs.get(camera) ?? Infinity, placeOf(eventId)?.startUs ?? Infinity));
  }
  const isEarly = ({ camera, eventId }: { camera: string; eventId: string }): boolean =>
    (placeOf(eventId)?.startUs ?? 0) < (firstUs.get(camera) ?? Infinity);
  return unsigned
    .filter((event) => !(allowed && isEarly(event)))
    .map((event) => {
      const hint = isEarly(event) ? '; if an older agent has stored it, --allow-unsigned lets it pass' : '';
      return {
        level: 'wrong',
        code: 'not-signed',
        ...event,
        message: `${event.eventId}: nobody has signed it${hint}.`,
      };
    });
}

/** Links name events again and again: one string each. */
function withSharedNames(record: LinkRecord, names: Map<string, string>): LinkRecord {
  const shared = (name: string): string => {
    const known = names.get(name) ?? name;
    names.set(known, known);
    return known;
  };
  const { camera, publicKey, eventId, before } = record;
  return {
    ...record,
    ...{
      camera: shared(camera),
      publicKey: shared(publicKey),
      eventId: shared(eventId),
      before: before.map(shared),
    },
  };
}

/** Results in the order of what they are made of, with so many in work at the same time. */
async function* inOrder<A, B>(
  all: AsyncIterable<A>,
  atOnce: number,
  work: (one: A) => Promise<B>,
): AsyncGenerator<B> {
  const running: Promise<B>[] = [];
  try {
    for await (const one of all) {
      const begun = work(one);
      // It is waited for below; until then its failure is nobody's yet.
      begun.catch(() => undefined);
      running.push(begun);
      const first = running.length >= atOnce ? running.shift() : undefined;
      if (first !== undefined) yield await first;
    }
    for (let first = running.shift(); first !== undefined; first = running.shift()) yield await first;
  } finally {
    await Promise.allSettled(running);
  }
}
