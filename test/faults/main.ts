import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { messageOf } from '@faascam/core/errors';
import { createRandom, type Random } from '@faascam/local/demo/random';
import { tableLines } from '@faascam/local/table';
import { s3ServerInstalled } from '@faascam/test-servers/s3';
import { processesAbout } from '../program.ts';
import { judge, runEpisode, settled, type Row } from './episode.ts';
import { allFaults, inSuccession, type Fault } from './faults.ts';
import { memoryByPart, type Memory } from './memory.ts';
import { quiet, visits } from './recordings.ts';
import { orphanedChunks, remainsOf } from './remains.ts';
import { runInSandbox, sandbox, type Sandbox } from './sandbox.ts';
import { Site } from './site.ts';
import { overlapping } from './verdict.ts';
import { verified } from './verified.ts';
import { told } from './wanted.ts';

const USAGE =
  'script/test faults [--events N] [--long] [--seed N] [--only PART-OF-A-NAME,...] [--logs FOLDER]';
/** From so many events on, a run is a long one. */
const LONG_FROM_EVENTS = 500;
const VISIT_COMES_MS = 240_000;
/** So long the last frames are on their way from the camera to an event that they tell of. */
const LAST_FRAMES_MS = 10_000;
/** Consumers that read a stream once, as this suite does twice a second, stay with NATS for five minutes. */
const MEMORY_BACK_MS = 400_000;
/** Of all events; the camera with visits has the others. */
const ASKED_SHARE = 0.8;
/** Cameras in front of which nothing happens, and those with visits. */
const QUIET = ['gate', 'lane'] as const;
const VISITED = 'yard';

interface Plan {
  events: number;
  /** Faults last as long as the worst outages do. */
  long: boolean;
  seed: number;
  only: string;
  /** Where the parts' logs are kept; empty: nowhere. */
  logs: string;
}

function planOf(args: readonly string[]): Plan | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { type: 'string' },
      long: { type: 'boolean' },
      seed: { type: 'string' },
      only: { type: 'string' },
      logs: { type: 'string' },
    },
  });
  const [events, seed] = [Number(values.events ?? 100), Number(values.seed ?? 1)];
  if (!Number.isInteger(events) || events < 1 || !Number.isInteger(seed)) return undefined;
  return {
    events,
    long: values.long ?? events >= LONG_FROM_EVENTS,
    seed,
    only: values.only ?? '',
    logs: values.logs ?? '',
  };
}

function clockLibrary(): string | undefined {
  const found = readdirSync('/usr/lib')
    .map((name) => join('/usr/lib', name, 'faketime/libfaketimeMT.so.1'))
    .find((path) => existsSync(path));
  if (found === undefined)
    say('libfaketime is not installed: no clock is moved. sudo apt-get install libfaketime');
  return found;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Faults on one site, one after the other. */
async function runSite(
  { scratch, namespaces }: Sandbox,
  store: 's3' | 'directory',
  faults: readonly Fault[],
  each: { events: number; random: Random; fakeClock: string | undefined; logs: string },
): Promise<{ rows: Row[]; faults: string[]; memory: { before: Memory; after: Memory } }> {
  const folder = join(scratch, store);
  const cameras = {
    [VISITED]: `file:${await visits()}`,
    ...Object.fromEntries(QUIET.map((camera) => [camera, `file:${quiet(scratch)}`])),
  };
  const site = await Site.open({ scratch: folder, store, cameras, namespaces, fakeClock: each.fakeClock });
  say(`Site with ${store === 's3' ? 'an S3 server' : 'a folder'} as its store; ${site.link.description}.`);
  const rows: Row[] = [];
  const known = new Set<string>();
  let memoryBefore: Memory = new Map();
  const found: string[] = [];
  for (const fault of faults) {
    const before = rows.at(-1)?.causes ?? ['before-start'];
    const { random, events } = each;
    const row = await runEpisode({ site, fault, events, cameras: QUIET, random, known, before }).catch(
      (error: unknown) => {
        // The others may still tell something.
        found.push(`${fault.name}: the suite itself failed: ${messageOf(error)}`);
        return undefined;
      },
    );
    if (row === undefined) continue;
    for (const id of row.verdicts.keys()) known.add(id);
    rows.push(row);
    say(lineOf(row).join(' | '));
    for (const problem of problemsOf(row)) say(`    ${problem}`);
    if (rows.length === 1) memoryBefore = memoryByPart(process.pid);
  }
  found.push(...(await finish(site, rows, known)));
  const after = await memoryInTheEnd(memoryBefore);
  await site.close();
  if (each.logs !== '') cpSync(join(folder, 'logs'), join(each.logs, store), { recursive: true });
  // What is told to end needs a moment.
  await wait(1000);
  const left = processesAbout(folder).filter((line) => !isOurs(line));
  if (left.length > 0) found.push(`processes are left: ${left.join('; ')}`);
  return { rows, faults: found, memory: { before: memoryBefore, after } };
}

/** The suite itself, and the shell around it. */
function isOurs(line: string): boolean {
  const pid = Number(line.split(':')[0]);
  return pid === 1 || pid === process.ppid || pid === process.pid;
}

/** Somebody comes by every quarter of a minute: from frame to event all still works. */
async function visitsGoOn({ messaging }: Site): Promise<string[]> {
  const before = new Set((await told(messaging)).events.keys());
  for (const beganMs = performance.now(); performance.now() - beganMs < VISIT_COMES_MS;) {
    const { events } = await told(messaging);
    if ([...events.values()].some(({ camera, id }) => camera === VISITED && !before.has(id))) return [];
    await wait(1000);
  }
  return [`the camera ${VISITED} tells of no visit any more`];
}

/** Ends the cameras, waits for the last events, and looks for what is left. */
async function finish(site: Site, rows: Row[], known: Set<string>): Promise<string[]> {
  const found = await visitsGoOn(site);
  site.agent.signal('SIGUSR2');
  while (site.ffmpegPids().length > 0) await wait(100);
  const endedMs = performance.now();
  let seen = { count: 0, atMs: endedMs };
  const last = await settled(site, async () => {
    const { wanted, events } = await told(site.messaging);
    const open = [...events.values()].filter(({ phase }) => phase !== 'end');
    if (open.length > 0) throw new Error('an event has not ended yet');
    const nowMs = performance.now();
    if (wanted.size !== seen.count) seen = { count: wanted.size, atMs: nowMs };
    if (nowMs - seen.atMs < LAST_FRAMES_MS) throw new Error('the last frames may still tell of an event');
    return new Set(wanted.keys());
  });
  const allowed = new Set([
    'agent-stopped',
    'camera-lost',
    'end-of-recording',
    ...(rows.at(-1)?.causes ?? []),
  ]);
  const late = [...last.ids].filter((id) => !known.has(id));
  rows.push({
    ...{ fault: 'the cameras’ end', causes: [] },
    recoveredMs: last.atMs === undefined ? undefined : last.atMs - endedMs,
    verdicts: await judge(site, late, allowed),
  });
  const { events, wanted } = await told(site.messaging);
  for (const event of events.values()) {
    if (event.phase !== 'end') found.push(`the event ${event.id} has never ended`);
    else if (!wanted.has(event.id)) found.push(`no clip was ever wanted of ${event.id}`);
  }
  for (const pair of overlapping([...events.values()]))
    found.push(`the same was told twice: ${pair.join(' and ')}`);
  const { held, keys } = await remainsOf(site);
  for (const id of held) found.push(`footage is still held for ${id}`);
  for (const id of keys.keys())
    if (!wanted.has(id)) found.push(`objects in the store are of no event: ${id}`);
  found.push(...(await verified(site)));
  const chunks = await orphanedChunks(site);
  if (chunks > 0) found.push(`${chunks} chunks in the object store of segments belong to no object`);
  return found;
}

function problemsOf({ verdicts, recoveredMs, fault }: Row): string[] {
  const problems = [...verdicts].flatMap(([id, { lost, duplicate, faults }]) => [
    ...(lost ? [`${id} is lost`] : []),
    ...(duplicate ? [`${id} was stored twice`] : []),
    ...faults.map((text) => `${id}: ${text}`),
  ]);
  return recoveredMs === undefined && verdicts.size > 0
    ? [...problems, `${fault}: not all was well in the end`]
    : problems;
}

const HEAD = ['fault', 'events', 'clips', 'lost', 'duplicates', 'incomplete', 'seconds to recover'];

function lineOf(row: Row): string[] {
  const verdicts = [...row.verdicts.values()];
  const count = (is: (verdict: (typeof verdicts)[number]) => boolean): number => verdicts.filter(is).length;
  const incomplete = count(({ causes }) => causes.length > 0);
  const causes = [...new Set(verdicts.flatMap(({ causes }) => causes))].join(', ');
  return [
    row.fault,
    String(verdicts.length),
    String(count(({ lost }) => !lost)),
    String(count(({ lost }) => lost)),
    String(count(({ duplicate }) => duplicate)),
    incomplete === 0 ? '0' : `${incomplete} (${causes})`,
    row.recoveredMs === undefined ? '-' : (row.recoveredMs / 1000).toFixed(1),
  ];
}

async function runSuite(inside: Sandbox, plan: Plan): Promise<number> {
  const fakeClock = clockLibrary();
  const s3 = await s3ServerInstalled();
  const groups = allFaults(plan.long);
  const episodes = plan.long ? groups.flat() : groups.map((group) => inSuccession(group));
  const chosen = episodes.filter(({ name, needs }) => {
    const missing =
      (needs === 's3' && !s3) ||
      ((needs === 'namespaces' || needs === 'directory') && !inside.namespaces) ||
      (needs === 'clock' && fakeClock === undefined);
    if (missing) say(`Left out: ${name}`);
    return !missing && (name === 'none' || plan.only.split(',').some((part) => name.includes(part)));
  });
  const onFolder = chosen.filter(({ needs, name }) => !s3 || needs === 'directory' || name === 'none');
  const onS3 = s3 ? chosen.filter(({ needs }) => needs !== 'directory') : [];
  const random = createRandom(plan.seed);
  const events = Math.max(2, Math.ceil((ASKED_SHARE * plan.events) / (onFolder.length + onS3.length)));
  say(`Seed ${plan.seed}; ${events} events asked for at each fault, beside those of the camera with visits.`);
  const beganMs = performance.now();
  const rows: Row[] = [];
  const problems: string[] = [];
  for (const [store, faults] of [
    ['s3', onS3],
    ['directory', onFolder],
  ] as const) {
    if (faults.length === 0 || (faults.length === 1 && plan.only !== '' && chosen.length > 1)) continue;
    const result = await runSite(inside, store, faults, { events, random, fakeClock, logs: plan.logs });
    rows.push(...result.rows);
    problems.push(...result.faults, ...(result.memory.before.size === 0 ? [] : grown(result.memory)));
  }
  const minutes = ((performance.now() - beganMs) / 60_000).toFixed(1);
  say(`\n${tableLines([HEAD, ...rows.map(lineOf), totalOf(rows)]).join('\n')}\n`);
  problems.push(...rows.flatMap(problemsOf));
  for (const problem of problems) say(`PROBLEM: ${problem}`);
  say(`${problems.length} problems in ${minutes} minutes.`);
  return problems.length === 0 ? 0 : 1;
}

function totalOf(rows: readonly Row[]): string[] {
  const all = new Map(rows.flatMap(({ verdicts }) => [...verdicts]));
  const slowest = Math.max(...rows.map(({ recoveredMs }) => recoveredMs ?? 0));
  return lineOf({ fault: 'all', verdicts: all, recoveredMs: slowest, causes: [] });
}

/** What collectors have left for later needs minutes to go back to the system. */
async function memoryInTheEnd(before: Memory): Promise<Memory> {
  for (const beganMs = performance.now(); ;) {
    const after = memoryByPart(process.pid);
    const back = [...after].every(([name, megabytes]) => !hasGrown(before.get(name), megabytes));
    if (back || performance.now() - beganMs > MEMORY_BACK_MS) return after;
    await wait(1000);
  }
}

/** Twice as much is a leak. */
function hasGrown(before: number | undefined, after: number): boolean {
  return before !== undefined && after > 2 * before + 48;
}

function grown({ before, after }: { before: Memory; after: Memory }): string[] {
  const lines = [['process', 'MB before', 'MB after']];
  const problems: string[] = [];
  for (const [name, megabytes] of after) {
    const first = before.get(name);
    if (first === undefined) continue;
    lines.push([name, megabytesText(first), megabytesText(megabytes)]);
    if (hasGrown(first, megabytes))
      problems.push(`${name} grew from ${megabytesText(first)} to ${megabytesText(megabytes)} MB`);
  }
  say(`\n${tableLines(lines).join('\n')}`);
  return problems;
}

function megabytesText(megabytes: number): string {
  return String(Math.round(megabytes));
}

const args = process.argv.slice(2);
const inside = sandbox();
const plan = planOf(args);
if (plan === undefined) {
  process.stderr.write(`Usage: ${USAGE}\n`);
  process.exitCode = 2;
} else if (inside === undefined) {
  process.exitCode = await runInSandbox(args);
} else {
  try {
    process.exit(await runSuite(inside, plan));
  } catch (error) {
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? messageOf(error)) : messageOf(error)}\n`,
    );
    process.exit(1);
  }
}
