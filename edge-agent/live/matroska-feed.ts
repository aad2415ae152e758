import { Readable } from 'node:stream';
import type { LivePacket, LiveStream } from './live-stream.ts';
import type { LiveTap } from './live-tap.ts';
import { clusterOf } from './matroska-stream.ts';

/** Beyond this the reader is behind, and goes on with a later keyframe. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;

/**
 * What a camera sends as a Matroska stream, from the newest keyframe on: for the standard input of an ffmpeg, see
 * `followedInput`. It waits for a stream, and ends with it: with its session, or when codec or size change. A reader that
 * is slow misses pictures, and disturbs nobody. Destroy it to leave.
 */
export function matroskaFeed(tap: LiveTap, options: { sound: boolean }): Readable {
  let stream: LiveStream | undefined;
  const feed = new Readable({
    highWaterMark: MOST_WAITING_BYTES,
    read: () => undefined,
    destroy: (error, done) => {
      leave();
      done(error);
    },
  });
  const leave = tap.subscribe({
    begin: (begun) => {
      stream = begun;
      feed.push(begun.head);
    },
    packet: (packet: LivePacket) => {
      const track = packet.kind === 'video' ? stream?.video : options.sound ? stream?.audio : undefined;
      if (track !== undefined) feed.push(clusterOf(packet, track));
    },
    end: () => {
      leave();
      feed.push(null);
    },
    isBehind: () => feed.readableLength > MOST_WAITING_BYTES,
  });
  return feed;
}
