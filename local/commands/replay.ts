import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { configSchema, readConfig, type Config } from '@faascam/core/config';
import { FaascamError, systemCodeOf, UsageError } from '@faascam/core/errors';
import { cameraId, cameraIdFrom } from '@faascam/core/ids';
import { createLogger, type Logger } from '@faascam/core/log';
import type { Messaging } from '@faascam/core/messaging';
import { natsSettings } from '@faascam/core/nats-access';
import { requireProgram } from '@faascam/core/programs';
import { cameraSettings } from '@faascam/core/camera-settings';
import { viewOf } from '@faascam/core/view';
import { probeRecording } from '@faascam/edge-agent/capture/recording';
import { Attestor } from '@faascam/edge-agent/attestor';
import { serveClips } from '@faascam/edge-agent/clips/clip-service';
import { ProfileTeller } from '@faascam/edge-agent/profile-teller';
import { openReplayFootage, replayRecording } from '@faascam/edge-agent/replay';
import { collect, type Collector } from '../collector.ts';
import { lockData } from '../data-lock.ts';
import { withModel } from '../model-choice.ts';
import { drained, startPipeline } from '../pipeline.ts';
import { DEFAULT_MODEL } from '../quick-config.ts';
import { replayReport, reportEvent, type ReplayReport } from '../replay-report.ts';
import { requireStore } from '../store-check.ts';
import { print, progress, tell } from '../terminal.ts';
import { judge, linesOf, type Judgement } from './replay-judge.ts';
import { readTruth, type Visit } from './replay-truth.ts';

export interface ReplayCommand {
  recordings: string[];
  json?: string | undefined;
  data?: string | undefined;
  model?: string | undefined;
  config?: string | undefined;
  camera?: string | undefined;
  start?: string | undefined;
  /** What is truly in each recording, in the same order. */
  truth?: string[] | undefined;
}

/** A recording that does not say when it was made is taken to begin here, so that replays are repeatable. */
const UNKNOWN_START_US = Date.UTC(2000, 0, 1) * 1000;
const CLIP_PATIENCE_MS = 60_000;

/** `faascam replay`: recordings through the whole pipeline as fast as it goes, each on its own clock. */
export async function replay(command: ReplayCommand, signal: AbortSignal): Promise<void> {
  const begun = performance.now();
  const recordings = await recordingsOf(command);
  await requireProgram('ffmpeg');
  await requireProgram('ffprobe');
  for (const { path, camera } of recordings) await probeRecording(path, camera);
  const data =
    command.data === undefined ? await mkdtemp(join(tmpdir(), 'faascam-replay-')) : resolve(command.data);
  const unlock = await lockData(data);
  const work = await mkdtemp(join(tmpdir(), 'faascam-work-'));
  let report: ReplayReport;
  try {
    const config = await withModel(
      { ...configOf(command), data, nats: natsSettings.parse({}) },
      command.model !== undefined || command.config !== undefined,
      signal,
    );
    await requireStore(config, false);
    report = await run(config, recordings, work, begun, signal);
  } finally {
    await rm(work, { recursive: true, force: true });
    await unlock();
  }
  await write(report, command.json);
  if (command.data === undefined) tell(`The clips are in ${data}; choose the folder with --data.`);
}

interface Recording {
  path: string;
  camera: string;
  startUs: number;
  truth: Visit[] | undefined;
}

/** What a replay of one recording gave beside its events. */
interface Replayed {
  frames: number;
  durationMs: number;
}

async function recordingsOf(command: ReplayCommand): Promise<Recording[]> {
  const startUs = command.start === undefined ? UNKNOWN_START_US : Date.parse(command.start) * 1000;
  if (!Number.isFinite(startUs) || startUs < 0) {
    throw new UsageError('usage', `--start ${command.start ?? ''} is no time: write 2026-05-01T14:00:00Z.`);
  }
  if (command.camera !== undefined && !cameraId.safeParse(command.camera).success) {
    throw new UsageError('usage', `--camera ${command.camera} is no camera id: use a-z, 0-9, _ and -.`);
  }
  const { truth = [] } = command;
  if (truth.length > 0 && truth.length !== command.recordings.length) {
    throw new UsageError(
      'usage',
      `${truth.length} ground truths for ${command.recordings.length} recordings: give one for each, in their order.`,
    );
  }
  const visits = await Promise.all(truth.map((path) => readTruth(path)));
  const taken = new Set<string>();
  const recordings: Recording[] = [];
  for (const [index, path] of command.recordings.entries()) {
    try {
      if (!(await stat(path)).isFile()) {
        throw new UsageError('no-recording', `${path} is no file: give the path of a recording.`);
      }
    } catch (cause) {
      if (cause instanceof FaascamError) throw cause;
      const why = systemCodeOf(cause) === 'ENOENT' ? 'does not exist' : 'cannot be read';
      throw new FaascamError('no-recording', `The recording ${path} ${why}: check the path.`, { cause });
    }
    const wanted = command.camera ?? cameraIdFrom(basename(path).replace(/\.[^.]*$/, ''));
    let camera = wanted;
    for (let count = 2; taken.has(camera); count++) camera = `${wanted.slice(0, 58)}-${count}`;
    taken.add(camera);
    recordings.push({ path: resolve(path), camera, startUs, truth: visits[index] });
  }
  return recordings;
}

function configOf(command: ReplayCommand): Config {
  const config =
    command.config === undefined
      ? configSchema.parse({ cameras: { any: { source: 'file:' } }, detect: { model: DEFAULT_MODEL } })
      : readConfig(command.config);
  return command.model === undefined
    ? config
    : { ...config, detect: { ...config.detect, model: command.model } };
}

async function run(
  config: Config,
  recordings: readonly Recording[],
  work: string,
  begun: number,
  signal: AbortSignal,
): Promise<ReplayReport> {
  const log = createLogger('replay');
  const pipeline = await startPipeline({
    config,
    natsDirectory: join(work, 'nats'),
    freshness: 'ordered',
    port: 0,
    keepRunning: false,
  });
  const { messaging } = pipeline;
  const ending = new AbortController();
  const both = AbortSignal.any([signal, ending.signal]);
  const collector = await collect(messaging);
  try {
    const replayed = async (): Promise<Replayed[]> => {
      const all: Replayed[] = [];
      for (const recording of recordings) {
        all.push(await replayOne(config, recording, work, messaging, collector, log, both));
      }
      return all;
    };
    const all = await Promise.race([replayed(), pipeline.failed]);
    return reportOf(config, recordings, collector, all, begun);
  } finally {
    ending.abort();
    await collector.close();
    await pipeline.stop();
  }
}

/** Replays one recording and waits until its last clip is stored. */
async function replayOne(
  config: Config,
  { path, camera, startUs }: Recording,
  work: string,
  messaging: Messaging,
  collector: Collector,
  log: Logger,
  signal: AbortSignal,
): Promise<Replayed> {
  const bar = progress(`Replaying ${basename(path)}`, 's');
  const settings = config.cameras[camera] ?? cameraSettings.parse({ source: `file:${path}` });
  await new ProfileTeller({ messaging }, log, signal).tell({ [camera]: settings });
  const footage = await openReplayFootage({ dataDirectory: work, camera, settings, log });
  const attestor = await Attestor.open({ dataDirectory: config.data, agent: config.agent.id, log });
  const serving = new AbortController();
  const agent = { id: config.agent.id, camera, footage, messaging, log };
  const clips = serveClips({
    ...agent,
    attestor,
    view: () => viewOf(settings),
    signal: AbortSignal.any([signal, serving.signal]),
  });
  try {
    const replayed = async (): Promise<Replayed> => {
      const { frames, unanswered, tooLarge, durationMs } = await replayRecording({
        ...agent,
        settings,
        recording: path,
        startUs,
        signal,
        onProgress: ({ positionMs, durationMs }) =>
          bar.update(positionMs / 1000, durationMs / 1000, `${collector.ended.size} events`),
      });
      if (unanswered + tooLarge > 0) {
        throw new FaascamError(
          'frames-lost',
          `${unanswered + tooLarge} frames of ${path} were not looked at; the lines above say why.`,
        );
      }
      await drained(messaging, signal);
      await collector.allStored(CLIP_PATIENCE_MS, signal);
      return { frames, durationMs };
    };
    // The clip service runs until it is told to stop; before that it can only fail.
    const failed = clips.then(() => new Promise<never>(() => undefined));
    return await Promise.race([replayed(), failed]);
  } finally {
    bar.end();
    serving.abort();
    await clips.catch(() => undefined);
    await footage.remove();
  }
}

function reportOf(
  config: Config,
  recordings: readonly Recording[],
  collector: Collector,
  replayed: readonly Replayed[],
  begun: number,
): ReplayReport {
  const starts = new Map(recordings.map(({ camera, startUs }) => [camera, startUs]));
  const locate = locator(config);
  const events = [...collector.ended.values()].flatMap((event) => {
    const stored = collector.stored.get(event.id);
    return stored === undefined
      ? []
      : [reportEvent(event, stored, starts.get(event.camera) ?? UNKNOWN_START_US, locate)];
  });
  events.sort((a, b) => a.startMs - b.startMs || (a.id < b.id ? -1 : 1));
  const truth = recordings.flatMap((recording, index) => judgementOf(recording, replayed[index], collector));
  return replayReport.parse({
    v: 1,
    frames: replayed.reduce((sum, { frames }) => sum + frames, 0),
    elapsedMs: Math.round(performance.now() - begun),
    events,
    ...(truth.length > 0 ? { truth } : {}),
  });
}

function judgementOf(
  { camera, startUs, truth }: Recording,
  replayed: Replayed | undefined,
  collector: Collector,
): Judgement[] {
  if (truth === undefined || replayed === undefined) return [];
  const msOf = (span: { startUs: number; endUs: number }) => ({
    startMs: (span.startUs - startUs) / 1000,
    endMs: (span.endUs - startUs) / 1000,
  });
  const events = [...collector.ended.values()]
    .filter((event) => event.camera === camera)
    .map((event) => ({
      labels: event.labels,
      ...msOf(event),
      tracks: event.tracks.map((track) => ({ label: track.label, ...msOf(track) })),
    }));
  return [judge(camera, events, truth, replayed.durationMs)];
}

function locator(config: Config): (key: string) => string {
  const { store, data } = config;
  if (store.kind === 's3') return (key) => `s3://${store.bucket}/${key}`;
  const root = store.path || join(data, 'clips');
  return (key) => join(root, key);
}

async function write(report: ReplayReport, json: string | undefined): Promise<void> {
  if (json === '-') {
    print(JSON.stringify(report));
    return;
  }
  if (json !== undefined) {
    try {
      await writeFile(json, `${JSON.stringify(report)}\n`);
    } catch (cause) {
      throw new FaascamError('report-not-written', `The report ${json} cannot be written: check the path.`, {
        cause,
      });
    }
    return;
  }
  for (const event of report.events) {
    const [from, to] = [event.startMs, event.endMs].map((ms) => `${(ms / 1000).toFixed(1)} s`);
    print(
      `${event.camera}  ${from} to ${to}  ${event.labels.join(', ')}  ${event.score}  ${event.clip ?? 'no clip'}`,
    );
  }
  for (const found of report.truth ?? []) for (const line of linesOf(found)) print(line);
  tell(
    `${report.events.length} events in ${report.frames} frames, ${(report.elapsedMs / 1000).toFixed(1)} s`,
  );
}
