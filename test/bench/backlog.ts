import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { clipStored } from '@faascam/core/clip-messages';
import { parseMessage, type ClipWanted } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import { streams, subjects } from '@faascam/core/subjects';
import { openLink } from '@faascam/edge-agent/test-link';
import { wantedClip } from '@faascam/edge-agent/test-site';
import { startFunction, type BenchFunction } from './agent-function.ts';
import { openBenchSite, watchFrames, type SeenFrame } from './agent-site.ts';
import { atMost, percentile, type Figure } from './figures.ts';

const CAMERA = 'yard';
const EVENTS = 200;
const RECORDED_MS = 60_000;
/** A camera's frames take an eighth of it. */
const LINK_BYTES_PER_SECOND = 1_000_000;
const GIVE_UP_MS = 1_200_000;

/**
 * 200 events that wait for the clip function, whose clips are then stored over a narrow link while the camera goes on:
 * in which order, how fast, and what becomes of the frames. A real agent, NATS, clip function and folder of clips.
 */
export async function benchBacklog(scratch: string): Promise<Figure[]> {
  const site = await openBenchSite(join(scratch, 'backlog'));
  const link = await openLink({ to: site.server.port, bytesPerSecond: LINK_BYTES_PER_SECOND });
  let clip: BenchFunction | undefined;
  try {
    const frames: SeenFrame[] = [];
    watchFrames(site.messaging, CAMERA, (frame) => void frames.push(frame));
    const camera = { source: `file:${movingPicture(scratch)}`, decode: 'all', frames: { width: 640 } };
    const nats = { url: `nats://127.0.0.1:${link.port}` };
    const agent = await site.agent('edge', { [CAMERA]: camera }, { nats });
    await wait(RECORDED_MS);
    const before = frames.slice(-frames.length / 2);

    const events = await askFor(site.messaging, frames);
    const waiting = async (): Promise<number> => {
      const info = await site.messaging.jsm.consumers.info(streams.clips, `edge-agent-${CAMERA}`);
      return info.num_ack_pending;
    };
    while ((await waiting()) < EVENTS) await wait(100);
    await wait(10_000);
    const waitingMegabytes = residentMegabytes(agent.pid);

    const stored: string[] = [];
    site.messaging.nc.subscribe(subjects.clipsStored(CAMERA), {
      callback: (_error, message) => {
        const { eventId, complete } = parseMessage(clipStored, message.data, message.subject);
        if (complete && !stored.includes(eventId)) stored.push(eventId);
      },
    });
    const beganMs = performance.now();
    const framesBefore = frames.length;
    const store = JSON.stringify({ kind: 'directory', path: join(scratch, 'backlog', 'clips') });
    clip = await startFunction('clip', { NATS_URL: site.server.url, FAASCAM_STORE: store });
    const serving = new AbortController();
    const served = serve(site.messaging, clip, serving.signal);
    while (stored.length < EVENTS && performance.now() - beganMs < GIVE_UP_MS) await wait(100);
    const seconds = (performance.now() - beganMs) / 1000;
    const during = frames.slice(framesBefore);
    serving.abort();
    await served;
    return [
      { ...atMost('clips that were not stored', EVENTS - stored.length, '', 0) },
      { name: 'all stored after', value: seconds, unit: 's' },
      atMost('pairs of clips stored oldest first', 100 * inversions(events, stored), '%', 5),
      { name: 'frames before', value: rateOf(before), unit: '/s' },
      {
        ...{
          name: 'frames meanwhile, of those before',
          value: (100 * rateOf(during)) / rateOf(before),
          unit: '%',
        },
        ...{ aim: 'at least 95', met: rateOf(during) >= 0.95 * rateOf(before) },
      },
      { name: 'capture to arrival before, p95', value: percentile(delaysOf(before), 95), unit: 'ms' },
      { name: 'capture to arrival meanwhile, p95', value: percentile(delaysOf(during), 95), unit: 'ms' },
      { name: 'sent over the link, a second', value: link.sentBytes / 1000 / (seconds + 70), unit: 'kB' },
      { name: "the agent's memory with 200 waiting", value: waitingMegabytes, unit: 'MB' },
      { name: "the agent's memory afterwards", value: residentMegabytes(agent.pid), unit: 'MB' },
    ];
  } finally {
    await clip?.stop();
    await site.close();
    await link.close();
  }
}

/** Something moves all the time, so that frames come at their full rate. */
function movingPicture(scratch: string): string {
  const path = join(scratch, 'moving.mp4');
  const picture = 'testsrc2=size=640x360:rate=10:duration=30';
  const encode = '-c:v libx264 -preset veryfast -g 10 -bf 0 -b:v 800k -pix_fmt yuv420p'.split(' ');
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', picture, ...encode, path]);
  return path;
}

/** Asks for the footage of events all over the time recorded so far, in order of time. */
async function askFor({ js }: Messaging, frames: readonly SeenFrame[]): Promise<ClipWanted[]> {
  const first = (frames[0]?.capturedAtUs ?? 0) + 5_000_000;
  const last = (frames.at(-1)?.capturedAtUs ?? 0) - 10_000_000;
  const events = Array.from({ length: EVENTS }, (_, n) => {
    const fromUs = first + Math.round(((last - first) * n) / EVENTS);
    return wantedClip(CAMERA, fromUs, fromUs + 1_000_000);
  });
  for (const wanted of events) await js.publish(subjects.clipsWanted(CAMERA), JSON.stringify(wanted));
  return events;
}

/** Calls the function with one offer after the other, as the connector does, again and again where it fails. */
async function serve({ js, jsm }: Messaging, clip: BenchFunction, signal: AbortSignal): Promise<void> {
  const name = 'bench';
  await jsm.consumers.add(streams.clips, {
    ...{ durable_name: name, filter_subject: subjects.clipsReady(CAMERA), ack_policy: 'explicit' },
  });
  const consumer = await js.consumers.get(streams.clips, name);
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    const message = await consumer.next({ expires: 1000 });
    if (message === null) continue;
    const body = { subject: message.subject, data: message.data, headers: message.headers };
    while (!isOver() && (await clip.call(body, 'application/json')) !== 200) await wait(500);
    message.ack();
  }
}

/** Of all pairs of events the share whose older one was stored first. */
function inversions(events: readonly ClipWanted[], stored: readonly string[]): number {
  const places = new Map(events.map(({ eventId }, place) => [eventId, place]));
  const order = stored.map((id) => places.get(id) ?? 0);
  let wrong = 0;
  for (const [i, earlier] of order.entries())
    wrong += order.slice(i + 1).filter((later) => later > earlier).length;
  return wrong / Math.max(1, (order.length * (order.length - 1)) / 2);
}

function rateOf(frames: readonly SeenFrame[]): number {
  const [first, last] = [frames[0], frames.at(-1)];
  if (first === undefined || last === undefined) return 0;
  return ((frames.length - 1) * 1e6) / Math.max(1, last.capturedAtUs - first.capturedAtUs);
}

function delaysOf(frames: readonly SeenFrame[]): number[] {
  return frames.map(({ arrivedMs, capturedAtUs }) => arrivedMs - capturedAtUs / 1000);
}

function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}
