/** Times, durations and states in words. Pure, but for the language and time zone of the browser. */

/** A space at which no line is broken: between a number and its unit. */
const NO_BREAK = '\u00a0';

/** `2.5 s`, `18 s`, `1:05 min`, `1:02:03 h`. */
export function durationText(ms: number): string {
  const seconds = ms < 9950 ? Math.max(0, Math.round(ms / 100) / 10) : Math.round(ms / 1000);
  if (seconds < 60) return `${String(seconds)}${NO_BREAK}s`;
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${String(minutes)}:${two(seconds % 60)}${NO_BREAK}min`;
  return `${String(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}${NO_BREAK}h`;
}

/** Time that has passed, roughly: `just now`, `12 s ago`, `5 min ago`. */
export function agoText(ms: number): string {
  if (ms < 2500) return 'just now';
  const seconds = Math.round(ms / 1000);
  if (seconds < 90) return `${String(seconds)} s ago`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${String(minutes)} min ago`;
  const hours = Math.round(minutes / 60);
  return hours < 36 ? `${String(hours)} h ago` : `${String(Math.round(hours / 24))} days ago`;
}

export function percentText(fraction: number): string {
  return `${String(Math.round(fraction * 100))}${NO_BREAK}%`;
}

/** `Person`, `Person and car`, `Person, car and dog`. */
export function labelsText(labels: string[]): string {
  const last = labels.at(-1) ?? 'something';
  const text = labels.length < 2 ? last : `${labels.slice(0, -1).join(', ')} and ${last}`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export type LabelGroup = 'person' | 'vehicle' | 'animal' | 'other';

const vehicles = new Set([
  'bicycle',
  'car',
  'motorcycle',
  'bus',
  'truck',
  'train',
  'boat',
  'airplane',
  'van',
]);
const animals = new Set([
  'dog',
  'cat',
  'bird',
  'horse',
  'sheep',
  'cow',
  'bear',
  'elephant',
  'zebra',
  'giraffe',
]);

/** What a label is shown as. */
export function groupOf(label: string): LabelGroup {
  if (label === 'person') return 'person';
  if (vehicles.has(label)) return 'vehicle';
  return animals.has(label) ? 'animal' : 'other';
}

const gapCauses: Record<string, string> = {
  'before-start': 'the camera or its agent was not recording yet',
  'camera-lost': 'no picture came from the camera',
  'agent-stopped': 'the agent did not run',
  'disk-full': 'the agent’s disk was full',
  evicted: 'the ring had dropped it already',
  damaged: 'a segment could not be read',
  'clock-stepped': 'the clock of the agent’s host was set',
  'no-agent': 'no agent has ever asked for it',
  'end-of-recording': 'the replayed recording ended',
};

const gapCausesShort: Record<string, string> = {
  'before-start': 'not yet recording',
  'camera-lost': 'camera lost',
  'agent-stopped': 'agent stopped',
  'disk-full': 'disk full',
  evicted: 'dropped from ring',
  damaged: 'damaged segment',
  'clock-stepped': 'clock set',
  'no-agent': 'no agent',
  'end-of-recording': 'recording ended',
};

/** `2.5 s missing: no picture came from the camera`. */
export function gapText(gap: { ms: number; cause: string }): string {
  return `${durationText(gap.ms)} missing: ${gapCauses[gap.cause] ?? gap.cause}`;
}

/** What to write on the badge of an incomplete event. */
export function incompleteText(gaps: { cause: string }[]): string {
  const causes = [...new Set(gaps.map(({ cause }) => gapCausesShort[cause] ?? cause))];
  return causes.length === 0 ? 'incomplete' : `incomplete: ${causes.join(', ')}`;
}

const cameraStates: Record<string, string> = {
  connecting: 'connecting',
  streaming: 'live',
  waiting: 'waiting to retry',
  stopped: 'stopped',
  failed: 'needs mending',
  offline: 'offline',
};

export function cameraStateText(state: string): string {
  return cameraStates[state] ?? state;
}

const dropReasons: Record<string, string> = {
  'too-large': 'too large for NATS: give it a smaller frames.width',
  behind: 'NATS did not keep up',
  failed: 'NATS was away',
};

/** What a camera does and costs, a line each, for whoever looks closely. */
export function cameraDetailText(camera: {
  framesPerSecond: number | undefined;
  decoding: string | undefined;
  bytesSentLastHour: number | undefined;
  restarts: number;
  dropped: { reason: string; frames: number }[];
  ring: {
    spanMs: number;
    bytes: number;
    pinnedBytes: number | undefined;
    bytesWrittenLastHour: number | undefined;
  };
}): string {
  const { framesPerSecond, decoding, bytesSentLastHour: sent, restarts, dropped, ring } = camera;
  const looked =
    framesPerSecond === undefined
      ? undefined
      : `${String(Math.round(framesPerSecond * 10) / 10)} frames/s${decoding === undefined ? '' : ` (${decoding})`}`;
  const held =
    ring.pinnedBytes === undefined || ring.pinnedBytes === 0
      ? ''
      : `, ${megabytes(ring.pinnedBytes)} held for events`;
  const written =
    ring.bytesWrittenLastHour === undefined
      ? ''
      : `, ${megabytes(ring.bytesWrittenLastHour)} written in the last hour`;
  const lines = [
    looked,
    sent === undefined ? undefined : `${megabytes(sent)} sent in the last hour`,
    `${String(Math.round(ring.spanMs / 6000) / 10)} min (${megabytes(ring.bytes)}) of footage on its host${held}${written}`,
    ...dropped.map(
      ({ reason, frames }) => `${String(frames)} frames dropped: ${dropReasons[reason] ?? reason}`,
    ),
    restarts === 0 ? undefined : `connected anew ${restarts === 1 ? 'once' : `${String(restarts)} times`}`,
  ];
  return lines.filter((line) => line !== undefined).join('\n');
}

function megabytes(bytes: number): string {
  const value = bytes / 1e6;
  return `${String(value < 10 ? Math.round(value * 10) / 10 : Math.round(value))} MB`;
}

/** Why the browser does not play a clip, and what to do. */
export function playbackFaultText(codec: string | undefined, network: boolean): string {
  if (network) return 'The clip could not be loaded to the end.';
  if (codec === 'hevc' || codec === 'h265') {
    return 'The clip is HEVC (H.265) video, which this browser cannot play; a video player on your device can.';
  }
  const what = codec === undefined ? 'The clip' : `The clip's ${codec} video`;
  return `${what} cannot be played by this browser; a video player on your device may.`;
}

/** The day of a time, as the browser's calendar has it: sorts as text. */
export function dayKey(us: number): string {
  const date = new Date(us / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${String(date.getFullYear())}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** `Today`, `Yesterday`, or the date. */
export function dayText(us: number, nowUs: number): string {
  const yesterday = new Date(nowUs / 1000);
  yesterday.setDate(yesterday.getDate() - 1);
  if (dayKey(us) === dayKey(nowUs)) return 'Today';
  if (dayKey(us) === dayKey(yesterday.getTime() * 1000)) return 'Yesterday';
  const sameYear = dayKey(us).slice(0, 4) === dayKey(nowUs).slice(0, 4);
  return new Intl.DateTimeFormat(undefined, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(us / 1000);
}

export function timeText(us: number): string {
  return new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' }).format(us / 1000);
}

export function dateTimeText(us: number): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' }).format(us / 1000);
}
