import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { visitRecording } from './agent-footage.ts';
import { openBenchSite, until, watchFrames, type SeenFrame } from './agent-site.ts';
import { atMost, type Figure } from './figures.ts';

/**
 * What a still scene with a sensor's noise sends, and whether someone who comes in is seen from the first second on:
 * 1280x720@25, default settings and everything decoded, at the same time.
 */
export async function benchAgentUplink(scratch: string): Promise<Figure[]> {
  const { path, visit } = await visitRecording(scratch);
  const site = await openBenchSite(join(scratch, 'uplink'));
  try {
    const frames: Record<string, SeenFrame[]> = { default: [], all: [] };
    watchFrames(site.messaging, '*', (frame) => frames[frame.camera]?.push(frame));
    await site.agent('uplink', {
      default: { source: `file:${path}` },
      all: { source: `file:${path}`, decode: 'all' },
    });
    await until('the first frames', 30_000, () => Object.values(frames).every((seen) => seen.length > 0));
    await wait((visit[1] + 8) * 1000);
    return Object.entries(frames).flatMap(([name, seen]) => figuresOf(name, seen, visit));
  } finally {
    await site.close();
  }
}

/** Seconds of the recording that are left to the start, when every camera tells what its picture is. */
const SETTLED_S = 5;

function figuresOf(
  name: string,
  frames: readonly SeenFrame[],
  [from, to]: readonly [number, number],
): Figure[] {
  const images = frames.filter(({ kind }) => kind === 'image');
  const inOrder = [...images].sort((a, b) => a.capturedAtUs - b.capturedAtUs);
  // The recording's first picture is the first frame.
  const beganUs = inOrder[0]?.capturedAtUs ?? NaN;
  const times = inOrder.map(({ capturedAtUs, arrivedMs, jpeg }) => ({
    atS: (capturedAtUs - beganUs) / 1e6,
    sentS: arrivedMs / 1000 - beganUs / 1e6,
    bytes: jpeg.length,
  }));
  // The visitor's first sign, and with it the second before, may be sent a moment before the visitor is in the picture.
  const stillS = from - 1 - SETTLED_S;
  const still = times.filter(({ sentS }) => sentS >= SETTLED_S && sentS < SETTLED_S + stillS);
  const bits = still.reduce((sum, { bytes }) => sum + 8 * bytes, 0) / stillS;
  const first = times.find(({ atS }) => atS >= from);
  const before = times.filter(({ atS, sentS }) => atS < from && sentS >= from - 1).length;
  const during = times.filter(({ atS }) => atS >= from && atS <= to).length;
  return [
    atMost(`${name}: a still scene`, bits / 1000, 'kbit/s', 100),
    { name: `${name}: frames of it`, value: still.length / stillS, unit: '/s' },
    atMost(
      `${name}: first frame with the visitor, taken after the entry`,
      (first?.atS ?? NaN) - from,
      's',
      1,
    ),
    { name: `${name}: that frame sent, after the entry`, value: (first?.sentS ?? NaN) - from, unit: 's' },
    { name: `${name}: frames from before the entry, sent with it`, value: before, unit: '' },
    { name: `${name}: frames of the visit`, value: during / (to - from), unit: '/s' },
  ];
}
