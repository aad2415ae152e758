import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { removedEvent } from '@faascam/core/attestation';
import { canonicalSha256 } from '@faascam/core/canonical-json';
import { isWithoutAgent, manifest, type Manifest } from '@faascam/core/clip-messages';
import { placeOf } from '@faascam/core/event-order';
import { eventKey } from '@faascam/core/ids';
import type { LinkRecord } from './chain-check.ts';
import type { Finding } from './finding.ts';
import type { EventFolder, Opened } from './folders.ts';
import { recordOf, signedFaults, signedOf, type Fault, type Signed } from './receipt-check.ts';

export interface EventOptions {
  /** Public keys that may have signed; empty for any. */
  pinned: ReadonlySet<string>;
}

/** What a folder holds, and what is wrong with it: the first thing that is wrong comes first. */
export interface CheckedEvent {
  kind: 'stored' | 'removed' | 'broken';
  camera?: string;
  eventId?: string;
  findings: Finding[];
  /** Absent unless its signature is right. */
  record?: LinkRecord;
  /** No one has signed it: an older agent, or someone took the signature away. */
  unsigned: boolean;
}

/** Receipts hold no pictures: what is larger than this is none. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Objects that may lie in an event's folder, whatever its receipt says. */
const BESIDE = new Set(['event.json', 'keep.json', 'removed.json']);

/** Checks one folder by itself. Reads each object once, in pieces. Throws `StoreError`. */
export async function checkEvent(folder: EventFolder, options: EventOptions): Promise<CheckedEvent> {
  if (folder.objects.has('event.json')) return await checkReceipt(folder, options);
  if (folder.objects.has('removed.json')) return await checkRemoval(folder, options);
  const place = placeOf(posix.basename(folder.path));
  const kept = [...folder.objects.keys()];
  const text = `there is no event.json beside ${kept.join(', ')}: the event is just being stored, or its receipt was taken away`;
  return broken(folder, { code: 'receipt-missing', text }, place?.camera);
}

async function checkReceipt(folder: EventFolder, { pinned }: EventOptions): Promise<CheckedEvent> {
  const read = await readJson(folder, 'event.json');
  if ('code' in read) return broken(folder, read);
  const parsed = manifest.safeParse(read.value);
  if (!parsed.success || !isRecord(read.value)) {
    const [issue] = parsed.error?.issues ?? [];
    const text = `event.json is no receipt: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trimEnd();
    return broken(folder, { code: 'receipt-unreadable', text });
  }
  const receipt = parsed.data;
  const { event } = receipt;
  const faults = misplacedFaults(folder, event.id, event.camera);
  const signed = signedIn(read.value, pinned);
  faults.push(...signed.faults);
  let record: LinkRecord | undefined;
  if (signed.signed !== undefined) {
    const { attestation } = signed.signed;
    faults.push(...signedFaults(receipt, read.value['event'], attestation));
    // A copy of one event's signature in another's receipt is no second link.
    if (attestation.link.eventId === event.id) record = recordOf(signed.signed, canonicalSha256(read.value));
  }
  faults.push(...consistencyFaults(receipt));
  if (read.told !== undefined && read.told !== read.sha256)
    faults.push({
      code: 'receipt-damaged',
      text: 'event.json is not what its own metadata says: it was changed or damaged',
    });
  for (const object of objectsOf(receipt)) faults.push(...(await objectFaults(folder, event.id, object)));
  const named = new Set(objectsOf(receipt).map(({ key }) => posix.basename(key)));
  const strangers = [...folder.objects.keys()].filter((name) => !named.has(name) && !BESIDE.has(name));
  const note = strangers.length > 0 && `its receipt does not name ${strangers.join(', ')}`;
  // There was nobody to sign it. Where an agent did sign the event, its chain misses the link.
  const isUnattended = signed.unsigned && isWithoutAgent(receipt);
  const unsigned = signed.unsigned && !isUnattended;
  const result = checked(folder, {
    kind: 'stored',
    camera: event.camera,
    eventId: event.id,
    faults,
    note,
    unsigned,
    record,
  });
  if (isUnattended) {
    const message = `${event.id}: no agent has ever taken its request, so there is no footage, and nobody has signed it.`;
    result.findings.push({
      ...{ level: 'note', code: 'no-agent', camera: event.camera, eventId: event.id, message },
    });
  }
  return result;
}

async function checkRemoval(folder: EventFolder, { pinned }: EventOptions): Promise<CheckedEvent> {
  const read = await readJson(folder, 'removed.json');
  if ('code' in read) return broken(folder, { ...read, code: 'removal-unreadable' });
  const parsed = removedEvent.safeParse(read.value);
  if (!parsed.success || !isRecord(read.value)) {
    return broken(folder, {
      code: 'removal-unreadable',
      text: 'removed.json does not tell of a removed event',
    });
  }
  const { eventId, camera } = parsed.data;
  const faults = misplacedFaults(folder, eventId, camera);
  const signed = signedIn(read.value, pinned);
  faults.push(...signed.faults);
  let record: LinkRecord | undefined;
  if (signed.signed !== undefined) {
    const { link } = signed.signed.attestation;
    if (link.eventId === eventId && link.camera === camera) record = recordOf(signed.signed, undefined);
    else faults.push({ code: 'other-event-signed', text: `what was signed is event ${link.eventId}` });
  }
  const left = [...folder.objects.keys()].filter((name) => !BESIDE.has(name));
  const note = left.length > 0 && `it was removed, but ${left.join(', ')} is still there`;
  return checked(folder, {
    kind: 'removed',
    camera,
    eventId,
    faults,
    note,
    unsigned: signed.unsigned,
    record,
  });
}

interface SignedIn {
  unsigned: boolean;
  /** Absent where there is none, or none to believe. */
  signed?: Signed;
  faults: Fault[];
}

/** The signed record in a receipt, or in what is left of a removed event. */
function signedIn({ attestation }: Record<string, unknown>, pinned: ReadonlySet<string>): SignedIn {
  if (attestation === undefined) return { unsigned: true, faults: [] };
  const signed = signedOf(attestation, pinned);
  return 'code' in signed ? { unsigned: false, faults: [signed] } : { unsigned: false, faults: [], signed };
}

interface Looked {
  kind: 'stored' | 'removed';
  camera: string;
  eventId: string;
  faults: readonly Fault[];
  /** Of objects that nobody names. */
  note: string | false;
  unsigned: boolean;
  record: LinkRecord | undefined;
}

/** What was seen of a folder, as findings. */
function checked(folder: EventFolder, { faults, note, record, ...event }: Looked): CheckedEvent {
  const { camera, eventId } = event;
  const where = folder.path === '' || posix.basename(folder.path) === eventId ? eventId : folder.path;
  const finding = (level: Finding['level'], { code, text }: Fault): Finding => ({
    ...{ level, code, camera, eventId, message: `${where}: ${text}.` },
  });
  const findings = faults.map((fault) => finding('wrong', fault));
  if (note !== false) findings.push(finding('note', { code: 'object-unexpected', text: note }));
  return { ...event, findings, ...(record === undefined ? {} : { record }) };
}

/** What a receipt says against itself. */
function consistencyFaults({ complete, clip, gaps, event }: Manifest): Fault[] {
  const texts = [
    complete && clip === undefined && 'it says complete, and names no clip',
    complete && gaps.length > 0 && 'it says complete, and tells of a gap',
    placeOf(event.id)?.camera !== event.camera && 'its event id is of another camera',
  ];
  return texts.flatMap((text) => (text === false ? [] : [{ code: 'receipt-inconsistent' as const, text }]));
}

/** An event's folder bears its id; alone, as it may have been handed on, it may be called as one likes. */
function misplacedFaults(folder: EventFolder, id: string, camera: string): Fault[] {
  if (folder.path === '') return [];
  const place = placeOf(id);
  const expected = place?.camera === camera ? posix.dirname(eventKey(id, 'event.json')) : id;
  if (isEndOf(folder.path, expected)) return [];
  return [{ code: 'wrong-folder', text: `it tells of event ${id}, and lies in the folder of another` }];
}

/** Whether one path ends in the other: what is looked at may be a folder in the middle, or have others above it. */
function isEndOf(a: string, b: string): boolean {
  return a === b || a.endsWith(`/${b}`) || b.endsWith(`/${a}`);
}

interface NamedObject {
  key: string;
  sha256: string | undefined;
  sizeBytes: number | undefined;
}

function objectsOf({ clip, parts = [], renditions = [], preview, strip, snapshot }: Manifest): NamedObject[] {
  const files: NamedObject[] = [clip, ...parts, ...renditions, preview, strip].filter(
    (file) => file !== undefined,
  );
  if (snapshot !== undefined) {
    files.push({ key: snapshot.key, sha256: snapshot.sha256, sizeBytes: undefined });
    if (snapshot.cleanKey !== undefined)
      files.push({ key: snapshot.cleanKey, sha256: snapshot.cleanSha256, sizeBytes: undefined });
  }
  // The clip is also the first of its parts.
  const distinct = new Map(
    files.map((file) => [`${file.key} ${file.sha256 ?? ''} ${file.sizeBytes ?? ''}`, file]),
  );
  return [...distinct.values()];
}

async function objectFaults(folder: EventFolder, id: string, object: NamedObject): Promise<Fault[]> {
  const name = posix.basename(object.key);
  if (object.key !== posix.join(posix.dirname(eventKey(id, 'event.json')), name))
    return [{ code: 'object-misnamed', text: `its receipt names ${object.key}, which is not of this event` }];
  const sizeBytes = folder.objects.get(name);
  const opened = sizeBytes === undefined ? undefined : await folder.open(name);
  if (opened === undefined) return [{ code: 'object-missing', text: `${name} is missing` }];
  if (object.sizeBytes !== undefined && sizeBytes !== object.sizeBytes) {
    opened.stream.destroy();
    return [
      {
        code: 'object-size',
        text: `${name} has ${sizeBytes} bytes; it had ${object.sizeBytes} when it was stored`,
      },
    ];
  }
  const expected = object.sha256 ?? opened.metadata['sha256'];
  if (expected === undefined) {
    opened.stream.destroy();
    return [];
  }
  if ((await sha256Of(opened)) === expected) return [];
  return [{ code: 'object-changed', text: `${name} is not what was stored: its sha256 is another` }];
}

async function sha256Of({ stream }: Opened): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) if (chunk instanceof Uint8Array) hash.update(chunk);
  return hash.digest('hex');
}

interface ReadJson {
  value: unknown;
  sha256: string;
  /** What the object's metadata says of its sha256. */
  told: string | undefined;
}

async function readJson(folder: EventFolder, name: string): Promise<ReadJson | Fault> {
  const opened = (folder.objects.get(name) ?? 0) > MOST_BYTES ? undefined : await folder.open(name);
  if (opened === undefined) return { code: 'receipt-unreadable', text: `${name} is gone, or too large` };
  const chunks: Uint8Array[] = [];
  for await (const chunk of opened.stream) if (chunk instanceof Uint8Array) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    // What has no canonical text cannot have been signed.
    canonicalSha256(value);
    return { value, sha256, told: opened.metadata['sha256'] };
  } catch {
    return { code: 'receipt-unreadable', text: `${name} is not JSON` };
  }
}

function broken(folder: EventFolder, fault: Fault, camera?: string): CheckedEvent {
  const where = folder.path === '' ? 'here' : folder.path;
  const finding: Finding = { level: 'wrong', code: fault.code, message: `${where}: ${fault.text}.` };
  if (camera !== undefined) finding.camera = camera;
  return { kind: 'broken', findings: [finding], unsigned: false };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
