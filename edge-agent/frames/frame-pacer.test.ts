import { systemClock } from '@faascam/core/clock';
import { describe, expect, test, vi } from 'vitest';
import { FramePacer } from './frame-pacer.ts';

function paced(intervalMs: number): { sent: { frame: number; atMs: number }[]; pacer: FramePacer<number> } {
  const sent: { frame: number; atMs: number }[] = [];
  const send = (frame: number): void => void sent.push({ frame, atMs: systemClock.nowUs() / 1000 });
  return { sent, pacer: new FramePacer({ intervalMs, clock: systemClock, send }) };
}

describe('frame pacer', () => {
  test('frames that come at once go out in order, one after the other', async () => {
    const { sent, pacer } = paced(50);
    for (let frame = 0; frame < 5; frame++) pacer.push(frame);
    expect(sent.map(({ frame }) => frame)).toEqual([0]);
    await vi.waitFor(() => expect(sent.map(({ frame }) => frame)).toEqual([0, 1, 2, 3, 4]));
    const gaps = sent.slice(1).map(({ atMs }, at) => atMs - (sent[at]?.atMs ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(45);
  });

  test('what waits goes at once when asked, and the next frame after it waits for nothing that is gone', async () => {
    const { sent, pacer } = paced(60_000);
    for (let frame = 0; frame < 4; frame++) pacer.push(frame);
    pacer.flush();
    expect(sent.map(({ frame }) => frame)).toEqual([0, 1, 2, 3]);
    pacer.push(4);
    pacer.flush();
    await vi.waitFor(() => expect(sent.map(({ frame }) => frame)).toEqual([0, 1, 2, 3, 4]));
  });

  test('of far too many the newest are kept', () => {
    const { sent, pacer } = paced(60_000);
    for (let frame = 0; frame < 200; frame++) pacer.push(frame);
    pacer.flush();
    expect(sent.at(-1)?.frame).toBe(199);
    expect(sent.length).toBeLessThan(70);
  });
});
