import type { EventMessage } from '@faascam/core/messages';
import type { ReplayResult } from '@faascam/edge-agent/replay';
import type { ContractAgent } from './agent.ts';
import { ContractBroken, expected, type Report } from './report.ts';
import type { Traffic } from './traffic.ts';
import { awaited, type Awaiting } from './wait.ts';

export interface EventChecks {
  report: Report;
  agent: ContractAgent;
  traffic: Traffic;
  /** The recording is the drawn scene. */
  drawn: boolean;
  patienceMs: number;
  signal: AbortSignal;
}

/** What the demo's own model sees in the drawn scene, in order of time. */
const DRAWN_LABELS = ['person', 'car'];

/** From pictures to events. Answers whether there are events to make clips of. */
export async function checkEvents(checks: EventChecks): Promise<boolean> {
  const { report, traffic, patienceMs, signal } = checks;
  const waiting = { patienceMs, signal, newsAtMs: () => traffic.lastAtMs };
  const played: ReplayResult[] = [];
  await report.check('Every picture is looked at, in its order', async () => {
    const result = await playedThrough(checks, waiting);
    played.push(result);
    return toldOf(result, traffic);
  });
  // One that was dropped is a fault, but there may be events all the same.
  if (played.length === 0) return false;
  await report.check('Pictures come through the functions byte for byte', async () => {
    const carried = traffic.motion.filter(({ sha256 }) => sha256 !== undefined);
    expected(carried.length > 0, 'motion passed no picture on: nothing moves in this footage');
    for (const { capturedAtUs, sha256 } of carried) {
      expected(
        traffic.frames.get(capturedAtUs)?.sha256 === sha256,
        `the picture of ${capturedAtUs} was changed on its way`,
      );
    }
    const still = traffic.motion.length - carried.length;
    return Promise.resolve(`${carried.length} with motion are the same, ${still} without motion carry none`);
  });
  await report.check('The detector finds objects', () => Promise.resolve(objectsFound(checks)));
  return await report.check('Objects become events, which begin once and end once', async () => {
    const model = traffic.detections[0]?.message.model;
    const labels = checks.drawn && model?.demo === true ? DRAWN_LABELS : undefined;
    await awaited(() => endsOf(traffic, labels?.length ?? 1), {
      ...{ ...waiting, otherwise: 'no event began and ended' },
    });
    const ended = checkedPhases(traffic.events);
    const seen = ended.map((event) => event.labels.join(' and '));
    if (labels !== undefined) {
      expected(
        seen.join() === labels.join(),
        `the drawn scene gave ${seen.join(', ')} instead of ${labels.join(', ')}`,
      );
    }
    expected(traffic.malformed.length === 0, `not as the contract has it: ${traffic.malformed.join('; ')}`);
    return `${ended.length} (${seen.join(', ')})`;
  });
}

async function playedThrough(
  { agent, traffic, signal, patienceMs }: EventChecks,
  waiting: Pick<Awaiting, 'patienceMs' | 'signal' | 'newsAtMs'>,
): Promise<ReplayResult> {
  const stalled = new AbortController();
  let over = false;
  const playing = agent.play(AbortSignal.any([signal, stalled.signal])).finally(() => (over = true));
  const watched = awaited(() => (over ? true : undefined), { ...waiting, otherwise: '' }).catch(() => {
    const [sent, answered] = [traffic.frames.size, traffic.detections.length];
    const last =
      traffic.motion.length === 0 ? 'not even motion answered' : `motion answered ${traffic.motion.length}`;
    stalled.abort(
      new ContractBroken(
        `of ${sent} pictures that NATS took ${answered} had their detections, then nothing came for ${patienceMs / 1000} s (${last}): does the connector run, with this NATS and this gateway?`,
      ),
    );
  });
  try {
    return await playing;
  } finally {
    await watched;
  }
}

function toldOf({ frames, unanswered, tooLarge }: ReplayResult, traffic: Traffic): string {
  expected(tooLarge === 0, `${tooLarge} pictures are larger than NATS takes: raise max_payload`);
  expected(
    unanswered === 0,
    `${unanswered} of ${frames} were dropped on the way: a call failed, see the connector's log`,
  );
  const times = traffic.detections.map(({ message }) => message.capturedAtUs);
  expected(
    times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0)),
    'detections came out of order, or twice',
  );
  const inMotion = latenciesMs(traffic, traffic.motion);
  const inAll = latenciesMs(
    traffic,
    traffic.detections.map(({ message, atMs }) => ({ capturedAtUs: message.capturedAtUs, atMs })),
  );
  return `${frames} pictures; from NATS to motion's word ${inMotion}, to their detections ${inAll}`;
}

function latenciesMs(traffic: Traffic, said: readonly { capturedAtUs: number; atMs: number }[]): string {
  const tookMs = said
    .flatMap(({ capturedAtUs, atMs }) => {
      const sent = traffic.frames.get(capturedAtUs);
      return sent === undefined ? [] : [atMs - sent.atMs];
    })
    .sort((a, b) => a - b);
  const at = (part: number): string =>
    Math.round(tookMs[Math.floor(part * (tookMs.length - 1))] ?? 0).toString();
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms`;
}

function objectsFound({ traffic, drawn }: EventChecks): string {
  const looked = traffic.detections.filter(({ message }) => message.inferred);
  const found = looked.filter(({ message }) => message.objects.length > 0);
  const model = traffic.detections[0]?.message.model.name ?? 'unknown';
  const advice = drawn
    ? `the model ${model} does not know drawn persons and cars: give footage in FAASCAM_CONTRACT_FRAMES`
    : `the model ${model} saw nothing in this footage`;
  expected(found.length > 0, `none in ${looked.length} pictures: ${advice}`);
  return `in ${found.length} of ${looked.length} pictures that ${model} looked at`;
}

/** Undefined while there are fewer, or one is open. */
function endsOf({ events }: Traffic, wanted: number): true | undefined {
  const begun = new Set(events.map(({ id }) => id));
  const ended = new Set(events.flatMap(({ id, phase }) => (phase === 'end' ? [id] : [])));
  return ended.size >= wanted && ended.size === begun.size ? true : undefined;
}

/** Each event's last word, in order of time. */
function checkedPhases(events: readonly EventMessage[]): EventMessage[] {
  const byId = new Map<string, EventMessage[]>();
  for (const event of events) byId.set(event.id, [...(byId.get(event.id) ?? []), event]);
  return [...byId.values()].flatMap((said) => {
    const phases = said.map(({ phase }) => phase);
    const count = (phase: EventMessage['phase']): number => phases.filter((one) => one === phase).length;
    const once = count('start') === 1 && count('end') === 1;
    expected(
      once && phases[0] === 'start' && phases.at(-1) === 'end',
      `${said[0]?.id ?? ''} went ${phases.join(', ')}`,
    );
    return said.slice(-1);
  });
}
