import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { manifest, type Manifest } from '@faascam/core/clip-messages';
import { eventMessage, parseMessage } from '@faascam/core/messages';
import { connectNats } from '@faascam/core/messaging';
import { startNatsServer } from '@faascam/core/nats-server';
import { freePort } from '@faascam/core/ports';
import { storeSettings } from '@faascam/core/store-settings';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { demoVideo } from '@faascam/local/demo/video';
import { startRtspCamera } from '@faascam/test-servers/rtsp-camera';
import { s3ServerInstalled, startS3Server, type S3Server } from '@faascam/test-servers/s3';
import { footage, model, visits } from './one-by-one.ts';
import { processesAbout, runFaascam, runTool, startFaascam } from './program.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-s3-test-'));
const installed = await s3ServerInstalled();

const duration = ['-show_entries', 'format=duration'];

type Spans = readonly (readonly [from: number, to: number])[];

/** The visits of one loop from the given one on, in seconds. */
function inLoop(first: number, lengthS: number): Spans {
  const later = visits.slice(0, first).map(([from, to]) => [from + lengthS, to + lengthS] as const);
  return [...visits.slice(first), ...later];
}

/**
 * Events on the time line of the video. The camera's pace is its own (this one plays slow where the machine is busy), so
 * that seconds are the bench's to tell: it is taken from the first end and the last.
 */
function inVideo(events: Spans, expected: Spans): Spans {
  const [firstEnd = NaN, lastEnd = NaN] = [events[0]?.[1], events.at(-1)?.[1]];
  const [visitEnd = NaN, lastVisitEnd = NaN] = [expected[0]?.[1], expected.at(-1)?.[1]];
  const pace = (lastEnd - firstEnd) / (lastVisitEnd - visitEnd);
  const timeOf = (at: number): number => (at - firstEnd) / pace + visitEnd;
  return events.map(([from, to]) => [timeOf(from), timeOf(to)]);
}

/** By how much the events' starts are off, together. */
function offBy(events: Spans, expected: Spans): number {
  return inVideo(events, expected).reduce(
    (sum, [start], visit) => sum + Math.abs(start - (expected[visit]?.[0] ?? NaN)),
    0,
  );
}

describe.runIf(installed)('a camera over RTSP with digest, into an S3 bucket', () => {
  let server: S3Server;

  beforeAll(async () => {
    server = await startS3Server();
    writeFileSync(join(scratch, 'access'), server.accessKey);
    writeFileSync(join(scratch, 'secret'), server.secretKey);
  });
  afterAll(async () => {
    await server.stop();
    rmSync(scratch, { recursive: true });
  });

  const storeOf = (bucket: string) => ({
    kind: 's3',
    endpoint: server.endpoint,
    bucket,
    createBucket: true,
    accessKeyFile: join(scratch, 'access'),
    secretKeyFile: join(scratch, 'secret'),
  });

  /** Runs faascam with one camera, `yard`, into a bucket of its own. */
  async function start(name: string, source: string, model: string, natsUrl = '') {
    const data = join(scratch, name);
    const config = join(scratch, `${name}.yml`);
    writeFileSync(
      config,
      JSON.stringify({
        data,
        nats: { url: natsUrl },
        page: { port: await freePort() },
        cameras: { yard: { source } },
        detect: { model },
        store: storeOf(name),
      }),
    );
    const running = startFaascam(['up', '--config', config]);
    const [, page = ''] = await running.said(/ready: (http:\S+)/);
    const store = await openStore(storeSettings.parse(storeOf(name)), data);
    return { running, page, data, config, store };
  }

  async function receiptsIn(store: ObjectStore): Promise<Manifest[]> {
    const receipts: Manifest[] = [];
    for await (const entry of store.list('')) {
      if (!('key' in entry) || !entry.key.endsWith('/event.json')) continue;
      const found = await store.get(entry.key);
      if (found) receipts.push(manifest.parse(JSON.parse((await buffer(found.stream)).toString())));
    }
    return receipts.sort((a, b) => a.event.startUs - b.event.startUs);
  }

  const waitForReceipts = (store: ObjectStore, count: number, timeout: number): Promise<Manifest[]> =>
    vi.waitFor(
      async () => {
        const receipts = await receiptsIn(store);
        expect(receipts.length).toBeGreaterThanOrEqual(count);
        return receipts;
      },
      { timeout, interval: 1000 },
    );

  it.runIf(footage !== undefined && model !== undefined)(
    'gives the same six events live as in a replay, with content types and metadata',
    async () => {
      const camera = await startRtspCamera({ video: footage ?? '', user: 'cam', password: 's3cret' });
      try {
        const { running, data, config, store } = await start('one-by-one', camera.url, model ?? '');
        try {
          // The agent may have come late to the first visit, whichever that was: the camera plays in a loop.
          const [, ...receipts] = (await waitForReceipts(store, 7, 300_000)).slice(0, 7);
          expect(receipts.map(({ event }) => event.labels)).toEqual(visits.map(() => ['person']));
          const lengthS = Number(
            await runTool('ffprobe', [...['-v', 'error', '-of', 'csv=p=0'], ...duration, footage ?? '']),
          );
          const events = receipts.map(
            ({ event }) => [event.startUs / 1_000_000, event.endUs / 1_000_000] as const,
          );
          const [expected = []] = visits
            .map((_visit, first) => inLoop(first, lengthS))
            .sort((a, b) => offBy(events, a) - offBy(events, b));
          const seen = expected.map(([from, to]) =>
            inVideo(events, expected).flatMap(([start, end], event) =>
              start < (from + to) / 2 && (from + to) / 2 < end ? [event] : [],
            ),
          );
          expect(seen, JSON.stringify(events)).toEqual(visits.map((_visit, event) => [event]));
          for (const { complete, delivered, requested } of receipts) {
            expect(complete).toBe(true);
            expect(delivered?.toUs).toBeGreaterThanOrEqual(requested.toUs);
          }
          const [second] = receipts;
          const clip = await store.head(second?.clip?.key ?? '');
          expect(clip).toMatchObject({ contentType: 'video/mp4', sizeBytes: second?.clip?.sizeBytes });
          expect(Object.values(clip?.metadata ?? {})).toEqual(
            expect.arrayContaining([second?.event.id, 'yard', 'person']),
          );
          expect(await store.head(second?.snapshot?.key ?? '')).toMatchObject({ contentType: 'image/jpeg' });
          expect(JSON.stringify(receipts)).not.toContain('s3cret');
          const verified = await runFaascam(['verify', 's3://one-by-one', '--config', config]);
          expect(verified, verified.stdout).toMatchObject({ code: 0 });
          expect(verified.stdout).toMatch(/^[7-9] events, 0 removed/m);
        } finally {
          expect(await running.stop(), running.output()).toBe(0);
          await store.close();
        }
        expect(running.output()).not.toContain('s3cret');
        expect(running.output()).not.toContain(server.secretKey);
        expect(processesAbout(data)).toEqual([]);
      } finally {
        await camera.stop();
      }
    },
    500_000,
  );

  it('names the gap in the clip of an event during which the camera died', async () => {
    const video = await demoVideo(scratch);
    const nats = await startNatsServer({ directory: join(scratch, 'nats') });
    const { nc } = await connectNats(nats.url, 'test');
    const started = new Promise<string>((resolve) => {
      nc.subscribe('events.*', {
        callback: (_error, message) => resolve(parseMessage(eventMessage, message.data, 'event').id),
      });
    });
    const options = { video, user: 'cam', password: 's3cret' };
    const cameras = [await startRtspCamera(options)];
    const { running, page, store } = await start(
      'dying-camera',
      cameras[0]?.url ?? '',
      'faascam-demo',
      nats.url,
    );
    try {
      const id = await started;
      await cameras[0]?.kill('SIGKILL');
      const stateOf = async (): Promise<string> => await (await fetch(new URL('api/cameras', page))).text();
      await vi.waitFor(async () => expect(await stateOf()).not.toMatch(/streaming/), {
        timeout: 30_000,
        interval: 200,
      });
      cameras.push(await startRtspCamera({ ...options, port: cameras[0]?.port ?? 0 }));
      await vi.waitFor(async () => expect(await stateOf()).toMatch(/streaming/), {
        timeout: 90_000,
        interval: 200,
      });
      await waitForReceipts(store, 1, 90_000);
      const [receipt] = await receiptsIn(store);
      expect(receipt?.event.id).toBe(id);
      expect(receipt?.complete).toBe(false);
      expect(receipt?.gaps.map(({ cause }) => cause)).toContain('camera-lost');
      expect(receipt?.clip?.durationMs).toBeGreaterThan(1000);
      const clip = join(scratch, 'gap.mp4');
      const found = await store.get(receipt?.clip?.key ?? '');
      if (found) writeFileSync(clip, await buffer(found.stream));
      await runTool('ffmpeg', ['-v', 'error', '-xerror', '-i', clip, '-f', 'null', '-']);
    } finally {
      expect(await running.stop(), running.output()).toBe(0);
      await store.close();
      for (const camera of cameras) await camera.stop();
      await nc.close();
      await nats.stop();
    }
  });
});
