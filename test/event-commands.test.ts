import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { openDirectoryStore } from '@faascam/core/directory-store';
import { manifestOf, storeEvent, type EventFixture } from '@faascam/core/event-fixture';
import { eventIdOf, eventKey } from '@faascam/core/ids';
import { connectNats, ensureStreams } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import type { ObjectStore } from '@faascam/core/store';
import { subjects } from '@faascam/core/subjects';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { runFaascam, startFaascam, type Outcome } from './program.ts';

const HOUR_US = 3_600_000_000;
const NOON_US = Date.UTC(2026, 2, 4, 12) * 1000;

let scratch: string;
let folder: string;
let store: ObjectStore;

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'faascam-commands-'));
  folder = join(scratch, 'clips');
  store = await openDirectoryStore(folder);
});
afterEach(async () => {
  await store.close();
  rmSync(scratch, { recursive: true });
});

const clips = (command: string, ...args: string[]): Promise<Outcome> =>
  runFaascam(['clips', command, '--store', folder, ...args]);
const add = (startUs: number, fixture: Partial<EventFixture> = {}): Promise<string> =>
  storeEvent(store, { camera: 'yard', startUs, clip: Buffer.from(`clip of ${startUs}`), ...fixture });
/** First column of each line. */
const firsts = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.split('  ')[0] ?? '');

describe('faascam clips list', () => {
  it('shows events newest first, in the terminal’s zone, with what is special about each', async () => {
    const old = await add(NOON_US - 48 * HOUR_US, { camera: 'gate', labels: ['car', 'dog'] });
    const gap = { fromUs: NOON_US, toUs: NOON_US + 1, cause: 'camera-lost' } as const;
    const torn = await add(NOON_US, { gaps: [gap], told: { zones: ['porch'] } });
    await clips('keep', old);
    const { stdout } = await runFaascam(['clips', 'list', '--store', folder], { TZ: 'Asia/Kolkata' });
    const [head, first, second] = stdout.split('\n');
    expect(head).toMatch(/^EVENT +BEGAN +LENGTH +LABELS +ZONES +SCORE +SIZE +NOTES$/);
    expect(first).toMatch(
      /2026-03-04 17:30:00\+05:30 +14\.0 s +person +porch +0\.91 .*incomplete \(camera-lost\)$/,
    );
    expect(second).toMatch(/2026-03-02 17:30:00\+05:30 .*car,dog .*kept$/);
    expect(firsts(stdout)).toEqual(['EVENT', torn, old]);
  });

  it('says what an option ought to be, and what cannot be read', async () => {
    const broken = eventIdOf('yard', NOON_US);
    await store.put(eventKey(broken, 'event.json'), Buffer.from('{'), { contentType: 'application/json' });
    expect((await clips('list')).stderr).toMatch(new RegExp(`${broken}/event.json in the store is not JSON`));
    const { code, stderr } = await clips('list', '--limit', '0');
    expect(stderr).toMatch(/'--limit <count>' argument '0' is invalid\. not a count from 1 on/);
    expect(code).toBe(2);
  });

  it('lists 1500 events in less memory than their receipts have', async () => {
    const padding = 'x'.repeat(40_000);
    for (let index = 0; index < 1500; index += 1) {
      const manifest = manifestOf({ camera: 'yard', startUs: NOON_US + index * 600_000_000 });
      const path = join(folder, eventKey(manifest.event.id, 'event.json'));
      mkdirSync(dirname(path), { recursive: true });
      const model = { ...manifest.event.model, name: padding };
      writeFileSync(path, JSON.stringify({ ...manifest, event: { ...manifest.event, model } }));
    }
    // 60 MB of receipts.
    const { stdout, code, stderr } = await runFaascam(['clips', 'list', '--json', '--store', folder], {
      NODE_OPTIONS: '--max-old-space-size=40',
    });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.match(/\n/g)).toHaveLength(1500);
  });
});

describe('faascam clips get', () => {
  it('fetches clips with all parts and receipts into a folder, and goes on after a part', async () => {
    const id = await add(NOON_US);
    const key = eventKey(id, 'event.json');
    const receipt = manifestOf({ camera: 'yard', startUs: NOON_US, clip: Buffer.from(`clip of ${NOON_US}`) });
    const second = manifestOf({ camera: 'yard', startUs: NOON_US, clip: Buffer.from('second') }).clip;
    const parts = [receipt.clip, { ...second, key: eventKey(id, 'clip-2.mp4') }].map((clip) => ({
      ...clip,
      delivered: receipt.requested,
    }));
    await store.put(eventKey(id, 'clip-2.mp4'), Buffer.from('second'), { contentType: 'video/mp4' });
    await store.put(key, Buffer.from(JSON.stringify({ ...receipt, parts })), { contentType: 'text/plain' });
    const output = join(scratch, 'out');
    const get = (): Promise<Outcome> => clips('get', id, '--output', output, '--with-receipt');
    const { stdout, code } = await get();
    expect(code).toBe(0);
    const names = [`${id}.mp4`, `${id}-2.mp4`, `${id}.json`];
    expect(stdout.trim().split('\n')).toEqual(names.map((name) => join(output, name)));
    expect(await readFile(join(output, `${id}-2.mp4`), 'utf8')).toBe('second');
    rmSync(join(output, `${id}.mp4`));
    await writeFile(join(output, `${id}.mp4.part`), 'clip');
    expect((await get()).code).toBe(0);
    expect(await readFile(join(output, `${id}.mp4`), 'utf8')).toBe(`clip of ${NOON_US}`);
    expect((await readdir(output)).sort()).toEqual([...names].sort());
  });

  it('fetches what stands beside the clip, and says what there is not', async () => {
    const id = await add(NOON_US);
    const body = Buffer.from('moving');
    const preview = {
      key: eventKey(id, 'preview.mp4'),
      sha256: createHash('sha256').update(body).digest('hex'),
      ...{ sizeBytes: body.length, width: 320, height: 240 },
    };
    const receipt = manifestOf({ camera: 'yard', startUs: NOON_US, clip: Buffer.from(`clip of ${NOON_US}`) });
    await store.put(preview.key, body, { contentType: 'video/mp4' });
    await store.put(eventKey(id, 'event.json'), Buffer.from(JSON.stringify({ ...receipt, preview })), {
      contentType: 'text/plain',
    });
    const output = join(scratch, 'beside');
    const all = await clips('get', id, '--output', output, '--what', 'all');
    expect([all.code, all.stderr]).toEqual([0, '']);
    const names = [`${id}.mp4`, `${id}.preview.mp4`, `${id}.json`];
    expect(all.stdout.trim().split('\n')).toEqual(names.map((name) => join(output, name)));
    expect(await readFile(join(output, `${id}.preview.mp4`), 'utf8')).toBe('moving');
    const some = await clips('get', id, '--output', output, '--what', 'preview,h264');
    expect(some.stdout.trim()).toBe(join(output, `${id}.preview.mp4`));
    expect(some.stderr).toContain(`Event ${id} has no h264: the clip plays in every browser as it is`);
    expect(some.code).toBe(1);
    expect((await clips('get', id, '--what', 'film')).code).toBe(2);
  });

  it('leaves no half file of a clip that is not what its receipt tells, and says so', async () => {
    const id = await add(NOON_US);
    await store.put(eventKey(id, 'clip.mp4'), Buffer.from('another'), { contentType: 'video/mp4' });
    const output = join(scratch, 'out');
    const { code, stderr } = await clips('get', '--camera', 'yard', '-o', output);
    expect(stderr).toMatch(
      /clip\.mp4 in folder .* is not what its receipt tells: look at it with "faascam verify"/,
    );
    expect(code).toBe(1);
    expect(await readdir(output)).toEqual([]);
  });

  it('says which event is not there, and which has no footage', async () => {
    const gap = { fromUs: NOON_US, toUs: NOON_US + 1, cause: 'evicted' } as const;
    const bare = manifestOf({ camera: 'yard', startUs: NOON_US, gaps: [gap] });
    const { id } = bare.event;
    const body = Buffer.from(JSON.stringify(bare));
    await store.put(eventKey(id, 'event.json'), body, { contentType: 'application/json' });
    const { code, stderr } = await clips('get', id, eventIdOf('yard', 1), '-o', scratch);
    expect(stderr).toMatch(/has no clip: there was no footage \(evicted\)/);
    expect(stderr).toMatch(/There is no event yard-19700101/);
    expect(code).toBe(1);
    expect((await clips('get')).stderr).toMatch(/either by event ids, or by filters/);
  });
});

describe('faascam clips keep, rm and sweep', () => {
  it('remove nothing without --yes, and nothing that is kept without --force', async () => {
    const [kept, other] = [await add(NOON_US), await add(NOON_US + 1)];
    expect((await clips('keep', kept)).stdout).toBe(`${kept}  is kept\n`);
    expect(firsts((await clips('list', '--kept')).stdout)).toEqual(['EVENT', kept]);
    const told = await clips('rm', '--camera', 'yard');
    expect(firsts(told.stdout)).toEqual([other]);
    expect(told.stderr).toMatch(/Nothing was removed\. It would be 1 events, .*1 are kept: add --yes/);
    expect(await store.head(eventKey(other, 'clip.mp4'))).toBeDefined();
    expect((await clips('rm', '--camera', 'yard', '--yes')).stderr).toMatch(/Removed: 1 events/);
    expect(firsts((await clips('list')).stdout)).toEqual(['EVENT', kept]);
    expect((await clips('rm', other, '--yes')).stderr).toMatch(/was removed before/);
    expect((await clips('keep', other)).stderr).toMatch(/cannot be kept any more/);
    expect((await clips('rm', kept, '--yes', '--force')).code).toBe(0);
    expect(await store.head(eventKey(kept, 'removed.json'))).toBeDefined();
    expect(await store.head(eventKey(kept, 'keep.json'))).toBeUndefined();
    const absent = await clips('rm', eventIdOf('yard', 1), '--yes');
    expect([absent.code, absent.stderr]).toEqual([
      1,
      expect.stringMatching(/There is no event yard-19700101/),
    ]);
    expect((await clips('rm', '--yes')).code).toBe(2);
  });

  it('sweep by the retention settings of the config, and take the traces only when asked', async () => {
    const nowUs = Date.now() * 1000;
    const day = 24 * HOUR_US;
    const [person, car] = [await add(nowUs - 40 * day), await add(nowUs - 40 * day + 1, { labels: ['car'] })];
    const config = join(scratch, 'faascam.yml');
    await writeFile(
      config,
      "cameras: { yard: { source: 'demo:' } }\nretention: { labels: { person: 90 } }\n",
    );
    const sweep = (...args: string[]): Promise<Outcome> => clips('sweep', '--config', config, ...args);
    expect(firsts((await sweep()).stdout)).toEqual([car]);
    expect(await store.head(eventKey(car, 'event.json'))).toBeDefined();
    expect((await sweep('--yes')).stderr).toMatch(/^Removed: 1 events/);
    expect(firsts((await clips('list')).stdout)).toEqual(['EVENT', person]);
    expect(await store.head(eventKey(car, 'removed.json'))).toBeDefined();
    expect((await sweep('--yes', '--prune-tombstones')).stderr).toMatch(/the traces of 1 removed events/);
    expect(await store.head(eventKey(car, 'removed.json'))).toBeUndefined();
  });
});

describe('faascam events', () => {
  let nats: NatsServer;
  let natsFolder: string;
  beforeAll(async () => {
    natsFolder = mkdtempSync(join(tmpdir(), 'faascam-commands-nats-'));
    nats = await startNatsServer({ directory: natsFolder });
  });
  afterAll(async () => {
    await nats.stop();
    rmSync(natsFolder, { recursive: true });
  });

  it('shows what goes on and what waits for its clip beside what is stored, and follows what comes', async () => {
    const startUs = Math.floor(Date.now() / 1000) * 1_000_000;
    const stored = await add(startUs - 60_000_000);
    const { nc, jsm } = await connectNats(nats.url, 'test');
    try {
      await ensureStreams(jsm);
      const js = jetstream(nc);
      const publish = async (
        camera: string,
        at: number,
        phase: 'start' | 'update' | 'end',
      ): Promise<string> => {
        const { event } = manifestOf({ camera, startUs: at });
        await js.publish(subjects.events(camera), JSON.stringify({ ...event, phase }));
        return event.id;
      };
      await publish('yard', startUs - 60_000_000, 'end');
      const waiting = await publish('gate', startUs - 30_000_000, 'end');
      await publish('yard', startUs, 'start');
      const open = await publish('yard', startUs, 'update');
      const args = ['events', '--store', folder, '--nats', nats.url];
      const { stdout } = await runFaascam(args);
      const [, ...rows] = stdout.trim().split('\n');
      expect(firsts(rows.join('\n'))).toEqual([open, waiting, stored]);
      expect(rows[0]).toMatch(/ - +going on$/);
      expect(rows[1]).toMatch(/its clip is on its way$/);
      const json = await runFaascam([...args, '--json', '--camera', 'yard', '--oldest-first']);
      expect(
        json.stdout
          .trim()
          .split('\n')
          .map((line): unknown => JSON.parse(line)),
      ).toMatchObject([
        { v: 1, event: { id: stored }, storedAtUs: expect.any(Number) as number },
        { v: 1, event: { id: open }, stored: false },
      ]);

      const following = startFaascam([...args, '--follow', '--camera', 'yard', '--limit', '1']);
      const ended = new Promise((resolve) => following.child.once('exit', resolve));
      // It hears what comes after it has begun to listen, which only what it says tells: so until then, again and again.
      let at = startUs;
      const telling = setInterval(() => void publish('yard', (at += 1000), 'end'), 200);
      await following.said(/ended {2}yard-\d{8}t\d{6}-\d{6} {2}person/);
      clearInterval(telling);
      expect(await ended).toBe(0);
    } finally {
      await nc.close();
    }
  });

  it('follows and lists what comes after NATS was killed and started again', async () => {
    const args = ['events', '--store', folder, '--nats', nats.url];
    const { nc, jsm } = await connectNats(nats.url, 'test');
    try {
      await ensureStreams(jsm);
      const js = jetstream(nc);
      let at = Math.floor(Date.now() / 1000) * 1_000_000;
      let last = '';
      const publish = async (): Promise<void> => {
        const { event } = manifestOf({ camera: 'lane', startUs: (at += 1000) });
        await js.publish(subjects.events('lane'), JSON.stringify({ ...event, phase: 'start' }));
        last = event.id;
      };
      /** Until the command has heard of one of them. */
      const heard = async (): Promise<void> => {
        const { length } = following.output();
        await vi.waitFor(
          async () => {
            await publish();
            expect(following.output().slice(length)).toContain('began  lane-');
          },
          { timeout: 120_000, interval: 100 },
        );
      };
      const following = startFaascam([...args, '--follow', '--camera', 'lane']);
      await heard();
      process.kill(nats.pid, 'SIGKILL');
      await nats.ended;
      nats = await startNatsServer({ directory: natsFolder, port: nats.port });
      await heard();
      expect(await following.stop('SIGINT')).toBe(0);
      const { stdout } = await runFaascam([...args, '--camera', 'lane']);
      expect(firsts(stdout)).toContain(last);
    } finally {
      await nc.close();
    }
  });

  it('shows what is stored where NATS is away, and says so', async () => {
    const stored = await add(NOON_US);
    const { stdout, stderr, code } = await runFaascam([
      ...['events', '--store', folder, '--nats', 'nats://user:s3cret@127.0.0.1:9'],
    ]);
    expect(firsts(stdout)).toEqual(['EVENT', stored]);
    expect(stderr).toMatch(/Only stored events are shown: No NATS server answers/);
    expect(stderr).not.toContain('s3cret');
    expect(code).toBe(0);
    const following = await runFaascam(['events', '--follow', '--data', scratch]);
    expect(following.stderr).toMatch(/To follow events NATS must be reached/);
    expect(following.code).toBe(1);
  });
});
