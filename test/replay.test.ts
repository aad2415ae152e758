import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { manifest } from '@faascam/core/clip-messages';
import { demoVisits } from '@faascam/local/demo/demo-scene';
import { demoVideo } from '@faascam/local/demo/video';
import { replayReport, type ReplayReport } from '@faascam/local/replay-report';
import { footage, model, truth, visits } from './one-by-one.ts';
import { processesAbout, runFaascam, runTool } from './program.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-replay-test-'));
afterAll(() => rmSync(scratch, { recursive: true }));
/** A replay of two minutes takes a minute of two processors that have nothing else to do. */
vi.setConfig({ testTimeout: 400_000, hookTimeout: 400_000 });
const isAtHand = footage !== undefined && model !== undefined && truth !== undefined;

async function replay(args: string[]): Promise<ReplayReport> {
  const { code, stdout, stderr } = await runFaascam(['replay', ...args, '--json', '-']);
  expect(code, stderr).toBe(0);
  return replayReport.parse(JSON.parse(stdout));
}

/** Hashes of a file's video packets in order of decoding. */
async function packetsOf(path: string): Promise<string[]> {
  const text = await runTool('ffprobe', [
    ...['-v', 'error', '-select_streams', 'v:0', '-show_packets', '-show_data_hash', 'md5'],
    ...['-show_entries', 'packet=data_hash', '-of', 'csv=p=0', path],
  ]);
  return text.split('\n').filter(Boolean);
}

const firstFrameDecodes = (path: string): Promise<string> =>
  runTool('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-frames:v', '1', '-f', 'null', '-']);

describe('a replay of the demo scene', () => {
  let report: ReplayReport;
  let video: string;

  beforeAll(async () => {
    video = await demoVideo(scratch);
    const known = join(scratch, 'truth.csv');
    const lines = demoVisits.flatMap(({ labels, fromMs, toMs }) =>
      [...new Set(labels)].map((label) => `${label},${fromMs / 1000},${toMs / 1000}`),
    );
    writeFileSync(known, ['label,start_s,end_s', ...lines].join('\n'));
    const data = ['--data', join(scratch, 'demo-data')];
    report = await replay([video, '--model', 'faascam-demo', ...data, '--truth', known]);
  });

  it('tells of each visit once, and of nothing else', () => {
    expect(report.events.map(({ labels }) => labels)).toEqual(
      demoVisits.map(({ labels }) => [...new Set(labels)]),
    );
    for (const [index, visit] of demoVisits.entries()) {
      const event = report.events[index];
      expect(Math.abs((event?.startMs ?? NaN) - visit.fromMs)).toBeLessThan(1500);
      expect(Math.abs((event?.endMs ?? NaN) - visit.toMs)).toBeLessThan(1500);
    }
  });

  it('leaves signed receipts and a whole chain, in which verify finds nothing wrong', async () => {
    const data = join(scratch, 'demo-data');
    const key = join(data, 'evidence', 'agent-key.pub');
    const { code, stdout, stderr } = await runFaascam(['verify', '--data', data, '--key', key]);
    expect(code, stdout + stderr).toBe(0);
    expect(stdout).toContain(`${demoVisits.length} events, 0 removed.`);
  });

  it('compares its events with the truth that it is given', () => {
    const labels = demoVisits.flatMap((visit) => [...new Set(visit.labels)]);
    expect(report.truth).toMatchObject([
      {
        visits: labels.length,
        told: labels.length,
        falseEvents: 0,
        recall: 1,
        precision: 1,
      },
    ]);
  });

  it('stores clips that hold the visit with pre- and post-roll, are complete, and say that a demo model looked', () => {
    for (const event of report.events) {
      expect(event.complete).toBe(true);
      expect(event.clipStartMs).toBeLessThanOrEqual(Math.max(0, event.startMs - 5000));
      expect(event.clipEndMs).toBeGreaterThanOrEqual(Math.min(60_000, event.endMs + 5000) - 100);
      const receipt = manifest.parse(JSON.parse(readFileSync(event.manifest, 'utf8')));
      expect(receipt).toMatchObject({
        complete: true,
        gaps: [],
        event: { id: event.id, model: { demo: true } },
      });
    }
  });

  it('tells only of who enters a required zone, where the camera has one', async () => {
    // The lower part of the yard: who walks there is told of, the car on the street is not.
    const yard = join(scratch, 'half.mp4');
    await runTool('ffmpeg', ['-v', 'error', '-i', video, '-t', '31', '-c', 'copy', yard]);
    const garden = {
      polygon: [
        [0, 0.8],
        [1, 0.8],
        [1, 1],
        [0, 1],
      ],
      required: true,
    };
    const config = join(scratch, 'zones.yml');
    writeFileSync(
      config,
      JSON.stringify({
        detect: { model: 'faascam-demo' },
        cameras: { yard: { source: 'demo:', zones: { garden } } },
      }),
    );
    const data = join(scratch, 'zones-data');
    const { events } = await replay([yard, '--camera', 'yard', '--config', config, '--data', data]);
    expect(events.map(({ labels }) => labels)).toEqual([['person']]);
    const receipt = manifest.parse(JSON.parse(readFileSync(events[0]?.manifest ?? '', 'utf8')));
    expect(receipt.event).toMatchObject({
      zones: ['garden'],
      began: { rule: 'entered-zone', zone: 'garden' },
    });
  });

  it('is listed by the command line, which fetches a clip', async () => {
    const data = ['--data', join(scratch, 'demo-data')];
    const list = await runFaascam(['clips', 'list', ...data]);
    const [head, ...lines] = list.stdout.trim().split('\n');
    expect(head).toMatch(/^EVENT +BEGAN/);
    expect(lines).toHaveLength(demoVisits.length);
    const [first] = report.events;
    const folder = join(scratch, 'fetched');
    const file = join(folder, `${first?.id ?? ''}.mp4`);
    expect(await runFaascam(['clips', 'get', first?.id ?? '', ...data, '--output', folder])).toMatchObject({
      code: 0,
      stdout: `${file}\n`,
    });
    expect(readFileSync(file).equals(readFileSync(first?.clip ?? ''))).toBe(true);
    const none = await runFaascam(['clips', 'get', 'demo-1-19990101t000000-000000', ...data]);
    expect(none.stderr).toMatch(/There is no event demo-1-19990101t000000-000000/);
    expect(none.code).toBe(1);
  });

  it('leaves no process behind', () => {
    expect(processesAbout(join(scratch, 'demo-data'))).toEqual([]);
  });
});

describe.runIf(isAtHand)('a replay of people one by one', () => {
  const args = [footage ?? '', '--model', model ?? ''];
  let report: ReplayReport;

  beforeAll(async () => {
    report = await replay([...args, '--data', join(scratch, 'one'), '--truth', truth ?? '']);
  });

  it('tells of six visits, each with a clip that holds it, and of nothing in the gaps', () => {
    expect(report.events.map(({ labels }) => labels)).toEqual(visits.map(() => ['person']));
    for (const [index, [from, to]] of visits.entries()) {
      const event = report.events[index];
      if (event === undefined) throw new Error('there are as many events as visits');
      const covered = Math.min(to * 1000, event.clipEndMs) - Math.max(from * 1000, event.clipStartMs);
      expect(covered / (to * 1000 - from * 1000)).toBeGreaterThanOrEqual(0.95);
      expect(event.startMs).toBeGreaterThanOrEqual(from * 1000 - 500);
      expect(event.endMs).toBeLessThanOrEqual(to * 1000 + 500);
      expect(event.complete).toBe(true);
    }
  });

  it('begins each event within half a second of its visit, ends it within one and a half, and takes nobody for another', () => {
    for (const [index, [from, to]] of visits.entries()) {
      const event = report.events[index];
      expect(Math.abs((event?.startMs ?? NaN) - from * 1000)).toBeLessThanOrEqual(500);
      expect(Math.abs((event?.endMs ?? NaN) - to * 1000)).toBeLessThanOrEqual(1500);
    }
    expect(report.truth).toMatchObject([{ told: 6, own: 6, falseEvents: 0, identitySwitches: 0 }]);
    expect(report.truth?.[0]?.endError.worstMs).toBeLessThanOrEqual(1500);
  });

  it('copies the packets of the recording and begins each clip with a keyframe', async () => {
    const source = (await packetsOf(footage ?? '')).join();
    for (const { clip } of report.events) {
      if (clip === null) throw new Error('each event has a clip');
      const packets = await packetsOf(clip);
      expect(packets.length).toBeGreaterThan(100);
      expect(source.includes(packets.join())).toBe(true);
      await firstFrameDecodes(clip);
    }
  });

  it('gives the same events when it is done again', async () => {
    const again = await replay([...args, '--data', join(scratch, 'two')]);
    const plain = ({ events, frames }: ReplayReport) => ({
      frames,
      events: events.map(({ clip, snapshot, manifest: path, ...event }) => {
        expect([clip, snapshot, path].every((each) => each?.startsWith(scratch))).toBe(true);
        return event;
      }),
    });
    expect(plain(again)).toEqual(plain(report));
    for (const [index, { clip }] of report.events.entries()) {
      const other = again.events[index]?.clip;
      expect(readFileSync(clip ?? '').equals(readFileSync(other ?? ''))).toBe(true);
    }
  });
});

/** An ONNX model that doubles ten numbers: valid, and no detector. */
const doubling =
  'CAcSB3B5dG9yY2gaBjEuMTMuMDqdAQo/EhIvQ29uc3RhbnRfb3V0cHV0XzAaCS9Db25zdGFudCIIQ29uc3RhbnQqFAoFdmFsdWUqCBABSgQAAABAoAEECiUKAXgKEi9Db25zdGFudF9vdXRwdXRfMBIBeRoEL011bCIDTXVsEgl0b3JjaF9qaXRaEwoBeBIOCgwIARIICgIIAQoCCApiEwoBeRIOCgwIARIICgIIAQoCCApCAhAN';

describe('a replay of what is none', () => {
  const video = join(scratch, 'pattern.mp4');
  beforeAll(async () => {
    await runTool('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=d=1:r=10', video]);
  });

  const cases: [string, () => string[], number, RegExp][] = [
    ['a file that is not there', () => [join(scratch, 'none.mp4')], 1, /none\.mp4 does not exist/],
    ['a file that is no video', () => [write('text.mp4', 'no video')], 1, /text\.mp4/],
    ['an empty file', () => [write('empty.mp4', '')], 1, /empty\.mp4/],
    ['no file at all', () => [], 2, /missing required argument/],
    ['a model that is none', () => [video, '--model', write('m.onnx', 'x')], 1, /m\.onnx/],
    ['a model that nobody knows', () => [video, '--model', 'yolo-none'], 1, /yolo-none/],
    [
      'a model of unknown layout',
      () => [video, '--model', write('u.onnx', Buffer.from(doubling, 'base64'))],
      1,
      /layout is unknown.*Known are YOLOX/,
    ],
    [
      'a store that cannot be written',
      () => [video, '--config', write('s.yml', store(join(write('a-file', ''), 'clips')))],
      1,
      /a-file\/clips/,
    ],
    [
      'a config with a mistake',
      () => [video, '--config', write('f.yml', 'camera: 1')],
      1,
      /f\.yml:1: camera/,
    ],
  ];
  const store = (path: string): string =>
    JSON.stringify({ cameras: { a: { source: 'demo:' } }, store: { kind: 'directory', path } });
  const write = (name: string, text: string | Buffer): string => {
    const path = join(scratch, name);
    writeFileSync(path, text);
    return path;
  };

  it.each(cases)('ends with a sentence for %s', async (_what, args, expected, sentence) => {
    const { code, stdout, stderr } = await runFaascam(['replay', ...args(), '--json', '-']);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/^\s+at .*\.js:\d+/m);
    expect(stdout).toBe('');
    expect(code).toBe(expected);
  });
});
