import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { detectionsMessage } from '@faascam/core/messages';
import { eventSettings } from '@faascam/core/settings';
import { advance } from '@faascam/events/rules';
import { decodeTracks, encodeTracks, type CameraTracks } from '@faascam/events/state';
import { judgeIdentities, type IdentityScores } from '@faascam/events/testing/identity';
import {
  ordinaryWorld,
  worldFrames,
  type WorldFrame,
  type WorldOptions,
} from '@faascam/events/testing/world';
import { replayReport } from '@faascam/local/replay-report';
import { atMost, type Figure } from './figures.ts';

const settings = eventSettings.parse(undefined);

/** Parameters were chosen on other seeds; some later rules were tried on the first eight of these. */
const SEEDS = Array.from({ length: 15 }, (_, index) => 101 + index);
const worlds: Record<string, Partial<WorldOptions>> = {
  'two people': { people: 2 },
  'five people': {},
  'ten people': { people: 10 },
  'a bad detector': { missed: 0.3, faint: 0.2, invented: 0.3, jitter: 0.08 },
  'two frames a second': { fps: 2 },
  'ten frames a second': { fps: 10 },
};

/** Footage with a file of its objects frame by frame, as a larger detector saw them. */
const footage = ['one-by-one-person-detection', 'car-detection'];

/** How well objects are followed in invented scenes, events of real footage against its truth, and what a message costs. */
export function benchEvents(scratch: string): Promise<Figure[]> {
  return Promise.resolve([
    ...worldFigures(),
    ...costFigures(),
    ...footage.flatMap((name) => footageFigures(name, scratch)),
  ]);
}

function worldFigures(): Figure[] {
  return Object.entries(worlds).flatMap(([name, options]) => {
    const all = SEEDS.map((seed) => scoresOf(worldFrames({ ...ordinaryWorld, ...options, seed })));
    const sum = (key: keyof IdentityScores): number => all.reduce((total, each) => total + each[key], 0);
    const errors = sum('missed') + sum('invented') + sum('switches');
    return [
      { name: `${name}: MOTA`, value: 1 - errors / sum('objects'), unit: '' },
      { name: `${name}: HOTA at IoU .5`, value: sum('hota') / all.length, unit: '' },
      { name: `${name}: switches in 100 sights`, value: (100 * sum('switches')) / sum('objects'), unit: '' },
    ];
  });
}

function scoresOf(frames: readonly WorldFrame[]): IdentityScores {
  let state: CameraTracks | undefined;
  return judgeIdentities(
    frames.map(({ message, truth }) => {
      const step = advance(state, message, settings);
      if (step.kind !== 'advanced') throw new Error('frames of a world are in order');
      state = step.state;
      const seen = state.tracks.filter((track) => track.confirmed && track.lastUs === message.capturedAtUs);
      return { truth, told: seen.map(({ id, box }) => ({ track: id, box })) };
    }),
  );
}

/** Processor time of a message: its text read, the rules, the state written, and read where another replica gets it. */
function costFigures(): Figure[] {
  return [5, 10].flatMap((people) => {
    const texts = worldFrames({ ...ordinaryWorld, seed: 1, people, seconds: 120 }).map(({ message }) =>
      JSON.stringify(message),
    );
    playTexts(texts, true);
    const [warm, cold] = [true, false].map((isWarm) => {
      const before = process.cpuUsage();
      playTexts(texts, isWarm);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000 / texts.length;
    });
    return [
      atMost(`a message with ${people} people, state at hand`, warm ?? NaN, 'ms', 1),
      { name: `a message with ${people} people, state read anew`, value: cold ?? NaN, unit: 'ms' },
    ];
  });
}

function playTexts(texts: readonly string[], isWarm: boolean): void {
  let bytes: Uint8Array | undefined;
  for (const text of texts) {
    const frame = detectionsMessage.parse(JSON.parse(text));
    const before =
      bytes === undefined ? undefined : decodeTracks(isWarm ? bytes : Uint8Array.from(bytes), 'world');
    if (before === 'damaged') throw new Error('the state cannot be read back');
    const step = advance(before, frame, settings);
    if ('state' in step) bytes = encodeTracks(step.state);
  }
}

function footageFigures(name: string, scratch: string): Figure[] {
  const shared = new URL('../../../../shared/data/', import.meta.url).pathname;
  const [video, truth] = [
    join(shared, `videos/${name}.mp4`),
    join(shared, `groundtruth/${name}.ref_yolov8n.csv`),
  ];
  if (!existsSync(video) || !existsSync(truth)) return [];
  const program = new URL('../../../bin/faascam.js', import.meta.url).pathname;
  const model = join(shared, 'models/yolox_nano_416.onnx');
  const args = [
    'replay',
    video,
    '--model',
    model,
    '--data',
    join(scratch, name),
    '--truth',
    truth,
    '--json',
    '-',
  ];
  const output = execFileSync(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [found] = replayReport.parse(JSON.parse(output.toString())).truth ?? [];
  if (found === undefined) return [];
  return [
    { name: `${name}: recall`, value: found.recall, unit: `of ${found.visits}` },
    { name: `${name}: precision`, value: found.precision, unit: `of ${found.events}` },
    { name: `${name}: false events`, value: found.falseEventsPerHour, unit: '/h' },
    { name: `${name}: start off, median`, value: found.startError.medianMs ?? NaN, unit: 'ms' },
    { name: `${name}: end off, median`, value: found.endError.medianMs ?? NaN, unit: 'ms' },
    { name: `${name}: identity switches`, value: found.identitySwitches, unit: '' },
  ];
}
