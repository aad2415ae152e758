import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '@faascam/core/clip-messages';
import { beforeEach, describe, expect, test } from 'vitest';
import { fiveEvents } from './test-events.ts';
import { openTestAttestor, readyOf, type TestStore } from './test-store.ts';

const { given, check, idOf, folderOf } = fiveEvents();
let original: TestStore;
let site: TestStore;
let events: Manifest[];

beforeEach(() => {
  ({ original, site, events } = given());
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
