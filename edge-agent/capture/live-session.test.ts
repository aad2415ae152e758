import { systemClock } from '@faascam/core/clock';
import { describe, expect, test } from 'vitest';
import { LiveSession, type LiveFrame } from './live-session.ts';

/** Frames every fifth of a second for `seconds`, each `delayMs(s)` late; answers what came out. */
async function play(
  seconds: number,
  delayMs: (s: number) => number,
): Promise<{ frames: LiveFrame[]; behindAtS: number[] }> {
  const frames: LiveFrame[] = [];
  const behindAtS: number[] = [];
  let s = 0;
  const session = new LiveSession({
    hasFrames: true,
    notBeforeUs: undefined,
    clock: systemClock,
    onFrame: (frame) => void frames.push(frame),
    onBehind: () => void behindAtS.push(s),
  });
  for (s = 0; s < seconds; s += 0.2) {
    const streamUs = Math.round(s * 1e6);
    await session.frame({ jpeg: Buffer.alloc(0), streamUs, arrivedUs: 1e15 + streamUs + delayMs(s) * 1000 });
  }
  await session.end();
  return { frames, behindAtS };
}

describe('live session', () => {
  test('frames that come ever later tell that decoding does not keep up', async () => {
    const { behindAtS } = await play(40, (s) => 50 + Math.max(0, s - 5) * 400);
    expect(behindAtS[0]).toBeGreaterThan(12);
    expect(behindAtS[0]).toBeLessThan(20);
  });

  test('a network that stutters for seconds and catches up tells nothing', async () => {
    const { behindAtS } = await play(60, (s) => (s % 20 > 12 && s % 20 < 16 ? 4000 : 50));
    expect(behindAtS).toEqual([]);
  });

  test('every frame gets a capture time, also those before the clock has settled', async () => {
    const { frames } = await play(3, () => 80);
    expect(frames).toHaveLength(15);
    expect(frames.map(({ capturedAtUs }) => capturedAtUs - (frames[0]?.capturedAtUs ?? 0))).toEqual(
      frames.map((_, i) => i * 200_000),
    );
  });
});
