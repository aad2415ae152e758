import type { CameraSettings } from '@faascam/core/camera-settings';
import type { StreamFacts } from './stream-facts.ts';

/** What a user may want to change on a camera or in its settings. */
export interface Advice {
  code: AdviceCode;
  /** `advice`: something costs work, disk or footage that it need not. `note`: good to know. */
  weight: 'advice' | 'note';
  /** Whole sentences, what is and what to do. */
  text: string;
}

export type AdviceCode =
  | 'substream-missing'
  | 'substream-large'
  | 'keyframes-rare'
  | 'keyframes-rarer-than-pre-roll'
  | 'codec-not-played'
  | 'sound-missing'
  | 'sound-transcoded'
  | 'rate-low'
  | 'rate-uneven'
  | 'times-go-back'
  | 'ring-short'
  | 'clock-wrong';

/** What of a camera's settings the advice looks at. */
export interface AdviceSettings {
  camera: Pick<CameraSettings, 'substream' | 'decode' | 'frames' | 'ring'>;
  events: { preRollMs: number; postRollMs: number; maxMs: number };
}

/** `decode: auto` looks at keyframes alone where they come at least this often. A network delays them a little. */
const AUTO_INTERVAL_MS = 2000;
const JITTER_MS = 150;
/** A picture twice as wide as the frames has four times the pixels to decode. */
const MUCH_WIDER = 1.5;
const MEGABYTE = 1024 * 1024;
/** Less does not matter to a clip's name or to an event's time. */
const CLOCK_TOLERANCE_MS = 5000;

const NOT_PLAYED: Record<string, string> = {
  hevc: 'H.265, which Firefox and many computers do not play',
  mpeg4: 'MPEG-4 part 2, which no browser plays',
  mjpeg: 'Motion-JPEG, which no browser plays in an MP4',
  mpeg2video: 'MPEG-2, which no browser plays',
  h263: 'H.263, which no browser plays',
  vvc: 'H.266, which hardly any browser plays',
};

/** Sound that a clip takes as it comes; the clip function makes AAC of any other. */
const SOUND_AS_IT_IS = new Set(['aac', 'mp3', 'ac3', 'eac3', 'opus', 'flac', 'alac']);

/** What to change, from what was seen of the camera's main stream and, where it has one, of its substream. */
export function advise(main: StreamFacts, settings: AdviceSettings, sub?: StreamFacts): Advice[] {
  // Frames are made of the substream where there is one, footage always of the main stream.
  const analysed = sub ?? main;
  return [
    ...widthAdvice(main, settings, sub),
    ...keyframeAdvice(main, analysed, settings),
    ...codecAdvice(main),
    ...soundAdvice(main),
    ...rateAdvice(analysed, settings),
    ...timeAdvice(main),
    ...ringAdvice(main, settings),
  ];
}

function widthAdvice({ video }: StreamFacts, { camera }: AdviceSettings, sub?: StreamFacts): Advice[] {
  const { width } = camera.frames;
  const tooWide = (wide: number): boolean => wide > width * MUCH_WIDER;
  if (camera.substream === '' && tooWide(video.width)) {
    const text = `The picture is ${video.width} wide and frames are at most ${width}: name the camera's smaller stream as its substream, so that less has to be decoded.`;
    return [advice('substream-missing', text)];
  }
  if (sub !== undefined && tooWide(sub.video.width)) {
    const text = `The substream is ${sub.video.width} wide and frames are at most ${width}: choose a smaller picture for it on the camera.`;
    return [advice('substream-large', text)];
  }
  return [];
}

function keyframeAdvice(
  main: StreamFacts,
  analysed: StreamFacts,
  { camera, events }: AdviceSettings,
): Advice[] {
  const found: Advice[] = [];
  const forAnalysis = analysed.video.keyframeIntervalMs ?? 0;
  if (forAnalysis > AUTO_INTERVAL_MS + JITTER_MS && camera.decode !== 'all') {
    const meaning =
      camera.decode === 'auto'
        ? 'too seldom for decode: auto, which then decodes every picture'
        : 'and with decode: keyframes nothing between them is seen';
    const text = `Keyframes come every ${intervalText(analysed)}, ${meaning}: set the keyframe interval (I-frame interval, GOP) to 2 s or less on the camera.`;
    found.push(advice('keyframes-rare', text));
  }
  const forFootage = main.video.keyframeIntervalMs ?? 0;
  // A usual keyframe interval is no news, however short the pre-roll.
  if (forFootage > Math.max(events.preRollMs, AUTO_INTERVAL_MS) + JITTER_MS) {
    const text = `Clips begin with a keyframe, and those come every ${intervalText(main)}: clips begin up to that much earlier than the ${seconds(events.preRollMs)} s before an event that are asked for.`;
    found.push(advice('keyframes-rarer-than-pre-roll', text));
  }
  return found;
}

function codecAdvice({ video }: StreamFacts): Advice[] {
  const why = NOT_PLAYED[video.codec];
  if (why === undefined) return [];
  const text = `Footage is ${why}, and clips are stored as they come: choose H.264 on the camera if they are to be watched in any browser.`;
  return [advice('codec-not-played', text)];
}

function soundAdvice({ audio }: StreamFacts): Advice[] {
  if (audio === undefined) return [note('sound-missing', 'It sends no sound, so clips have none.')];
  if (SOUND_AS_IT_IS.has(audio.codec)) return [];
  return [note('sound-transcoded', `Its sound is ${audio.codec}, which clips get as AAC.`)];
}

function rateAdvice({ video }: StreamFacts, { camera }: AdviceSettings): Advice[] {
  const found: Advice[] = [];
  const { fps } = camera.frames;
  // A picture in ten may be late.
  if (video.rate !== undefined && video.rate < fps * 0.9) {
    const text = `It sends ${video.rate} pictures a second, and frames.fps asks for ${fps}: set a higher rate on the camera, or a lower one here.`;
    found.push(advice('rate-low', text));
  }
  if (!video.even) {
    const text =
      'Its pictures come at uneven intervals: switch off a variable frame rate on the camera, or look for a weak network.';
    found.push(advice('rate-uneven', text));
  }
  return found;
}

function timeAdvice({ timesIncrease, clockAheadMs = 0 }: StreamFacts): Advice[] {
  const found: Advice[] = [];
  if (!timesIncrease) {
    const text = "Its pictures' times go back or stand still: update the camera's firmware, or restart it.";
    found.push(advice('times-go-back', text));
  }
  if (Math.abs(clockAheadMs) > CLOCK_TOLERANCE_MS) {
    const text = `Its clock is ${duration(Math.abs(clockAheadMs))} ${clockAheadMs > 0 ? 'ahead' : 'behind'}, which shows in the time that it writes into its picture: set an NTP server on the camera.`;
    found.push(note('clock-wrong', text));
  }
  return found;
}

function ringAdvice({ kbps }: StreamFacts, { camera: { ring }, events }: AdviceSettings): Advice[] {
  if (kbps === undefined || kbps === 0) return [];
  const minutes = (ring.megabytes * MEGABYTE * 8) / (kbps * 1000) / 60;
  if (minutes >= ring.minutes) return [];
  const longest = (events.preRollMs + events.maxMs + events.postRollMs) / 60_000;
  const held = minutes < 10 ? minutes.toFixed(1) : minutes.toFixed(0);
  const loss = minutes < longest ? ', less than the longest event lasts' : '';
  const wanted = Math.ceil((ring.megabytes * ring.minutes) / minutes);
  const text = `At ${megabits(kbps)} Mbit/s the ring's ${ring.megabytes} MB hold ${held} of its ${ring.minutes} minutes${loss}: give it ${wanted} MB, or lower the bit rate on the camera.`;
  return [advice('ring-short', text)];
}

function advice(code: AdviceCode, text: string): Advice {
  return { code, weight: 'advice', text };
}

function note(code: AdviceCode, text: string): Advice {
  return { code, weight: 'note', text };
}

function intervalText({ video }: StreamFacts): string {
  const { keyframeIntervalMs = 0, keyframeIntervalOpen } = video;
  return `${seconds(keyframeIntervalMs)} s${keyframeIntervalOpen ? ' or more' : ''}`;
}

function seconds(ms: number): string {
  return String(Math.round(ms / 100) / 10);
}

function megabits(kbps: number): string {
  return (kbps / 1000).toFixed(kbps < 10_000 ? 1 : 0);
}

function duration(ms: number): string {
  const s = Math.round(ms / 1000);
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.round(s / 60)} minutes`;
  return s < 172_800 ? `${Math.round(s / 3600)} hours` : `${Math.round(s / 86_400)} days`;
}
