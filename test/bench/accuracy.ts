import { existsSync } from 'node:fs';
import { motionSettings } from '@faascam/core/settings';
import type { Luma } from '@faascam/motion/luma';
import { watchLuma } from '@faascam/motion/watch';
import { judgeQuiet, judgeVisits, type QuietJudgement, type VisitJudgement } from './accuracy-events.ts';
import { maskScore, sequenceFrames, sequences } from './accuracy-masks.ts';
import { atMost, median, type Figure } from './figures.ts';
import { footage, sharedFolder, troubled, type Footage } from './hard-cases-footage.ts';
import { caseFps, hardCases, type HardCase } from './hard-cases.ts';

/** How well motion sees: masks against truth, false events under trouble, visits under trouble, small people. */
export async function benchAccuracy(): Promise<Figure[]> {
  const figures: Figure[] = [];
  if (existsSync(sharedFolder)) {
    for (const sequence of sequences) {
      const { f } = maskScore(await sequenceFrames(sequence));
      figures.push(
        atLeast(`mask F, ${sequence.name} (best peer ${sequence.peer})`, f, '', sequence.peer - 0.03),
      );
    }
  }
  const { quiet, visits, small } = footage();
  return [
    ...figures,
    ...(await quietFigures(quiet)),
    ...(await visitFigures('visits', visits)),
    ...visitTotals('small people', await judged(small, { name: 'clean' }), [58 / 60, 54 / 60, 5]),
  ];
}

async function quietFigures(quiet: readonly Footage[]): Promise<Figure[]> {
  const all: QuietJudgement[] = [];
  const figures: Figure[] = [];
  for (const trouble of hardCases) {
    const found: QuietJudgement[] = [];
    for (const source of quiet) found.push(judgeQuiet(await movingIn(troubled(source, trouble)), caseFps));
    all.push(...found);
    figures.push(...quietLines(trouble.name, found));
  }
  const [events, share] = quietLines('all cases', all);
  if (events === undefined || share === undefined) return figures;
  return [...figures, atMost(events.name, events.value, '/h', 15), atMost(share.name, share.value, '%', 2)];
}

function quietLines(name: string, found: readonly QuietJudgement[]): Figure[] {
  const seconds = found.reduce((sum, judgement) => sum + judgement.seconds, 0);
  const events = found.reduce((sum, judgement) => sum + judgement.events.length, 0);
  const movingS = found.reduce((sum, judgement) => sum + judgement.movingShare * judgement.seconds, 0);
  return [
    { name: `${name}: false events`, value: (events * 3600) / seconds, unit: '/h' },
    { name: `${name}: time moving`, value: (movingS * 100) / seconds, unit: '%' },
  ];
}

async function visitFigures(name: string, sources: readonly Footage[]): Promise<Figure[]> {
  const all: VisitJudgement[] = [];
  const figures: Figure[] = [];
  for (const trouble of hardCases) {
    if (trouble.quietOnly === true) continue;
    const found: VisitJudgement[] = [];
    for (const source of sources) found.push(...(await judged(source, trouble)));
    all.push(...found);
    figures.push(...visitTotals(`${name}, ${trouble.name}`, found));
  }
  return [...figures, ...visitTotals(`${name}, all cases`, all, [1, 0.94, 10])];
}

async function judged(source: Footage, trouble: HardCase): Promise<VisitJudgement[]> {
  return [judgeVisits(await movingIn(troubled(source, trouble)), caseFps, source.visits)];
}

/** `bars`: shares of visits seen and of their own at least, and the false share in % at most. */
function visitTotals(
  name: string,
  found: readonly VisitJudgement[],
  bars?: readonly [seen: number, own: number, falseShare: number],
): Figure[] {
  const sum = (of: (judgement: VisitJudgement) => number): number =>
    found.reduce((total, judgement) => total + of(judgement), 0);
  const visits = sum((judgement) => judgement.visits);
  const share = (100 * sum(({ falseFrames }) => falseFrames)) / sum(({ outside }) => outside);
  const [seen, own] = [sum((judgement) => judgement.seen), sum((judgement) => judgement.own)];
  const delay = median(found.flatMap(({ delays }) => delays));
  const names = [
    `${name}: seen of ${visits}`,
    `${name}: of their own`,
    `${name}: false share`,
    `${name}: start delay, median`,
  ] as const;
  if (bars === undefined) {
    return [
      { name: names[0], value: seen, unit: '' },
      { name: names[1], value: own, unit: '' },
      { name: names[2], value: share, unit: '%' },
      { name: names[3], value: delay, unit: 's' },
    ];
  }
  return [
    atLeast(names[0], seen, '', Math.ceil(visits * bars[0] - 1e-9)),
    atLeast(names[1], own, '', Math.ceil(visits * bars[1] - 1e-9)),
    atMost(names[2], share, '%', bars[2]),
    atMost(names[3], delay, 's', 0.2),
  ];
}

function atLeast(name: string, value: number, unit: string, limit: number): Figure {
  return { name, value, unit, aim: `at least ${Number(limit.toFixed(3))}`, met: value >= limit };
}

/** Whether each frame moves, with the default settings. */
async function movingIn(frames: AsyncIterable<Luma>): Promise<boolean[]> {
  const watch = watchLuma(motionSettings.parse(undefined));
  const moving: boolean[] = [];
  for await (const luma of frames) {
    const atUs = 1_000_000 + Math.round((moving.length * 1e6) / caseFps);
    moving.push(watch(luma, atUs).said.kind === 'moving');
  }
  return moving;
}
