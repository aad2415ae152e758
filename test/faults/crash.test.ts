import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeze } from '@faascam/test-servers/children';
import { afterAll, expect, test, vi } from 'vitest';
import { processesAbout } from '../program.ts';
import { judge, settled } from './episode.ts';
import { quiet } from './recordings.ts';
import { orphanedChunks } from './remains.ts';
import { Site } from './site.ts';
import { eventIn, told, want } from './wanted.ts';

/** Short faults of each kind. `script/test faults` has all of them, for minutes or for an hour. */
const scratch = mkdtempSync(join(tmpdir(), 'faascam-crash-test-'));
afterAll(() => rmSync(scratch, { recursive: true }));

test('six events that wait when the clip function and the agent are killed are stored once each, and whole', async () => {
  const cameras = { gate: `file:${quiet(scratch)}`, lane: `file:${quiet(scratch)}` };
  const site = await Site.open({
    ...{ scratch, store: 'directory', cameras, namespaces: false, functions: ['clip'] },
  });
  try {
    const soon = { timeout: 90_000, interval: 100 };
    const [clip = 0] = site.functionPids('clip');
    await freeze(clip);
    const ids = new Set<string>();
    for (const camera of ['gate', 'lane'] as const) {
      await vi.waitFor(() => expect(site.recordedUntilUs(camera)).toBeGreaterThan(0), soon);
      const untilUs = site.recordedUntilUs(camera);
      for (const seconds of [1, 1.2, 1.4]) {
        const wanted = eventIn(camera, untilUs - seconds * 1e6, untilUs);
        ids.add(wanted.eventId);
        await want(site.messaging, wanted);
      }
    }
    await vi.waitFor(() => expect(site.pins().sort()).toEqual([...ids].sort()), soon);
    process.kill(clip, 'SIGKILL');
    site.agent.signal('SIGKILL');

    expect((await settled(site, () => Promise.resolve(ids))).atMs).toBeDefined();
    const verdicts = await judge(site, ids, new Set());
    expect([...verdicts.values()]).toEqual(
      [...ids].map(() => ({ lost: false, duplicate: false, causes: [], faults: [] })),
    );
    expect([...(await told(site.messaging)).wanted.keys()].sort()).toEqual([...ids].sort());
    expect([site.agent.starts, await orphanedChunks(site)]).toEqual([2, 0]);
  } finally {
    await site.close();
  }
  expect(processesAbout(scratch)).toEqual([]);
}, 300_000);
