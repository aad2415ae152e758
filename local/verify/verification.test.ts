import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Manifest } from '@faascam/core/clip-messages';
import type { EventObject } from '@faascam/core/ids';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Finding } from './finding.ts';
import { foldersInStore, foldersOnDisk } from './folders.ts';
import { openTestAttestor, openTestStore, readyOf, type TestStore } from './test-store.ts';
import { verify, type VerifyOptions, type VerifyResult } from './verification.ts';

/** Recorded once; each test has a copy of it. */
let original: TestStore;
let site: TestStore;
let recorded: Manifest[];
let events: Manifest[];

beforeAll(async () => {
  original = await openTestStore();
  recorded = [];
  for (let n = 0; n < 5; n++) recorded.push(await original.record(n * 10));
});

beforeEach(async () => {
  site = await openTestStore(original.directory);
  events = structuredClone(recorded);
});

afterEach(async () => {
  await site.close();
});

afterAll(async () => {
  await original.close();
});

interface Checked extends VerifyResult {
  findings: Finding[];
  /** Codes of what is wrong, in order. */
  wrong: string[];
}

async function check(options: Partial<VerifyOptions> = {}, folder = site.clips): Promise<Checked> {
  const findings: Finding[] = [];
  const result = await verify(foldersOnDisk(folder), {
    ...{ pinned: new Set(), heads: [], oldestOf: () => 1, allowUnsigned: false },
    onFindings: (found) => void findings.push(...found),
    signal: new AbortController().signal,
    ...options,
  });
  const wrong = findings.filter(({ level }) => level === 'wrong').map(({ code }) => code);
  return { ...result, findings, wrong };
}

function idOf(n: number): string {
  return events[n]?.event.id ?? '';
}

function folderOf(n: number): string {
  return dirname(site.pathOf(idOf(n), 'event.json'));
}

async function flipByte(n: number, name: EventObject): Promise<void> {
  const path = site.pathOf(idOf(n), name);
  const bytes = await readFile(path);
  bytes.writeUInt8(bytes.readUInt8(700) ^ 1, 700);
  await writeFile(path, bytes);
}

describe('a store as it was left', () => {
  test('is all right, on disk and through the store alike', async () => {
    const onDisk = await check();
    expect(onDisk).toMatchObject({
      events: 5,
      removed: 0,
      unsigned: 0,
      wrongEvents: 0,
      wrongChains: 0,
      findings: [],
    });
    const { publicKey } = site.attestor;
    // Each receipt was named by the next event's link, but the newest.
    const chain = { camera: 'yard', publicKey, first: 1, last: 5, links: 5, removed: 0, unsealed: 1 };
    expect(onDisk.chains).toEqual([chain]);
    const findings: Finding[] = [];
    const inStore = await verify(foldersInStore(site.store, ''), {
      ...{ pinned: new Set([publicKey]), heads: [], oldestOf: () => 1, allowUnsigned: false },
      onFindings: (found) => void findings.push(...found),
      signal: new AbortController().signal,
    });
    expect([inStore.events, inStore.chains, findings]).toEqual([5, [chain], []]);
  });

  test('is looked at and not written, not even a hidden file', async () => {
    const copy = await mkdtemp(join(site.directory, 'copy-'));
    await cp(site.clips, copy, { recursive: true });
    await rm(join(copy, '.incoming'), { recursive: true });
    await check({}, copy);
    await expect(readFile(join(copy, '.incoming'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('may be verified in part: a day, an event, a folder handed on under another name', async () => {
    await rm(folderOf(0), { recursive: true });
    expect((await check()).wrong).toEqual(['link-missing']);
    expect((await check({}, dirname(folderOf(1)))).wrong).toEqual([]);
    const handedOn = join(site.directory, 'for the police');
    await cp(folderOf(3), handedOn, { recursive: true });
    expect(await check({}, handedOn)).toMatchObject({ events: 1, wrong: [] });
  });
});

describe('one changed byte is found in', () => {
  const objects: EventObject[] = [
    'clip.mp4',
    'clip-2.mp4',
    'clip-h264.mp4',
    'preview.mp4',
    'strip.jpg',
    'snapshot.jpg',
  ];
  test.each(objects)('%s', async (name) => {
    await flipByte(2, name);
    const { findings, wrongEvents } = await check();
    expect(wrongEvents).toBe(1);
    expect(findings).toMatchObject([{ code: 'object-changed', eventId: idOf(2) }]);
    expect(findings[0]?.message).toBe(`${idOf(2)}: ${name} is not what was stored: its sha256 is another.`);
  });

  test('the receipt, also where nothing of it is signed', async () => {
    const path = site.pathOf(idOf(2), 'event.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"software": "test"', '"software": "tast"'));
    expect((await check()).wrong).toEqual(['receipt-damaged', 'receipt-changed']);
    await writeFile(path, text.slice(0, 500));
    const { findings } = await check();
    expect(findings[0]).toMatchObject({ code: 'receipt-unreadable' });
    expect(findings[0]?.message).toContain(`${idOf(2)}: event.json is not JSON`);
  });
});

describe('of what is wrong, the first thing is named first:', () => {
  test('an object that is gone, or cut short', async () => {
    await rm(site.pathOf(idOf(1), 'preview.mp4'));
    await writeFile(site.pathOf(idOf(2), 'clip.mp4'), 'short');
    const { findings, wrong } = await check();
    expect(wrong).toEqual(['object-missing', 'object-size']);
    expect(findings.map(({ message }) => message)).toEqual([
      `${idOf(1)}: preview.mp4 is missing.`,
      `${idOf(2)}: clip.mp4 has 5 bytes; it had 2000 when it was stored.`,
    ]);
  });

  test('two clips that were swapped', async () => {
    const [a, b] = [site.pathOf(idOf(1), 'clip.mp4'), site.pathOf(idOf(2), 'clip.mp4')];
    await rename(a, `${a}.tmp`);
    await rename(b, a);
    await rename(`${a}.tmp`, b);
    const { findings } = await check();
    expect(findings.map(({ code, eventId }) => [code, eventId])).toEqual([
      ['object-changed', idOf(1)],
      ['object-changed', idOf(2)],
    ]);
  });

  test('two clips that were swapped, and their receipts made to fit', async () => {
    const [a, b] = [events[1]?.clip, events[2]?.clip];
    await site.edit(idOf(1), (receipt) => ({ ...receipt, clip: { ...b, key: a?.key } }));
    await site.edit(idOf(2), (receipt) => ({ ...receipt, clip: { ...a, key: b?.key } }));
    const { findings } = await check();
    expect(findings.filter(({ code }) => code === 'receipt-changed').map(({ eventId }) => eventId)).toEqual([
      idOf(1),
      idOf(2),
    ]);
  });

  test('two events whose folders were swapped whole', async () => {
    await rename(folderOf(1), `${folderOf(1)}-tmp`);
    await rename(folderOf(2), folderOf(1));
    await rename(`${folderOf(1)}-tmp`, folderOf(2));
    const { findings, wrong } = await check();
    expect(wrong).toEqual(['wrong-folder', 'wrong-folder']);
    expect(findings[0]?.message).toContain(`${idOf(1)}: it tells of event ${idOf(2)}`);
  });

  test("a clip replaced together with its digest, as only the camera's next event knows", async () => {
    await writeFile(site.pathOf(idOf(2), 'clip.mp4'), Buffer.alloc(2000));
    const sha256 = createHash('sha256').update(Buffer.alloc(2000)).digest('hex');
    await site.edit(idOf(2), (receipt) => {
      for (const file of [receipt.clip, receipt.parts?.[0]]) if (file !== undefined) file.sha256 = sha256;
    });
    const { findings, wrong } = await check();
    expect(wrong).toEqual(['receipt-changed']);
    expect(findings[0]?.message).toContain('names another');
  });

  test('an event that was changed', async () => {
    await site.edit(idOf(2), (receipt) => void (receipt.event.labels = ['cat']));
    expect((await check()).wrong).toEqual(['event-changed', 'receipt-changed']);
  });

  test('a window that was moved', async () => {
    await site.edit(idOf(2), (receipt) => void (receipt.requested.toUs -= 1));
    expect((await check()).wrong).toEqual(['window-changed', 'receipt-changed']);
  });

  test('a gap that was made smaller, in the receipt and in what was signed', async () => {
    await site.edit(idOf(2), (receipt) => void (receipt.gaps = []));
    await site.edit(idOf(3), (receipt) => void receipt.attestation?.gaps.splice(0));
    const { findings, wrong } = await check();
    expect(wrong.slice(0, 2)).toEqual(['gaps-changed', 'signature-invalid']);
    expect(findings[0]?.message).toContain('the gap camera-lost');
  });

  test('segments in another order, left out, or exchanged', async () => {
    await site.edit(idOf(1), (receipt) => void receipt.segments.reverse());
    await site.edit(idOf(2), (receipt) => void receipt.segments.splice(1, 1));
    await site.edit(idOf(3), (receipt) => {
      const [first] = receipt.segments;
      if (first !== undefined) first.sha256 = 'b'.repeat(64);
    });
    const { findings } = await check();
    const first = [1, 2, 3].map((n) => findings.find(({ eventId }) => eventId === idOf(n))?.message);
    expect(first).toEqual([
      `${idOf(1)}: from segment 1 on, the order is not the one that was signed.`,
      `${idOf(2)}: segment 2 is not the one that was signed.`,
      `${idOf(3)}: segment 1 is not the one that was signed.`,
    ]);
  });

  test('a receipt that says complete, and tells of a gap', async () => {
    await site.edit(idOf(4), (receipt) => void (receipt.complete = true));
    expect((await check()).wrong).toEqual(['receipt-inconsistent']);
  });

  test("another event's signature in a receipt", async () => {
    await site.edit(idOf(2), (receipt) => void (receipt.attestation = events[1]?.attestation));
    const { wrong, findings } = await check();
    expect(wrong).toEqual(['other-event-signed', 'link-missing']);
    expect(findings[0]?.message).toBe(`${idOf(2)}: what was signed is event ${idOf(1)}.`);
  });

  test('an old receipt of the same event, put in place of the stored one', async () => {
    // An earlier offer, of less footage, was signed as well; what was stored in the end is another.
    const ready = readyOf('yard', events[2]?.event.startUs ?? 0);
    const earlier = await site.attestor.attest({ ...ready, segments: ready.segments.slice(1) });
    expect(earlier?.link).toEqual(events[2]?.attestation?.link);
    await site.edit(idOf(2), (receipt) => {
      receipt.segments.shift();
      receipt.attestation = earlier;
    });
    const { findings } = await check();
    expect(findings).toMatchObject([{ code: 'receipt-changed', eventId: idOf(2) }]);
  });

  test('a forged receipt, signed with another key', async () => {
    const forger = await openTestAttestor(join(site.directory, 'forger'));
    const forged = await forger.attest({ ...readyOf('yard', events[2]?.event.startUs ?? 0), gaps: [] });
    await site.edit(idOf(2), (receipt) => ({ ...receipt, gaps: [], attestation: forged }));
    // The key that is pinned did not sign it; and its own link is missing.
    const pinned = await check({ pinned: new Set([site.attestor.publicKey]) });
    expect(pinned.wrong).toEqual(['key-not-pinned', 'link-missing']);
    expect(pinned.findings[0]?.message).toContain(forger.publicKey);
    // Without a pinned key the chain, of which the forger has no part, shows it.
    const { findings, wrong } = await check();
    expect(findings.map(({ code }) => code)).toContain('another-key');
    expect(wrong).toContain('receipt-changed');
  });

  test('an event without a signature', async () => {
    await site.record(100, { signed: false });
    const { findings } = await check();
    expect(findings).toMatchObject([{ code: 'not-signed' }]);
    expect((await check({ allowUnsigned: true })).wrong).toEqual(['not-signed']);
  });

  test('objects without a receipt, and beside what it names', async () => {
    await writeFile(site.pathOf(idOf(1), 'clip-3.mp4'), 'of nobody');
    await rm(site.pathOf(idOf(4), 'event.json'));
    const { findings } = await check();
    expect(findings.map(({ level, code }) => [level, code])).toEqual([
      ['note', 'object-unexpected'],
      ['wrong', 'receipt-missing'],
    ]);
  });
});

describe("a camera's chain", () => {
  test('tells which events were taken away', async () => {
    await rm(folderOf(1), { recursive: true });
    await rm(folderOf(2), { recursive: true });
    const { findings, wrongChains } = await check();
    expect(wrongChains).toBe(1);
    expect(findings).toMatchObject([{ code: 'link-missing', camera: 'yard', eventId: idOf(1) }]);
    expect(findings[0]?.message).toContain(`2 of links 2 to 3 (${idOf(1)}, ${idOf(2)}) are missing`);
  });

  test('stays whole where events were removed on purpose', async () => {
    for (const n of [0, 2]) await site.remove(known(events[n]));
    const result = await check({ pinned: new Set([site.attestor.publicKey]) });
    expect(result).toMatchObject({ events: 3, removed: 2, findings: [] });
    expect(result.chains).toMatchObject([{ first: 1, last: 5, links: 5, removed: 2 }]);
    await writeFile(site.pathOf(idOf(0), 'removed.json'), '{}');
    expect((await check()).wrong).toEqual(['removal-unreadable', 'link-missing']);
  });

  test('must begin with its first event, or where one says', async () => {
    for (const n of [0, 1]) await rm(folderOf(n), { recursive: true });
    expect((await check()).wrong).toEqual(['link-missing']);
    expect((await check({ oldestOf: () => 3 })).findings).toEqual([]);
    expect((await check({ oldestOf: () => 2 })).wrong).toEqual(['link-missing']);
  });

  test("shows that the newest event was taken away, by the agent's own word", async () => {
    const head = {
      camera: 'yard',
      publicKey: site.attestor.publicKey,
      ...known(original.attestor.stateOf('yard')),
    };
    expect((await check({ heads: [head] })).findings).toEqual([]);
    await rm(folderOf(4), { recursive: true });
    expect((await check()).findings).toEqual([]);
    const { findings } = await check({ heads: [head] });
    expect(findings).toMatchObject([{ level: 'wrong', code: 'link-missing' }]);
    expect(findings[0]?.message).toContain('link 5 is missing, at the newest end');
    const waiting = await check({ heads: [{ ...head, waiting: [5] }] });
    expect(waiting.findings).toMatchObject([{ level: 'note', code: 'link-waiting' }]);
    const other = await check({ heads: [{ ...head, number: 4 }] });
    expect(other.wrong).toEqual(['head-differs']);
  });

  test('of a camera all of whose events were taken away is missed by the agent alone', async () => {
    const head = {
      camera: 'yard',
      publicKey: site.attestor.publicKey,
      ...known(original.attestor.stateOf('yard')),
    };
    await rm(join(site.clips, 'yard'), { recursive: true });
    await site.record(0, { camera: 'gate' });
    expect((await check()).wrong).toEqual([]);
    expect((await check({ heads: [head] })).findings[0]?.message).toContain('5 of links 1 to 5 are missing');
  });

  test('of each camera is its own', async () => {
    for (let n = 0; n < 3; n++) await site.record(n * 10, { camera: 'gate' });
    expect(await check()).toMatchObject({ events: 8, findings: [] });
    expect((await check()).chains.map(({ camera, last }) => [camera, last])).toEqual([
      ['gate', 3],
      ['yard', 5],
    ]);
  });

  test('begins anew with a new key, which is told, and passes where both are pinned', async () => {
    const next = await openTestAttestor(join(site.directory, 'another'));
    for (const second of [100, 110]) await site.record(second, { attestor: next });
    const { findings, chains } = await check();
    expect(findings).toMatchObject([{ level: 'note', code: 'another-key', camera: 'yard' }]);
    expect(chains.map(({ publicKey }) => publicKey)).toEqual([site.attestor.publicKey, next.publicKey]);
    const both = new Set([site.attestor.publicKey, next.publicKey]);
    expect((await check({ pinned: both })).findings).toEqual([]);
    expect((await check({ pinned: new Set([site.attestor.publicKey]) })).wrong).toEqual([
      'key-not-pinned',
      'key-not-pinned',
    ]);
  });

  test('with a number twice betrays a copied folder or a stolen key', async () => {
    const copied = join(site.directory, 'copied');
    await cp(join(site.directory, 'evidence'), join(copied, 'evidence'), { recursive: true });
    await site.record(100);
    await site.record(200, { attestor: await openTestAttestor(copied) });
    const { wrong } = await check();
    expect(wrong).toEqual(['link-doubled']);
  });

  test('misses nothing where an event came again as another one, and one of the two was stored', async () => {
    const ready = readyOf('yard', known(events[4]).event.startUs + 20_000_000);
    await site.attestor.attest({ ...ready, event: { ...ready.event, labels: ['cat'] } });
    await site.record(60);
    await site.record(70);
    const { wrong, chains } = await check();
    expect(wrong).toEqual([]);
    expect(chains).toMatchObject([{ last: 8, links: 7 }]);
  });

  test('misses no event that another agent has brought in the end', async () => {
    const other = await openTestAttestor(join(site.directory, 'other'));
    // Both are asked for the event; the other one is quicker.
    await site.attestor.attest(readyOf('yard', (events[0]?.event.startUs ?? 0) + 100_000_000));
    await site.record(100, { attestor: other });
    await site.record(110);
    const { wrong, chains } = await check();
    expect(wrong).toEqual([]);
    expect(chains.map(({ last, links }) => [last, links])).toEqual([
      [7, 6],
      [1, 1],
    ]);
  });
});

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is not there');
  return value;
}

test('older events without signatures pass only where one lets them', async () => {
  const old = await openTestStore();
  try {
    for (const second of [0, 10]) await old.record(second, { signed: false });
    for (const second of [20, 30]) await old.record(second);
    expect((await check({}, old.clips)).wrong).toEqual(['not-signed', 'not-signed']);
    expect(await check({ allowUnsigned: true }, old.clips)).toMatchObject({ unsigned: 2, wrong: [] });
  } finally {
    await old.close();
  }
});
