import type { ChainLink } from '@faascam/core/attestation';
import { placeOf } from '@faascam/core/event-order';
import type { Finding, FindingCode } from './finding.ts';

/** A link whose signature is right. */
export interface LinkRecord extends Pick<ChainLink, 'camera' | 'number' | 'previous' | 'eventId'> {
  publicKey: string;
  sha256: string;
  before: readonly string[];
  sealed: NonNullable<ChainLink['sealed']>;
  /** sha256 of the receipt's canonical JSON; absent when the event was removed on purpose. */
  receipt?: string;
}

/** A camera's newest link as its agent tells it. */
export interface ChainHead {
  camera: string;
  publicKey: string;
  number: number;
  sha256: string;
  /** Links of events that are on their way to the store. */
  waiting: readonly number[];
}

export interface ChainOptions {
  heads: readonly ChainHead[];
  /** Whether all events of a camera are looked at, and not only those of some days. */
  whole: boolean;
  /** The number of a camera's oldest link that must be there. */
  oldestOf: (camera: string) => number;
  /** Whether keys were given, so that another one was told of already. */
  pinned: boolean;
}

/** A camera's events under one key. */
export interface ChainSummary {
  camera: string;
  publicKey: string;
  /** Numbers of the oldest and newest link that is there; 0 if none is. */
  first: number;
  last: number;
  links: number;
  removed: number;
  /** Events whose receipts no later link has named yet. */
  unsealed: number;
}

interface Context extends ChainOptions {
  /** Events that are there, under whatever link. */
  present: ReadonlySet<string>;
  sealed: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Looks at cameras' chains, each by itself: no number missing or doubled, each link naming the one before, each receipt as
 * later links have seen it. A missing link is none when the event of that name is there under another link: an agent gave
 * it one, and another agent's, or an older one, was stored.
 */
export function checkChains(
  records: readonly LinkRecord[],
  options: ChainOptions,
): { findings: Finding[]; chains: ChainSummary[] } {
  const sealed = new Map<string, Set<string>>();
  for (const link of records) {
    for (const { eventId, receipt } of link.sealed) {
      const known = sealed.get(eventId) ?? new Set();
      sealed.set(eventId, known.add(receipt));
    }
  }
  const context: Context = { ...options, sealed, present: new Set(records.map(({ eventId }) => eventId)) };
  const chains = chainsOf(records, options.heads);
  const findings: Finding[] = [];
  const summaries: ChainSummary[] = [];
  let before: string | undefined;
  for (const { camera, publicKey, links, head } of chains) {
    const [first] = links;
    if (before === camera && !options.pinned && first !== undefined) {
      const message = `${camera}: from event ${first.eventId} on, another key signs, ${publicKey}; --key tells which are yours.`;
      findings.push({ level: 'note', code: 'another-key', camera, eventId: first.eventId, message });
    }
    before = camera;
    findings.push(...checkChain(camera, links, head, context));
    summaries.push({
      ...{ camera, publicKey, first: first?.number ?? 0, last: links.at(-1)?.number ?? 0 },
      ...{ links: links.length, removed: links.filter(({ receipt }) => receipt === undefined).length },
      unsealed: links.filter(({ receipt, eventId }) => receipt !== undefined && !sealed.has(eventId)).length,
    });
  }
  return { findings, chains: summaries };
}

interface Group {
  camera: string;
  publicKey: string;
  /** By number. */
  links: LinkRecord[];
  head: ChainHead | undefined;
}

/** By camera, and each camera's in the order in which their keys came up. */
function chainsOf(records: readonly LinkRecord[], heads: readonly ChainHead[]): Group[] {
  const groups = new Map<string, Group>();
  const groupOf = (camera: string, publicKey: string): Group => {
    const name = `${camera} ${publicKey}`;
    const group = groups.get(name) ?? { camera, publicKey, links: [], head: undefined };
    groups.set(name, group);
    return group;
  };
  for (const link of records) groupOf(link.camera, link.publicKey).links.push(link);
  for (const head of heads) groupOf(head.camera, head.publicKey).head = head;
  const beganUs = ({ links }: Group): number =>
    links.reduce((us, link) => Math.min(us, placeOf(link.eventId)?.startUs ?? us), Infinity);
  for (const { links } of groups.values()) links.sort((a, b) => a.number - b.number);
  return [...groups.values()]
    .map((group) => ({ group, us: beganUs(group) }))
    .sort((a, b) => compare(a.group.camera, b.group.camera) || compare(a.us, b.us))
    .map(({ group }) => group);
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function checkChain(
  camera: string,
  links: readonly LinkRecord[],
  head: ChainHead | undefined,
  context: Context,
): Finding[] {
  const findings: Finding[] = [];
  const wrong = (code: FindingCode, message: string, eventId?: string): void => {
    const where = eventId === undefined ? {} : { eventId };
    findings.push({ level: 'wrong', code, camera, ...where, message });
  };
  const oldest = context.whole ? context.oldestOf(camera) : (links[0]?.number ?? 1);
  let last: LinkRecord | undefined;
  for (const link of links) {
    const { number, eventId, previous } = link;
    if (last?.number === number) {
      if (last.sha256 !== link.sha256)
        wrong(
          'link-doubled',
          `${camera}: link ${number} is there twice, of ${last.eventId} and of ${eventId}: the agent's folder was copied or put back, or its key was stolen.`,
          eventId,
        );
      continue;
    }
    findings.push(...missing(camera, last?.number ?? oldest - 1, link, head, context));
    const expected = number === 1 ? undefined : last?.number === number - 1 ? last.sha256 : previous;
    if (previous !== expected || (number > 1 && previous === undefined))
      wrong(
        'link-broken',
        `${camera}: link ${number}, of ${eventId}, does not go on from link ${number - 1}.`,
        eventId,
      );
    const seen = context.sealed.get(eventId);
    if (link.receipt !== undefined && seen !== undefined && !seen.has(link.receipt))
      wrong(
        'receipt-changed',
        `${eventId}: event.json is not what was stored: a later event of the camera, signed by the agent, names another.`,
        eventId,
      );
    last = link;
  }
  if (head !== undefined && context.whole) {
    findings.push(...missing(camera, last?.number ?? oldest - 1, undefined, head, context));
    if (last?.number === head.number && last.sha256 !== head.sha256)
      wrong(
        'head-differs',
        `${camera}: link ${head.number} is not the one that the agent tells.`,
        last.eventId,
      );
  }
  return findings;
}

/** Of more missing links in a row only the newest are looked at one by one: a hostile number must not keep us busy. */
const MOST_LOOKED_AT = 100_000;

/** What is missing after number `after`, up to the next link that is there, or up to the agent's newest. */
function missing(
  camera: string,
  after: number,
  next: LinkRecord | undefined,
  head: ChainHead | undefined,
  { present, whole, oldestOf }: Context,
): Finding[] {
  const to = next === undefined ? (head?.number ?? 0) : next.number - 1;
  const from = Math.max(after + 1, whole ? oldestOf(camera) : 1);
  const lookedAtFrom = Math.max(from, to - MOST_LOOKED_AT + 1);
  const lost: number[] = [];
  const names: string[] = [];
  const findings: Finding[] = [];
  for (let number = lookedAtFrom; number <= to; number++) {
    const name = next?.before[next.number - 1 - number];
    if (name !== undefined && present.has(name)) continue;
    if (head?.waiting.includes(number) === true) {
      const message = `${camera}: the event of link ${number} is on its way to the store.`;
      findings.push({ level: 'note', code: 'link-waiting', camera, message });
      continue;
    }
    lost.push(number);
    if (name !== undefined) names.push(name);
  }
  const count = lookedAtFrom - from + lost.length;
  if (count <= 0) return findings;
  const first = lookedAtFrom > from ? from : (lost[0] ?? from);
  const links = count === 1 ? `link ${first}` : `${count} of links ${first} to ${lost.at(-1) ?? to}`;
  const named = names.length === 0 ? '' : ` (${names.join(', ')})`;
  const where = next === undefined ? 'at the newest end' : `before ${next.eventId}`;
  const [eventId] = names;
  findings.push({
    ...{ level: 'wrong', code: 'link-missing', camera, ...(eventId === undefined ? {} : { eventId }) },
    message: `${camera}: ${links}${named} ${count === 1 ? 'is' : 'are'} missing, ${where}: taken away without a trace, or not stored yet.`,
  });
  return findings;
}
