import { join } from 'node:path';
import type { Config } from '@faascam/core/config';
import { FaascamError, UsageError } from '@faascam/core/errors';
import { connectNats, closeNats, type Messaging } from '@faascam/core/messaging';
import { requirePort } from '@faascam/core/ports';
import { requireProgram } from '@faascam/core/programs';
import { redact } from '@faascam/core/redact';
import { writeJson } from '../json-output.ts';
import { LatencySamples, type LatencySummary } from '../latency/samples.ts';
import type { Listening } from '../http-server.ts';
import { startTimePage } from '../latency/time-page.ts';
import { watchFrames, watchRing, watchSource } from '../latency/watches.ts';
import { natsReaderOf } from '../nats-address.ts';
import { configOf, type CommandLine } from '../quick-config.ts';
import { tableLines } from '../table.ts';
import { print, tell } from '../terminal.ts';

export interface LatencyCommand extends Omit<CommandLine, 'source' | 'port'> {
  /** How long is measured. */
  seconds?: number | undefined;
  /** Port of a page with the time, for a real camera to look at. */
  page?: number | undefined;
  host?: string | undefined;
  json?: string | undefined;
}

interface Place extends LatencySummary {
  /** What was looked at. */
  place: string;
  /** Why there is nothing to tell. */
  fault?: string | undefined;
}

interface Watched {
  place: string;
  samples: LatencySamples;
  fault: Promise<string | undefined>;
}

const SECONDS = 20;
const NO_CODE =
  'No picture with a time code was seen: show one with "faascam simulate --time-code", or let the camera look at the page of "faascam latency --page 8602".';

/**
 * `faascam latency`: from the moment in a picture to where the picture is seen, for cameras of an agent (frames on NATS,
 * footage in the ring) and for addresses. Throws `FaascamError` `no-time-code` when no picture told a moment.
 */
export async function latency(
  targets: readonly string[],
  command: LatencyCommand,
  signal: AbortSignal,
): Promise<void> {
  await requireProgram('ffmpeg');
  const { seconds = SECONDS, host = '127.0.0.1' } = command;
  const cameras = targets.filter((target) => !target.includes(':'));
  const addresses = targets.filter((target) => target.includes(':'));
  const config = cameras.length === 0 ? undefined : configOf({ ...command, source: undefined });
  const messaging = config === undefined ? undefined : await natsOf(config);
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let page: Listening | undefined;
  let watched: Watched[] = [];
  try {
    page = command.page === undefined ? undefined : await openPage(host, command.page);
    timer = setTimeout(() => over.abort(), seconds * 1000);
    const limit = AbortSignal.any([signal, over.signal]);
    tell(`Measuring for ${seconds} s ...`);
    watched = [
      ...addresses.map((address) => watch(redact(address), (each) => watchSource(address, each), limit)),
      ...cameras.flatMap((camera) => {
        if (config === undefined || messaging === undefined) return [];
        const ring = join(ringOf(config), camera);
        return [
          watch(`${camera}: frames`, (each) => watchFrames(messaging, camera, each), limit),
          watch(`${camera}: ring`, (each) => watchRing(ring, each), limit),
        ];
      }),
    ];
    const places = await Promise.all(
      watched.map(async ({ place, samples, fault }): Promise<Place> => {
        const why = await fault;
        return { place, ...samples.summary, ...(why === undefined ? {} : { fault: redact(why) }) };
      }),
    );
    signal.throwIfAborted();
    if (command.json === undefined) show(places);
    else await writeJson({ v: 1, seconds, places }, command.json);
    if (places.every(({ pictures }) => pictures === 0)) throw new FaascamError('no-time-code', NO_CODE);
  } finally {
    clearTimeout(timer);
    // When one of several watches fails, the others look on.
    over.abort();
    await Promise.allSettled(watched.map(({ fault }) => fault));
    await page?.close();
    if (messaging !== undefined) await closeNats(messaging);
  }
}

function watch(
  place: string,
  look: (each: { samples: LatencySamples; signal: AbortSignal }) => Promise<string | undefined>,
  signal: AbortSignal,
): Watched {
  const samples = new LatencySamples();
  const fault = look({ samples, signal });
  return { place, samples, fault };
}

async function natsOf(config: Config): Promise<Messaging> {
  const nats = await natsReaderOf(config);
  if (nats !== undefined) return await connectNats(nats, 'faascam latency');
  throw new UsageError(
    'usage',
    `To see a camera's frames NATS must be reached: no faascam runs with the data folder ${config.data}; give --nats nats://host:4222, --data or --config.`,
  );
}

function ringOf({ agent, data }: Config): string {
  return agent.ringPath === '' ? join(data, 'ring') : agent.ringPath;
}

async function openPage(host: string, port: number): Promise<Listening> {
  await requirePort(port, host, 'the page with the time');
  const page = await startTimePage(host, port);
  tell(`Let the camera look at http://${host}:${page.port}/, as large as it goes.`);
  return page;
}

function show(places: readonly Place[]): void {
  const ms = (value: number | undefined): string => (value === undefined ? '-' : `${value} ms`);
  const rows = places.map(({ place, pictures, p50Ms, p95Ms }) => [
    ...[place, String(pictures), ms(p50Ms), ms(p95Ms)],
  ]);
  for (const line of tableLines([['SEEN', 'PICTURES', 'P50', 'P95'], ...rows])) print(line);
  for (const { place, fault } of places) if (fault !== undefined) tell(`${place} ${fault}`);
}
