import { describe, expect, test } from 'vitest';
import { FrameGate, type GatedFrame } from './frame-gate.ts';
import { noise, scene, withPatch } from './test-thumbnails.ts';

const SECOND = 1_000_000;

interface Told {
  passedUs: number[];
  gate: FrameGate<GatedFrame>;
}

/** Offers a picture every fifth of a second; `person` tells where someone is at that second, if anywhere. */
function watch(
  seconds: number,
  person: (s: number) => number | undefined,
  eventOpen: (s: number) => boolean = () => false,
): Told {
  const gate = new FrameGate({ idleFps: 1 });
  const passedUs: number[] = [];
  for (let frame = 0; frame < seconds * 5; frame++) {
    const s = frame / 5;
    const x = person(s);
    const there =
      x === undefined ? scene() : withPatch(scene(), { x, y: 40, width: 4, height: 10, levels: 40 });
    gate.eventOpen = eventOpen(s);
    const passed = gate.offer({ capturedAtUs: frame * 200_000, thumbnail: noise(there, 1, frame) });
    passedUs.push(...passed.map(({ capturedAtUs }) => capturedAtUs));
  }
  return { passedUs, gate };
}

const between = (us: number[], from: number, to: number): number[] =>
  us.filter((at) => at >= from * SECOND && at < to * SECOND);

describe('frame gate', () => {
  test('the first frames of a camera all pass', () => {
    expect(between(watch(10, () => undefined).passedUs, 0, 3)).toHaveLength(15);
  });

  test('a picture that stays as it is passes every few seconds, more seldom after two minutes, never too seldom', () => {
    const { passedUs } = watch(300, () => undefined);
    const gaps = passedUs.slice(1).map((us, at) => us - (passedUs[at] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(8.2 * SECOND);
    expect(between(passedUs, 20, 110).length).toBeLessThanOrEqual(19);
    expect(between(passedUs, 200, 300).length).toBeLessThanOrEqual(14);
  });

  test('someone who walks in passes at the full rate from the second before on', () => {
    const { passedUs } = watch(40, (s) => (s >= 20 && s < 25 ? 40 + 4 * (s - 20) : undefined));
    expect(between(passedUs, 19, 25).length).toBeGreaterThanOrEqual(29);
    expect(between(passedUs, 29, 40).length).toBeLessThanOrEqual(3);
  });

  test('what stays after a change passes at the idle rate for a moment, then seldom', () => {
    const { passedUs } = watch(60, (s) => (s >= 20 ? 40 : undefined));
    expect(between(passedUs, 20.2, 23).length).toBeLessThanOrEqual(3);
    expect(between(passedUs, 24, 60).length).toBeLessThanOrEqual(8);
  });

  test('while the functions have an event open, frames pass at the idle rate at least', () => {
    const { passedUs } = watch(
      60,
      () => undefined,
      (s) => s >= 20 && s < 40,
    );
    expect(between(passedUs, 21, 40).length).toBeGreaterThanOrEqual(19);
    expect(between(passedUs, 44, 60).length).toBeLessThanOrEqual(4);
  });

  test('frames pass in order, none twice, and none that is older than one before', () => {
    const { passedUs, gate } = watch(30, (s) => (s > 10 && s < 12 ? 10 * s : undefined));
    expect([...passedUs].sort((a, b) => a - b)).toEqual(passedUs);
    expect(new Set(passedUs).size).toBe(passedUs.length);
    expect(gate.offer({ capturedAtUs: 5 * SECOND })).toEqual([]);
  });

  test('frames without a thumbnail all pass', () => {
    const gate = new FrameGate({ idleFps: 1 });
    const times = Array.from({ length: 50 }, (_, at) => (20 + at) * 200_000);
    expect(times.flatMap((capturedAtUs) => gate.offer({ capturedAtUs }))).toHaveLength(50);
  });
});
