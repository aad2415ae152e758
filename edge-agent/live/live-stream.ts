import type { MatroskaTrack } from '@faascam/core/matroska-packets';

/** What a camera sends from one connection to the next. */
export interface LiveStream {
  /** Begins a Matroska stream without end whose clusters are this stream's, see `clusterOf`. */
  head: Buffer;
  video: MatroskaTrack;
  audio: MatroskaTrack | undefined;
  /** When the picture of this time of the stream was taken; undefined while that is not known yet. */
  capturedAtUs(streamUs: number): number | undefined;
}

/** As the camera sent it. Pictures of H.264 and H.265 are in units with a length before each, as in MP4. */
export interface LivePacket {
  kind: 'video' | 'audio';
  /** Microseconds of the stream's own time, when it is shown. */
  streamUs: number;
  /** Always true of sound. */
  keyframe: boolean;
  data: Buffer;
}

/** Takes what a camera sends. Nothing of it may throw or last: all takers of a camera are served one after the other. */
export interface LiveTaker {
  /** A stream begins. What follows begins with a keyframe: the newest there is. */
  begin(stream: LiveStream): void;
  packet(packet: LivePacket): void;
  /** The stream has ended; another may begin. */
  end(): void;
  /** Whether it has more to do than it should: it then gets nothing, and goes on with a keyframe later. Default: never. */
  isBehind?(): boolean;
}
