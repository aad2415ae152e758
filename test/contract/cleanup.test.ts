import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { activityKey } from '@faascam/core/activity';
import { systemClock } from '@faascam/core/clock';
import { connectNats } from '@faascam/core/messaging';
import { startNatsServer } from '@faascam/core/nats-server';
import { openActivity } from '@faascam/core/site-buckets';
import { ChunkLane } from '@faascam/edge-agent/clips/chunk-lane';
import { SegmentStore } from '@faascam/edge-agent/clips/segment-store';
import { cleanUp } from './cleanup.ts';
import { Report } from './report.ts';

test('what moved and footage that nobody fetched are taken away, also of an upload that was cut, and no other camera’s', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'faascam-cleanup-test-'));
  const server = await startNatsServer({ directory: join(scratch, 'nats') });
  const messaging = await connectNats(server.url, 'test');
  try {
    const path = join(scratch, 'segment.mkv');
    writeFileSync(path, 'footage');
    const footage = await SegmentStore.open(messaging, new ChunkLane(systemClock), 16);
    const put = async (camera: string, id: string) => {
      const segment = { path, startUs: 1_000_000, endUs: 2_000_000, sizeBytes: 7, epoch: 0 };
      await footage.put({ id, camera, order: 1 }, segment, new Map(), new AbortController().signal);
    };
    await put('contract-1', 'walk');
    await put('yard', 'real');
    await messaging.js.publish('$O.segments.C.cut.1000000', 'the first chunk');

    const bucket = await openActivity(messaging);
    for (const camera of ['contract-1', 'contract-11']) await bucket.put(activityKey(camera, 0), 'levels');

    const lines: string[] = [];
    const report = new Report((line) => lines.push(line));
    await cleanUp({
      ...{ report, messaging, cameras: ['contract-1'], events: ['walk', 'cut'] },
      ...{ store: undefined, clips: 0 },
    });
    expect(lines).toEqual([expect.stringMatching(/^ok {4}Nothing of the suite stays in NATS: 4 messages/)]);
    const { state } = await messaging.jsm.streams.info('OBJ_segments', { subjects_filter: '>' });
    const object = Buffer.from('yard/real/1000000.mkv').toString('base64url');
    const left = Object.keys(state.subjects ?? {}).map((subject) => subject.replace(/=+$/, ''));
    expect((await bucket.get(activityKey('contract-11', 0)))?.string()).toBe('levels');
    expect(await bucket.get(activityKey('contract-1', 0))).toBeNull();
    expect(left.sort()).toEqual(['$O.segments.C.real.1000000', `$O.segments.M.${object}`]);
  } finally {
    await messaging.nc.close();
    await server.stop();
    rmSync(scratch, { recursive: true });
  }
});
