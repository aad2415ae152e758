import { isSignedBy } from '@faascam/core/agent-key';
import { attestation, linkSha256, signedBytes, type Attestation } from '@faascam/core/attestation';
import { canonicalJson, canonicalSha256 } from '@faascam/core/canonical-json';
import type { Manifest } from '@faascam/core/clip-messages';
import type { Gap } from '@faascam/core/messages';
import type { FindingCode } from './finding.ts';
import type { LinkRecord } from './chain-check.ts';

/** What is wrong, without saying where. */
export interface Fault {
  code: FindingCode;
  text: string;
}

/** An attestation whose signature is right, and the link's digest as it was written. */
export interface Signed {
  attestation: Attestation;
  linkSha256: string;
}

/**
 * Whether an attestation, as it was written, is signed by its own key, and by one of those pinned, if there are any.
 * Nothing of it is to be believed otherwise.
 */
export function signedOf(raw: unknown, pinned: ReadonlySet<string>): Signed | Fault {
  const parsed = attestation.safeParse(raw);
  if (!parsed.success || typeof raw !== 'object' || raw === null || !('link' in raw)) {
    const [issue] = parsed.error?.issues ?? [];
    return {
      code: 'signature-invalid',
      text: `its attestation is malformed at ${issue?.path.join('.') ?? 'the top'}`,
    };
  }
  const { publicKey, signature } = parsed.data;
  if (pinned.size > 0 && !pinned.has(publicKey))
    return { code: 'key-not-pinned', text: `it is signed with another key, ${publicKey}` };
  if (!isSignedBy(publicKey, signedBytes(raw), signature))
    return {
      code: 'signature-invalid',
      text: 'its signature is not valid: what was signed has been changed',
    };
  return { attestation: parsed.data, linkSha256: linkSha256(raw.link) };
}

/** The link for the camera's chain; `receipt` as in `LinkRecord`. */
export function recordOf({ attestation, linkSha256 }: Signed, receipt: string | undefined): LinkRecord {
  const { camera, number, previous, eventId, before = [], sealed = [] } = attestation.link;
  return {
    ...{ camera, number, eventId, before, sealed, sha256: linkSha256, publicKey: attestation.publicKey },
    ...(previous === undefined ? {} : { previous }),
    ...(receipt === undefined ? {} : { receipt }),
  };
}

/**
 * Whether a receipt says what the agent has signed. `rawEvent` is its event as it was written. The first fault is the one
 * that explains the others.
 */
export function signedFaults(receipt: Manifest, rawEvent: unknown, signed: Attestation): Fault[] {
  const { event, requested, segments, gaps, agent } = receipt;
  const { link } = signed;
  if (link.eventId !== event.id || link.camera !== event.camera)
    return [{ code: 'other-event-signed', text: `what was signed is event ${link.eventId}` }];
  const faults: Fault[] = [];
  if (signed.agent !== agent)
    faults.push({
      code: 'receipt-inconsistent',
      text: `it names the agent ${agent}; ${signed.agent} has signed`,
    });
  if (canonicalSha256(rawEvent) !== link.event)
    faults.push({ code: 'event-changed', text: 'the event is not as it was signed' });
  if (requested.fromUs !== link.fromUs || requested.toUs !== link.toUs)
    faults.push({ code: 'window-changed', text: 'the requested window is not the one that was signed' });
  const fault = segmentFault(segments, signed.segments);
  if (fault !== undefined) faults.push(fault);
  const gap = signed.gaps.find((each) => !isCovered(each, gaps));
  if (gap !== undefined)
    faults.push({
      code: 'gaps-changed',
      text: `the gap ${gap.cause} from ${gap.fromUs} to ${gap.toUs} us, which was signed, is not told`,
    });
  return faults;
}

function segmentFault(told: Manifest['segments'], signed: Attestation['segments']): Fault | undefined {
  const a = told.map(({ sha256, sizeBytes, startUs, durationUs }) =>
    canonicalJson({ sha256, sizeBytes, startUs, durationUs }),
  );
  const b = signed.map((segment) => canonicalJson(segment));
  const at = Array.from({ length: Math.max(a.length, b.length) }, (_, n) => n).find((n) => a[n] !== b[n]);
  if (at === undefined) return undefined;
  if (a.length === b.length && [...a].sort().join() === [...b].sort().join())
    return {
      code: 'segments-reordered',
      text: `from segment ${at + 1} on, the order is not the one that was signed`,
    };
  const what =
    a[at] === undefined
      ? 'is left out'
      : b[at] === undefined
        ? 'was not signed'
        : 'is not the one that was signed';
  return { code: 'segments-changed', text: `segment ${at + 1} ${what}` };
}

/** Whether gaps of the same cause cover this one. */
function isCovered(gap: Gap, gaps: readonly Gap[]): boolean {
  let fromUs = gap.fromUs;
  for (const other of [...gaps].sort((a, b) => a.fromUs - b.fromUs)) {
    if (other.cause === gap.cause && other.fromUs <= fromUs) fromUs = Math.max(fromUs, other.toUs);
  }
  return fromUs >= gap.toUs && gaps.some(({ cause }) => cause === gap.cause);
}
