import { availableParallelism } from 'node:os';
import { readConfig, type Config } from '@faascam/core/config';
import { FaascamError, messageOf, UsageError } from '@faascam/core/errors';
import { requireProgram } from '@faascam/core/programs';
import { redact } from '@faascam/core/redact';
import type { CameraSettings } from '@faascam/core/camera-settings';
import { advise, type Advice } from '@faascam/edge-agent/probe/advice';
import { probeSource } from '@faascam/edge-agent/probe/probe-source';
import type { StreamFacts } from '@faascam/edge-agent/probe/stream-facts';
import { parseSource, shownSource, type Source } from '@faascam/edge-agent/sources/source';
import { writeJson } from '../json-output.ts';
import { DEMO_SOURCE } from '../quick-config.ts';
import { tableLines } from '../table.ts';
import { print, tell } from '../terminal.ts';

export interface CheckCommand {
  /** Only this camera. */
  camera?: string | undefined;
  /** Only the file, no camera. */
  offline?: boolean | undefined;
  json?: string | undefined;
}

/** What is wrong with a camera. The message names it, without a secret. */
interface Fault {
  code: string;
  message: string;
}

/** A camera as it was found; the report's form. */
export interface CheckedCamera {
  id: string;
  /** Without password. */
  source: string;
  substream?: string;
  main?: StreamFacts;
  sub?: StreamFacts;
  faults: Fault[];
  advice: Advice[];
}

interface Opened {
  id: string;
  settings: CameraSettings;
  checked: CheckedCamera;
  /** Undefined for the demo, which is made here, and for a source that is wrong. */
  main?: Source;
  sub?: Source;
}

/**
 * `faascam check`: whether a config file is right, and whether its cameras stream, with advice. Throws `UsageError` for
 * mistakes in the file, `FaascamError` `cameras-wrong` at the end when a camera cannot be watched.
 */
export async function check(path: string, command: CheckCommand, signal: AbortSignal): Promise<void> {
  const config = await readForReport(path, command.json);
  const cameras = chosen(config, path, command.camera).map(([id, settings]) => open(id, settings));
  const streams = command.offline === true ? [] : cameras.filter(({ main, sub }) => main ?? sub);
  if (streams.length > 0) {
    await requireProgram('ffmpeg');
    const names = streams.map(({ id }) => id).join(', ');
    if (command.json === undefined) tell(`Looking at ${names} for some seconds ...`);
    await eachOf(streams, Math.max(2, availableParallelism() * 2), (camera) => look(camera, config, signal));
  }
  const checked = cameras.map((camera) => camera.checked);
  const wrong = checked.filter(({ faults }) => faults.length > 0);
  if (command.json === undefined) show(cameras, command.offline === true);
  else await writeJson({ v: 1, file: path, right: wrong.length === 0, cameras: checked }, command.json);
  if (wrong.length > 0) {
    const names = wrong.map(({ id }) => id).join(', ');
    throw new FaascamError(
      'cameras-wrong',
      `${path}: ${wrong.length} of ${checked.length} cameras cannot be watched: ${names}.`,
    );
  }
  if (command.json === undefined) print(`${path} is right.`);
}

async function readForReport(path: string, json: string | undefined): Promise<Config> {
  try {
    return readConfig(path);
  } catch (error) {
    if (json !== undefined && error instanceof UsageError) {
      const mistakes = redact(error.message).split('\n');
      await writeJson({ v: 1, file: path, right: false, mistakes, cameras: [] }, json);
    }
    throw error;
  }
}

function chosen(config: Config, path: string, only: string | undefined): [string, CameraSettings][] {
  const cameras = Object.entries(config.cameras);
  if (only === undefined) return cameras;
  const found = cameras.filter(([id]) => id === only);
  if (found.length === 0) {
    const ids = cameras.map(([id]) => id).join(', ');
    throw new UsageError('usage', `${path} has no camera ${JSON.stringify(only)}, it has ${ids}.`);
  }
  return found;
}

function open(id: string, settings: CameraSettings): Opened {
  const checked: CheckedCamera = { id, source: '', faults: [], advice: [] };
  const [source, substream] = [settings.source, settings.substream].map((text) => {
    if (text === '' || text === DEMO_SOURCE) return undefined;
    try {
      return parseSource(text);
    } catch (error) {
      checked.faults.push(faultOf(error, `Camera ${id}: `));
      return undefined;
    }
  });
  checked.source = source === undefined ? redact(settings.source) : shownSource(source);
  if (settings.substream !== '') {
    checked.substream = substream === undefined ? redact(settings.substream) : shownSource(substream);
  }
  return {
    ...{ id, settings, checked },
    ...(source === undefined ? {} : { main: source }),
    ...(substream === undefined ? {} : { sub: substream }),
  };
}

async function look(
  { id, settings, checked, main, sub }: Opened,
  config: Config,
  signal: AbortSignal,
): Promise<void> {
  const { allowExec } = config.agent;
  const probe = async (source: Source | undefined): Promise<StreamFacts | undefined> => {
    try {
      return source && (await probeSource(source, { camera: id, settings, allowExec, signal }));
    } catch (error) {
      signal.throwIfAborted();
      // Not one camera's fault: it would be said of each.
      if (error instanceof FaascamError && error.code === 'program-missing') throw error;
      checked.faults.push(faultOf(error, source === sub ? 'The substream: ' : ''));
      return undefined;
    }
  };
  const [mainFacts, subFacts] = await Promise.all([probe(main), probe(sub)]);
  if (mainFacts !== undefined) {
    checked.main = mainFacts;
    checked.advice = advise(mainFacts, { camera: settings, events: config.events }, subFacts);
  }
  if (subFacts !== undefined) checked.sub = subFacts;
}

function faultOf(error: unknown, before: string): Fault {
  const code = error instanceof FaascamError ? error.code : 'failed';
  return { code, message: redact(`${before}${messageOf(error)}`) };
}

/** Runs the task for each, some at a time. */
async function eachOf<T>(all: readonly T[], atOnce: number, task: (one: T) => Promise<void>): Promise<void> {
  const rest = [...all];
  const worker = async (): Promise<void> => {
    for (let one = rest.shift(); one !== undefined; one = rest.shift()) await task(one);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, worker));
}

function show(cameras: readonly Opened[], offline: boolean): void {
  if (offline || cameras.every(({ main }) => main === undefined)) {
    for (const { id, settings, checked } of cameras) {
      const { frames, ring } = settings;
      print(`${id}: ${checked.source}, ${frames.fps} frames/s, ring of ${ring.minutes} min`);
    }
  } else {
    const head = ['CAMERA', 'SOURCE', 'VIDEO', 'SIZE', 'RATE', 'KEYFRAMES', 'SOUND', 'MBIT/S', 'CLOCK'];
    const rows = cameras.flatMap(({ checked }) => [
      [checked.id, checked.source, ...cells(checked.main)],
      ...(checked.substream === undefined ? [] : [['', checked.substream, ...cells(checked.sub)]]),
    ]);
    for (const line of tableLines([head, ...rows])) print(line);
  }
  for (const { id, faults, advice } of cameras.map(({ checked }) => checked)) {
    for (const { message } of faults) print(`wrong   ${message}`);
    for (const { weight, text } of advice) print(`${weight.padEnd(6)}  ${id}: ${text}`);
  }
}

function cells(facts: StreamFacts | undefined): string[] {
  if (facts === undefined) return [];
  const { video, audio, kbps } = facts;
  const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;
  const keyframes = video.allKeyframes
    ? 'all'
    : video.keyframeIntervalMs === undefined
      ? '?'
      : `${video.keyframeIntervalOpen ? '> ' : ''}${seconds(video.keyframeIntervalMs)}`;
  return [
    [video.codec, video.profile ?? ''].join(' ').trim(),
    `${video.width}x${video.height}`,
    video.rate === undefined ? '?' : String(video.rate),
    keyframes,
    audio?.codec ?? 'none',
    kbps === undefined ? '?' : (kbps / 1000).toFixed(1),
    clockCell(facts.clockAheadMs),
  ];
}

/** A camera tells its clock to a second, if at all. */
function clockCell(aheadMs: number | undefined): string {
  if (aheadMs === undefined) return '-';
  const seconds = Math.round(aheadMs / 1000);
  if (Math.abs(seconds) <= 1) return 'right';
  return `${seconds > 0 ? '+' : ''}${seconds} s`;
}
