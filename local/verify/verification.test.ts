import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Manifest } from '@faascam/core/clip-messages';
import type { EventObject } from '@faascam/core/ids';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Finding } from './finding.ts';
import { foldersInStore } from './folders.ts';
import { fiveEvents } from './test-events.ts';
import { openTestAttestor, openTestStore, readyOf, STORED_OBJECTS, type TestStore } from './test-store.ts';
import { verify } from './verification.ts';

const { given, check, idOf, folderOf } = fiveEvents();
let site: TestStore;
let events: Manifest[];

beforeEach(() => {
  ({ site, events } = given());
});

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
  test.each(STORED_OBJECTS)('%s', async (name) => {
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

/** As it is stored where no agent has ever taken the event's request. */
function withoutAgent({ v, event, requested, storedAtUs, software }: Manifest): Manifest {
  const gaps = [{ ...requested, cause: 'no-agent' as const }];
  const nothing = { agent: 'no-agent', complete: false, segments: [] };
  return { v, event, requested, gaps, storedAtUs, software, ...nothing };
}

test('an event without an agent needs no signature, but a signed one cannot be passed off as such', async () => {
  const event = await site.record(90, { signed: false });
  await site.edit(event.event.id, withoutAgent);
  for (const name of STORED_OBJECTS) await rm(site.pathOf(event.event.id, name));
  await rm(site.pathOf(event.event.id, 'snapshot.jpg'), { force: true });
  const { wrong, findings, unsigned } = await check();
  expect([wrong, findings.map(({ code }) => code), unsigned]).toEqual([[], ['no-agent'], 0]);

  await site.edit(idOf(1), withoutAgent);
  expect((await check()).wrong).not.toEqual([]);
});
