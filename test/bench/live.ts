import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '@faascam/core/clock';
import { clipStored } from '@faascam/core/clip-messages';
import { eventMessage, parseMessage } from '@faascam/core/messages';
import { connectNats } from '@faascam/core/messaging';
import { cameraOf } from '@faascam/core/subjects';
import { atMost, percentile, type Figure } from './figures.ts';
import { usageBelow, type Usage } from './processes.ts';
import { natsUrlOf, startUp } from './up.ts';

/**
 * A recording as one live camera on this machine for `seconds`: how long after a picture its event is told, how long after
 * the end of its window a clip is stored, and what each process costs.
 */
export async function benchLive(options: {
  video: string;
  model: string;
  data: string;
  port: number;
  seconds: number;
  /** The aims are those of `all`; `auto` trades some delay for work not done. */
  decode: 'all' | 'auto';
}): Promise<Figure[]> {
  const up = await startUp(options.data, {
    page: { port: options.port },
    detect: { model: options.model },
    cameras: { camera: { source: `file:${options.video}`, decode: options.decode } },
  });
  try {
    const figures = await measure(up.pid, options.seconds);
    return options.decode === 'all'
      ? figures
      : figures.map(({ name, value, unit }) => ({ name, value, unit }));
  } finally {
    await up.stop();
  }
}

async function measure(pid: number, seconds: number): Promise<Figure[]> {
  const { nc } = await connectNats(await natsUrlOf(pid), 'bench');
  const frameToDetections: number[] = [];
  const frameToEvent: number[] = [];
  const windowToClip: number[] = [];
  const endToClip: number[] = [];
  const endedAtUs = new Map<string, number>();
  let frames = 0;
  nc.subscribe('frames.*', {
    callback: () => {
      frames++;
    },
  });
  nc.subscribe('detections.*', {
    callback: (_error, message) => {
      const { capturedAtUs } = message.json<{ capturedAtUs: number }>();
      frameToDetections.push((systemClock.nowUs() - capturedAtUs) / 1000);
    },
  });
  nc.subscribe('events.*', {
    callback: (_error, message) => {
      const event = parseMessage(eventMessage, message.data, cameraOf(message.subject));
      // The frame that made it known is the last sight so far.
      if (event.phase === 'start') frameToEvent.push((systemClock.nowUs() - event.endUs) / 1000);
      if (event.phase === 'end') endedAtUs.set(event.id, systemClock.nowUs());
    },
  });
  nc.subscribe('clips.stored.*', {
    callback: (_error, message) => {
      const clip = parseMessage(clipStored, message.data, 'clip');
      const nowUs = systemClock.nowUs();
      windowToClip.push((nowUs - clip.requested.toUs) / 1000);
      endToClip.push((nowUs - (endedAtUs.get(clip.eventId) ?? nowUs)) / 1000);
    },
  });
  await wait(5000);
  const before = usageBelow(pid);
  await wait(seconds * 1000);
  const after = usageBelow(pid);
  await nc.close();
  return [
    { name: 'frames published', value: frames, unit: '' },
    { name: 'frame to detections, p50', value: percentile(frameToDetections, 50), unit: 'ms' },
    { name: 'frame to detections, p95', value: percentile(frameToDetections, 95), unit: 'ms' },
    { name: 'frame to event, p50', value: percentile(frameToEvent, 50), unit: 'ms' },
    atMost('frame to event, p95', percentile(frameToEvent, 95), 'ms', 500),
    {
      name: `end of the clip's window to clip stored, p50 of ${windowToClip.length}`,
      value: percentile(windowToClip, 50),
      unit: 'ms',
    },
    atMost("end of the clip's window to clip stored, p95", percentile(windowToClip, 95), 'ms', 3000),
    {
      name: 'event told ended to clip stored (post-roll included), p95',
      value: percentile(endToClip, 95),
      unit: 'ms',
    },
    ...costs(before, after, seconds),
  ];
}

function costs(before: readonly Usage[], after: readonly Usage[], seconds: number): Figure[] {
  const earlier = new Map(before.map((usage) => [usage.pid, usage.cpuSeconds]));
  const lines = after.map(({ name, pid, cpuSeconds, residentMegabytes }) => ({
    name,
    cpu: ((cpuSeconds - (earlier.get(pid) ?? 0)) * 60) / seconds,
    residentMegabytes,
  }));
  lines.sort((a, b) => b.cpu - a.cpu);
  return [
    ...lines.flatMap(({ name, cpu, residentMegabytes }) => [
      { name: `${name}: CPU a minute`, value: cpu, unit: 's' },
      { name: `${name}: memory`, value: residentMegabytes, unit: 'MB' },
    ]),
    { name: 'all: CPU a minute', value: lines.reduce((sum, { cpu }) => sum + cpu, 0), unit: 's' },
    {
      name: 'all: memory',
      value: lines.reduce((sum, line) => sum + line.residentMegabytes, 0),
      unit: 'MB',
    },
  ];
}
