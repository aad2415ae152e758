export type LiveWayKind = 'webrtc' | 'mse' | 'mjpeg' | 'jpeg';

/** One address by which a camera can be watched. */
export interface LiveWay {
  kind: LiveWayKind;
  /** The camera's agent itself, or the viewer through NATS. */
  by: 'agent' | 'viewer';
  url: URL;
  /** For WebRTC. */
  stun: string | undefined;
  /** What has to go along with an offer to the viewer, against forged requests. */
  headers: Readonly<Record<string, string>>;
}

/** What became of a wish for sound. */
export interface LiveSound {
  /**
   * It plays; the camera sends `none`, or one of a `foreign` codec; this way brings none, and the one that would is not
   * `reached`; the browser cannot play it (`unplayable`), or wants another click first (`blocked`).
   */
  state: 'plays' | 'none' | 'foreign' | 'unreached' | 'unplayable' | 'blocked';
  /** What the camera's is called, if it sends any. */
  codec: string | undefined;
}

/** Whoever draws over pictures in time with them. */
export interface PictureTimes {
  /** How far behind the newest picture to show, in seconds. */
  readonly behindS: number;
  /** The newest picture, whether it is shown yet or not, was taken then. */
  arrived(capturedAtUs: number): void;
  /** The picture that is shown now was taken then, if that is known. */
  shown(capturedAtUs: number | undefined, size: { width: number; height: number }): void;
}

/** A way that is being played. */
export interface PlayingWay {
  /** Told of the pictures' times where something is drawn over them. */
  times?: PictureTimes | undefined;
  /** Whether sound is wanted. */
  sound: boolean;
  /** To be called, where it is wanted, when it is known. */
  onSound: (sound: LiveSound) => void;
  /** Ends it. */
  signal: AbortSignal;
  /** To be called for each picture that is shown. */
  onPicture: () => void;
  /** Puts what shows the pictures in its place. */
  show: (element: HTMLElement) => void;
}

/** Plays until the way ends or the signal is aborted; frees all it took. Rejects with a sentence. */
export type WayPlayer = (way: LiveWay, playing: PlayingWay) => Promise<void>;

const KINDS: readonly string[] = ['webrtc', 'mse', 'mjpeg', 'jpeg'] satisfies LiveWayKind[];

/**
 * A way out of the API's answer; its address may be relative to `answeredBy`, and `headers` are the viewer's. Undefined for
 * what this page does not know.
 */
export function asWay(
  value: unknown,
  answeredBy: URL,
  headers: Readonly<Record<string, string>>,
): LiveWay | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!('kind' in value) || !('by' in value) || !('url' in value)) return undefined;
  const { kind, by, url } = value;
  if (!isKind(kind) || (by !== 'agent' && by !== 'viewer') || typeof url !== 'string') return undefined;
  const stun = 'stun' in value && typeof value.stun === 'string' ? value.stun : undefined;
  return { kind, by, url: new URL(url, answeredBy), stun, headers: by === 'viewer' ? headers : {} };
}

function isKind(kind: unknown): kind is LiveWayKind {
  return typeof kind === 'string' && KINDS.includes(kind);
}

/** A picture of a live camera, without controls. */
export function liveVideo({ sound }: { sound: boolean }): HTMLVideoElement {
  const video = document.createElement('video');
  video.muted = !sound;
  video.autoplay = true;
  video.playsInline = true;
  video.disablePictureInPicture = true;
  return video;
}

/** Calls for each picture that the video shows, with its time in the video in seconds, until the signal is aborted. */
export function countPictures(
  video: HTMLVideoElement,
  onPicture: (mediaS: number) => void,
  signal: AbortSignal,
): void {
  const tellsOfEach: boolean = 'requestVideoFrameCallback' in HTMLVideoElement.prototype;
  if (!tellsOfEach) {
    video.addEventListener('timeupdate', () => onPicture(video.currentTime), { signal });
    return;
  }
  const next = (_now: number, { mediaTime }: { mediaTime: number }): void => {
    if (signal.aborted) return;
    onPicture(mediaTime);
    video.requestVideoFrameCallback(next);
  };
  video.requestVideoFrameCallback(next);
}

/** Resolves when the signal is aborted. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
}

/** What an answer that is none says. */
export async function faultOf(response: Response, what: string): Promise<Error> {
  const text = await response.text().catch(() => '');
  try {
    const answer: unknown = JSON.parse(text);
    if (
      typeof answer === 'object' &&
      answer !== null &&
      'error' in answer &&
      typeof answer.error === 'string'
    )
      return new Error(answer.error);
  } catch {
    // No JSON: the status says enough.
  }
  return new Error(`${what} was answered with ${response.status}.`);
}
