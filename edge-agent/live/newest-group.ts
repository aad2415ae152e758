import { systemClock, type Clock } from '@faascam/core/clock';
import type { LivePacket, LiveStream } from './live-stream.ts';
import type { LiveTap } from './live-tap.ts';

/**
 * What a camera sends at the moment, and its newest group of pictures; undefined when nothing comes within `timeoutMs`, or
 * before the signal is aborted.
 */
export function newestGroup(
  tap: Pick<LiveTap, 'subscribe'>,
  {
    timeoutMs,
    signal,
    clock = systemClock,
  }: { timeoutMs: number; signal?: AbortSignal | undefined; clock?: Clock },
): Promise<{ stream: LiveStream; packets: LivePacket[] } | undefined> {
  const over = new AbortController();
  return new Promise((resolve) => {
    let found: { stream: LiveStream; packets: LivePacket[] } | undefined;
    const done = (): void => {
      leave();
      over.abort();
      resolve(found);
    };
    const leave = tap.subscribe({
      begin: (stream) => {
        found = { stream, packets: [] };
        // The group follows at once.
        queueMicrotask(done);
      },
      packet: (packet) => found?.packets.push(packet),
      end: () => undefined,
    });
    const waiting = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
    clock.sleep(timeoutMs, waiting).then(done, done);
  });
}
