import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Manifest } from '@faascam/core/clip-messages';
import { startNatsServer } from '@faascam/core/nats-server';
import { connectNats } from '@faascam/core/messaging';
import { buckets } from '@faascam/core/subjects';
import { Kvm } from '@nats-io/kv';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { openTestStore, type TestStore } from '../verify/test-store.ts';
import { verify, type VerifyCommand } from './verify.ts';

let site: TestStore;
let events: Manifest[];
let key: string;

beforeAll(async () => {
  site = await openTestStore();
  events = [];
  for (let n = 0; n < 3; n++) events.push(await site.record(n * 10));
  key = site.attestor.publicKey;
});

afterAll(async () => {
  await site.close();
});

/** What it printed, and what it threw. */
async function run(place: string | undefined, command: VerifyCommand = {}) {
  const lines: string[] = [];
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(...String(text).split('\n').filter(Boolean));
    return true;
  });
  let error: unknown;
  try {
    await verify(place, command, new AbortController().signal);
  } catch (thrown) {
    error = thrown;
  } finally {
    stdout.mockRestore();
  }
  return { lines, error };
}

function pathOf(n: number, name: 'event.json' | 'clip.mp4'): string {
  return site.pathOf(events[n]?.event.id ?? '', name);
}

const report = z.object({
  ok: z.boolean(),
  events: z.number(),
  findings: z.array(z.object({ code: z.string(), eventId: z.string().optional() })),
});

describe('faascam verify', () => {
  test('says what it has looked at, and with which key', async () => {
    const { lines, error } = await run(site.clips);
    expect(error).toBeUndefined();
    expect(lines).toEqual([
      `yard: links 1 to 3, key ${key} (not pinned: give it with --key); of 1 no later event tells yet`,
      '3 events, 0 removed.',
    ]);
    const pinned = await run(site.clips, { key: [join(site.directory, 'evidence', 'agent-key.pub')] });
    expect(pinned.lines[0]).toContain(`key ${key} (pinned)`);
    expect((await run(undefined, { data: site.directory, key: [key] })).lines).toEqual(pinned.lines);
  });

  test("takes an event's folder, and its receipt, by themselves", async () => {
    for (const place of [dirname(pathOf(1, 'event.json')), pathOf(1, 'event.json')]) {
      const { lines, error } = await run(place, { key: [key] });
      expect([error, lines.at(-1)]).toEqual([undefined, '1 event, 0 removed.']);
    }
  });

  test('prints a line an event that is wrong, the first thing first, and fails', async () => {
    const [receipt, clip] = [await readFile(pathOf(1, 'event.json')), await readFile(pathOf(1, 'clip.mp4'))];
    try {
      await site.edit(events[1]?.event.id ?? '', (told) => void (told.event.bestScore = 0.99));
      await rm(pathOf(1, 'clip.mp4'));
      const { lines, error } = await run(site.clips);
      expect(lines[0]).toBe(`WRONG  ${events[1]?.event.id}: the event is not as it was signed. (and 1 more)`);
      expect(error).toMatchObject({ code: 'not-verified' });
      expect(String(error)).toContain('1 event and 0 chains are wrong in folder');

      const json = await run(site.clips, { json: '-' });
      const told = report.parse(JSON.parse(json.lines.join('')));
      expect(told).toMatchObject({ ok: false, events: 3 });
      expect(told.findings.map(({ code }) => code)).toEqual([
        'event-changed',
        'object-missing',
        'receipt-changed',
      ]);
      expect(json.error).toMatchObject({ code: 'not-verified' });
    } finally {
      await writeFile(pathOf(1, 'event.json'), receipt);
      await writeFile(pathOf(1, 'clip.mp4'), clip);
    }
  });

  test('asks the agents for their newest events, live or from what they said before', async () => {
    const chain = { number: 4, sha256: 'd'.repeat(64), waiting: [] };
    const ring = { segments: 0, bytes: 0, spanMs: 0 };
    const camera = { state: 'streaming', framesPublished: 0, framesDropped: 0, restarts: 0, ring, chain };
    const base = { v: 1, agent: 'edge', atUs: 1, software: 'test', publicKey: key };
    const health = JSON.stringify({ ...base, cameras: { yard: camera } });
    const file = join(site.directory, 'health.json');
    await writeFile(file, health);
    const { lines, error } = await run(site.clips, { head: [file] });
    expect(lines[0]).toContain('yard: link 4 is missing, at the newest end');
    expect(error).toMatchObject({ code: 'not-verified' });

    const server = await startNatsServer({ directory: join(site.directory, 'nats') });
    const messaging = await connectNats(server.url, 'test');
    try {
      await (await new Kvm(messaging.nc).create(buckets.agents)).put('edge', health);
      expect((await run(site.clips, { live: true, nats: server.url })).lines).toEqual(lines);
    } finally {
      await messaging.nc.close();
      await server.stop();
    }
  });

  test.each<[string, string, VerifyCommand]>([
    ['a place that is not there', '/nowhere', {}],
    ['a key that is none', '.', { key: ['AAAA'] }],
    ['a number that is none', '.', { from: ['yard=first'] }],
    ['a live look at nowhere', '.', { live: true }],
    ['a head that is no health', '.', { head: ['package.json'] }],
    ['two places', '.', { store: 's3://other' }],
    ['a prefix that no key has', 's3://bucket/../x', { endpoint: 'http://127.0.0.1:1' }],
  ])('refuses %s, and says what to give', async (_what, place, command) => {
    expect((await run(place, command)).error).toMatchObject({ code: 'usage' });
  });

  test('does not pass what holds no event', async () => {
    const { error } = await run(join(site.directory, 'evidence'));
    expect(error).toMatchObject({ code: 'nothing-to-verify' });
  });
});
