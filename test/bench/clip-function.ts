import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Objm } from '@nats-io/obj';
import type { Msg } from '@nats-io/transport-node';
import type { SegmentFile } from '@faascam/clip/segment';
import { readyOf } from '@faascam/clip/testing/ready';
import { manifest, type Manifest } from '@faascam/core/clip-messages';
import { eventKey } from '@faascam/core/ids';
import { connectNats, ensureStreams } from '@faascam/core/messaging';
import { startNatsServer } from '@faascam/core/nats-server';
import { openStore } from '@faascam/core/store';
import { buckets } from '@faascam/core/subjects';
import { startFunction } from './agent-function.ts';
import { atMost, median, percentile, type Figure } from './figures.ts';
import { memoryOf } from './processes.ts';

const CALLS = 10;
const LOOK_MS = 50;

/** The clip function in a process of its own: how long it takes for a short clip, and its memory for a long one. */
export async function benchClipFunction(
  scratch: string,
  short: SegmentFile[],
  long: SegmentFile[],
): Promise<Figure[]> {
  const directory = mkdtempSync(join(scratch, 'function-'));
  const nats = await startNatsServer({ directory: join(directory, 'nats') });
  const messaging = await connectNats(nats.url, 'bench');
  const settings = { kind: 'directory', path: join(directory, 'clips') } as const;
  const store = await openStore(settings, directory);
  const run = await startFunction('clip', { NATS_URL: nats.url, FAASCAM_STORE: JSON.stringify(settings) });
  const idle = memoryOf(run.pid);
  try {
    await ensureStreams(messaging.jsm);
    const bucket = await new Objm(messaging.nc).create(buckets.segments);
    const make = async (camera: string, files: SegmentFile[]): Promise<{ ms: number; receipt: Manifest }> => {
      const named = files.map(({ ref, path }) => ({
        path,
        ref: { ...ref, object: `${camera}/${ref.object}` },
      }));
      for (const { ref, path } of named) await bucket.putBlob({ name: ref.object }, readFileSync(path));
      const ready = readyOf(named, { camera });
      const message = new Promise<Msg>((resolve) => {
        messaging.nc.subscribe('bench', { max: 1, callback: (_, heard) => resolve(heard) });
      });
      messaging.nc.publish('bench', JSON.stringify(ready));
      const begun = performance.now();
      const status = await run.call(await message, 'application/json');
      if (status !== 200) throw new Error(`the clip function answered ${status}`);
      const found = await store.get(eventKey(ready.eventId, 'event.json'));
      if (found === undefined) throw new Error('no receipt is stored');
      const ms = performance.now() - begun;
      return { ms, receipt: manifest.parse(JSON.parse((await buffer(found.stream)).toString())) };
    };

    const calls = [];
    for (let call = 0; call < CALLS; call++) calls.push(await make(`short-${call}`, short));
    const times = calls.map(({ ms }) => ms);
    const steps = calls.map(({ receipt: { timings = {}, storedAtUs } }) => {
      const { startedAtUs = 0, fetchedAtUs = 0, assembledAtUs = 0, checkedAtUs = 0 } = timings;
      return [
        fetchedAtUs - startedAtUs,
        assembledAtUs - fetchedAtUs,
        checkedAtUs - assembledAtUs,
        storedAtUs - checkedAtUs,
      ];
    });
    const stepMs = (step: number): number => median(steps.map((each) => (each[step] ?? 0) / 1000));

    let most = idle;
    const look = setInterval(() => (most = Math.max(most, memoryOf(run.pid))), LOOK_MS);
    const { receipt } = await make('long', long);
    clearInterval(look);
    return [
      { name: 'the clip function, 30 s of 1280x720, p50', value: median(times), unit: 'ms' },
      {
        name: 'likewise, p95',
        value: percentile(times, 95),
        unit: 'ms',
        aim: 'at most 2000',
        met: percentile(times, 95) <= 2000,
      },
      { name: '  fetching', value: stepMs(0), unit: 'ms' },
      { name: '  assembly', value: stepMs(1), unit: 'ms' },
      { name: '  decoding, preview, strip, snapshot', value: stepMs(2), unit: 'ms' },
      {
        name: `a clip of ${Math.round((receipt.clip?.durationMs ?? 0) / 1000)} s`,
        value: (receipt.clip?.sizeBytes ?? 0) / 1e6,
        unit: 'MB',
      },
      atMost('memory that it takes above idle', most - idle, 'MB', 80),
    ];
  } finally {
    await run.stop();
    await messaging.nc.close();
    await store.close();
    await nats.stop();
  }
}
