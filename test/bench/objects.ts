import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DetectionsMessage, EventMessage } from '@faascam/core/messages';
import { detectSettings, eventSettings, motionSettings } from '@faascam/core/settings';
import { loadDetector, type Detector } from '@faascam/detect/detector';
import { hintsOf, remember, type Recollection } from '@faascam/detect/recollection';
import { planLook } from '@faascam/detect/regions';
import { resolveModel } from '@faascam/detect/registry';
import { advance } from '@faascam/events/rules';
import type { CameraTracks } from '@faascam/events/state';
import { watchMotion } from '@faascam/motion/watch';
import { atMost, type Figure } from './figures.ts';
import { sharedFolder } from './hard-cases-footage.ts';
import { caseFps } from './hard-cases-pixels.ts';
import { hardCases, type HardCase } from './hard-cases.ts';
import { room, troubledColour, yard, type ColourFootage, type ObjectVisit } from './objects-footage.ts';

const motion = motionSettings.parse(undefined);
const detect = detectSettings.parse(undefined);
const rules = eventSettings.parse(undefined);

/**
 * A quiet minute begins anew each time, in another strength of its trouble: the start is judged as well. Troubles that
 * have but one strength repeat themselves.
 */
const QUIET_S = 60;
/** Of the real footage so much is put under every trouble: three visits. */
const ROOM_S = 72;
/** Who writes visits down is no more exact. */
const SLACK_S = 0.5;
const STEP_US = 1_000_000 / caseFps;
const START_US = 1_700_000_000_000_000;

/** Footage before one detector. */
export interface Scenery {
  detector: Detector;
  quiet: ColourFootage;
  visited: ColourFootage;
}

/** The demo's yard before the demo's detector; the real room before a real one, where they lie beside the checkout. */
export async function sceneries(): Promise<Scenery[]> {
  const scenery: Scenery[] = [
    {
      detector: await loadDetector(await resolveModel('faascam-demo', '.'), detect),
      quiet: yard(true),
      visited: yard(false),
    },
  ];
  const model = join(sharedFolder, 'models/yolox_nano_416.onnx');
  const [quiet, visited] = [room(true, QUIET_S), room(false, ROOM_S)];
  if (quiet !== undefined && visited !== undefined && existsSync(model)) {
    const detector = await loadDetector(await resolveModel(model, '.'), detect);
    scenery.push({ detector, quiet, visited });
  }
  return scenery;
}

/**
 * Objects and events under every hard case: false events in `minutes` quiet minutes of each footage, and whether visits
 * are told of. Motion, detector and rules work as in the functions, without HTTP and NATS between them.
 */
export async function benchObjects(minutes: number): Promise<Figure[]> {
  const all = await sceneries();
  const judged: CaseJudgement[] = [];
  for (const trouble of hardCases) judged.push(await judgeCase(trouble, all, minutes));
  for (const { detector } of all) await detector.close();
  const sum = (of: (judgement: CaseJudgement) => number): number =>
    judged.reduce((total, judgement) => total + of(judgement), 0);
  const [visits, told] = [sum((one) => one.visits), sum((one) => one.told)];
  const recall = { name: 'all cases: visits told of', value: (100 * told) / visits, unit: '%' };
  return [
    ...judged.flatMap(figuresOf),
    atMost(
      `all cases: false events in ${sum((one) => one.quietS) / 60} quiet minutes`,
      sum((one) => one.falseQuiet),
      '',
      0,
    ),
    { ...recall, aim: 'at least 95', met: told >= 0.95 * visits },
    {
      name: `all cases: false events beside ${visits} visits`,
      value: sum((one) => one.falseBeside),
      unit: '',
    },
  ];
}

function figuresOf({
  name,
  quietS,
  lookedAt,
  falseQuiet,
  visits,
  told,
  falseBeside,
}: CaseJudgement): Figure[] {
  return [
    atMost(`${name}: false events in ${quietS / 60} quiet minutes`, falseQuiet, '', 0),
    { name: `${name}: quiet frames that the detector looked at`, value: 100 * lookedAt, unit: '%' },
    ...(visits === 0
      ? []
      : [
          { name: `${name}: visits told of, of ${visits}`, value: told, unit: '' },
          { name: `${name}: false events beside them`, value: falseBeside, unit: '' },
        ]),
  ];
}

export interface CaseJudgement {
  name: string;
  quietS: number;
  /** Share of the quiet frames in which the detector was asked. */
  lookedAt: number;
  falseQuiet: number;
  visits: number;
  told: number;
  /** Events of the visited footage that tell of no visit. */
  falseBeside: number;
}

export async function judgeCase(
  trouble: HardCase,
  all: readonly Scenery[],
  minutes: number,
): Promise<CaseJudgement> {
  const found = { quietS: 0, looks: 0, frames: 0, falseQuiet: 0, visits: 0, told: 0, falseBeside: 0 };
  for (const { detector, quiet, visited } of all) {
    for (let minute = 0; minute < minutes; minute++) {
      const { events, looks, frames } = await eventsOf(quiet, trouble, minute, detector);
      found.falseQuiet += events.length;
      found.looks += looks;
      found.frames += frames;
      found.quietS += quiet.luma.length / caseFps;
    }
    if (trouble.quietOnly === true) continue;
    const { events } = await eventsOf(visited, trouble, 0, detector);
    found.visits += visited.visits.length;
    found.told += visited.visits.filter((visit) => events.some((event) => tellsOf(event, visit))).length;
    found.falseBeside += events.filter(
      (event) => !visited.visits.some((visit) => tellsOf(event, visit)),
    ).length;
  }
  const { looks, frames, ...rest } = found;
  return { name: trouble.name, lookedAt: looks / frames, ...rest };
}

function tellsOf({ labels, startUs, endUs }: EventMessage, { label, from, to }: ObjectVisit): boolean {
  const second = (us: number): number => (us - START_US) / 1e6;
  return labels.includes(label) && second(startUs) <= to + SLACK_S && second(endUs) >= from - SLACK_S;
}

export interface Told {
  /** The last that was told of each event. */
  events: EventMessage[];
  looks: number;
  frames: number;
}

/** What the functions make of footage under a trouble. */
export async function eventsOf(
  footage: ColourFootage,
  trouble: HardCase,
  seed: number,
  detector: Detector,
): Promise<Told> {
  const watch = watchMotion(motion);
  const last = new Map<string, EventMessage>();
  let state: CameraTracks | undefined;
  let look: Recollection | undefined;
  let [looks, frames] = [0, 0];
  for await (const { index, grey, colour } of troubledColour(footage, trouble, seed)) {
    const capturedAtUs = START_US + index * STEP_US;
    const { said } = await watch(grey, capturedAtUs);
    const isLooked = said.kind === 'moving' || said.kind === 'settling';
    const hints = hintsOf(look, capturedAtUs, detect.regions.wholeEveryMs);
    const scene = { input: detector.layout, movers: said.boxes, ...hints, turn: frames };
    const seen = isLooked
      ? await detector.look(await colour(), (picture) => planLook({ picture, ...scene }, detect.regions.most))
      : undefined;
    if (seen !== undefined) {
      look = remember(
        look,
        { capturedAtUs, movers: said.boxes },
        { objects: seen.objects, whole: seen.look.whole },
      );
      looks++;
    }
    const message: DetectionsMessage = {
      ...{ v: 1, camera: footage.name, capturedAtUs, seq: frames++ },
      ...{ motion: said.kind, motionBoxes: said.boxes, inferred: seen !== undefined },
      objects: seen?.objects ?? [],
      ...(seen === undefined ? {} : { low: seen.low, picture: { width: seen.width, height: seen.height } }),
      model: { name: detector.model.name, sha256: detector.model.sha256, demo: detector.model.demo },
    };
    const step = advance(state, message, rules);
    if (step.kind !== 'advanced') throw new Error('frames of footage are in order');
    state = step.state;
    for (const outgoing of step.outgoing) {
      if (outgoing.kind === 'event') last.set(outgoing.message.id, outgoing.message);
    }
  }
  return { events: [...last.values()], looks, frames };
}
