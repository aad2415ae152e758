import { playMse } from './live-mse.ts';
import { WayOrder } from './live-order.ts';
import { playJpegs, playMjpeg } from './live-pictures.ts';
import {
  asWay,
  type LiveSound,
  type LiveWay,
  type LiveWayKind,
  type PictureTimes,
  type PlayingWay,
  type WayPlayer,
} from './live-way.ts';
import { playWebRtc } from './live-webrtc.ts';

/** How live view is going on: by which path, and whether by the agent itself or through the viewer. */
export interface LivePath {
  kind: LiveWayKind;
  by: LiveWay['by'];
}

export interface LiveOptions {
  /** The address that the API's paths begin at; default: the page's own. */
  base?: string;
  /** What has to go along with an offer to the viewer; default: nothing. */
  viewerHeaders?: () => Promise<Readonly<Record<string, string>>>;
  /** Called when the first picture shows, and each time it goes on by another path. */
  onPath?: (path: LivePath) => void;
  /** Called when a path fails, with a sentence; the next one is tried by itself. */
  onFault?: (sentence: string) => void;
  /** Whether sound is wanted, which MSE alone brings: it is then tried first. Default: not. */
  sound?: boolean;
  /** Called with what became of the wish for sound. */
  onSound?: (sound: LiveSound) => void;
  /** Told of the pictures' times by MSE and MJPEG, which then show them as much later as it asks for. */
  times?: PictureTimes | undefined;
  /** The paths to try, in this order; default all: WebRTC, MSE, MJPEG, single pictures. */
  kinds?: readonly LiveWayKind[];
}

const ALL: readonly LiveWayKind[] = ['webrtc', 'mse', 'mjpeg', 'jpeg'];
const PLAYERS: Record<LiveWayKind, WayPlayer> = {
  webrtc: playWebRtc,
  mse: playMse,
  mjpeg: playMjpeg,
  jpeg: playJpegs,
};

/** No first picture for this long: the next path is tried. No further one for as long: it begins anew. */
const FIRST_PICTURE_MS = 6000;
const NEXT_PICTURE_MS = 10_000;
const WAITS_MS = [500, 1000, 2000, 5000, 10_000];
/** A path that played this long was good: the waits begin anew. */
const GOOD_MS = 20_000;

/** Shared by all that plays in this page. */
const order = new WayOrder();

/**
 * Shows a camera live in `element` until the answer is called: by WebRTC where that gets through, else by MSE, else as
 * MJPEG, else by asking for one picture after the other. It goes on by itself after whatever ends it. The answer resolves
 * when whoever sent the pictures has been told.
 */
export function playLive(
  element: HTMLElement,
  camera: string,
  options: LiveOptions = {},
): () => Promise<void> {
  const stop = new AbortController();
  const over = keepPlaying(element, camera, options, stop.signal);
  return async () => {
    stop.abort();
    await over;
  };
}

async function keepPlaying(
  element: HTMLElement,
  camera: string,
  options: LiveOptions,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    const begun = performance.now();
    await playOnce(element, camera, options, signal);
    if (performance.now() - begun > GOOD_MS) failures = 0;
    await sleep(WAITS_MS[Math.min(failures, WAITS_MS.length - 1)] ?? 10_000, signal);
  }
}

/** Tries one path after the other; resolves when one has played and ended, or none plays. */
async function playOnce(
  element: HTMLElement,
  camera: string,
  options: LiveOptions,
  signal: AbortSignal,
): Promise<void> {
  const { base = document.baseURI, viewerHeaders, onFault, kinds = ALL, sound = false } = options;
  const told = (error: unknown): void => {
    if (!signal.aborted) onFault?.(error instanceof Error ? error.message : String(error));
  };
  let ways: LiveWay[];
  try {
    const headers = (await viewerHeaders?.()) ?? {};
    ways = await askForWays(new URL(`api/cameras/${encodeURIComponent(camera)}/live`, base), headers, signal);
  } catch (error) {
    told(error);
    return;
  }
  const failed = (way: LiveWay, error: unknown): void => {
    if (!signal.aborted) order.failed(camera, way, performance.now());
    told(error);
  };
  const tried = order.of(camera, ways, kinds, performance.now());
  const withSound = sound ? tried.filter(({ kind }) => kind === 'mse') : [];
  for (const way of new Set([...withSound, ...tried])) {
    if (signal.aborted) return;
    try {
      if (await playWay(element, way, options, signal)) return;
    } catch (error) {
      failed(way, error);
    }
  }
}

/** Resolves with whether it has shown a picture, once it has ended. Throws when it cannot even begin. */
async function playWay(
  element: HTMLElement,
  way: LiveWay,
  { onPath, onSound, sound = false, times }: LiveOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { kind, by } = way;
  const onFirst = (): void => {
    onPath?.({ kind, by });
    if (sound && kind !== 'mse') onSound?.({ state: 'unreached', codec: undefined });
  };
  const over = new AbortController();
  const end = (): void => {
    over.abort();
  };
  signal.addEventListener('abort', end, { once: true });
  let pictures = 0;
  let lastAt = performance.now();
  const watch = setInterval(() => {
    // A page that is not looked at is given no pictures by the browser.
    if (document.hidden) lastAt = performance.now();
    if (performance.now() - lastAt > (pictures === 0 ? FIRST_PICTURE_MS : NEXT_PICTURE_MS)) end();
  }, 500);
  const playing: PlayingWay = {
    signal: over.signal,
    times,
    sound,
    onSound: (told) => {
      if (!signal.aborted) onSound?.(told);
    },
    onPicture: () => {
      lastAt = performance.now();
      pictures += 1;
      if (pictures === 1) onFirst();
    },
    show: (shown) => {
      element.replaceChildren(shown);
    },
  };
  try {
    await PLAYERS[way.kind](way, playing);
  } catch (error) {
    if (pictures === 0 && !over.signal.aborted) throw error;
  } finally {
    clearInterval(watch);
    signal.removeEventListener('abort', end);
    end();
  }
  if (pictures === 0 && !signal.aborted)
    throw new Error(`No picture came by ${way.kind} from the ${way.by} within ${FIRST_PICTURE_MS / 1000} s.`);
  return pictures > 0;
}

async function askForWays(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<LiveWay[]> {
  const response = await fetch(url, { signal, headers: { accept: 'application/json' } });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(sentenceIn(answer) ?? `The viewer answered ${response.status}.`);
  if (typeof answer !== 'object' || answer === null || !('ways' in answer) || !Array.isArray(answer.ways))
    throw new Error('The viewer answered something that is no list of live paths.');
  const list: unknown[] = answer.ways;
  return list.flatMap((each) => asWay(each, url, headers) ?? []);
}

function sentenceIn(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null || !('error' in answer)) return undefined;
  return typeof answer.error === 'string' ? answer.error : undefined;
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
