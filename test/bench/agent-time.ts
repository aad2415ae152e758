import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { clipStored } from '@faascam/core/clip-messages';
import { parseMessage } from '@faascam/core/messages';
import { subjects } from '@faascam/core/subjects';
import { wantedClip } from '@faascam/edge-agent/test-site';
import { startBenchCamera } from './agent-camera.ts';
import { numberedRecording } from './agent-footage.ts';
import { startFunction } from './agent-function.ts';
import { openBenchSite, until, watchFrames, type BenchSite, type SeenFrame } from './agent-site.ts';
import { codeInJpeg, codesInVideo } from './agent-time-code.ts';
import { atMost, percentile, type Figure } from './figures.ts';

const FILE_FPS = 25;
const FILE_S = 20;
const CAMERA_FPS = 15;
const CLIPS = 100;
/** Capture times may follow the camera's clock by a millisecond a second: so much within a window's pre-roll. */
const DRIFT_MS = 10;
const PRE_ROLL_US = 5_000_000;
/** Requests come from when there is footage enough on, two a second, each for one to eight seconds and the pre-roll. */
const FIRST_REQUEST_MS = 16_000;
const REQUEST_EVERY_MS = 450;

/**
 * Capture times against a code in the picture: the picture's number in a file that is played in real time, the wall
 * clock over RTSP; and a hundred clips of the RTSP camera, each picture of which is looked for in the clip.
 */
export async function benchAgentTime(scratch: string): Promise<Figure[]> {
  const numbered = await numberedRecording(scratch, FILE_FPS, FILE_S);
  const site = await openBenchSite(join(scratch, 'time'));
  const camera = await startBenchCamera({ picture: { fps: CAMERA_FPS } });
  const store = join(site.scratch, 'clips');
  const clip = await startFunction('clip', {
    NATS_URL: site.server.url,
    FAASCAM_STORE: JSON.stringify({ kind: 'directory', path: store }),
  });
  try {
    const frames = { fps: 5, idleFps: 5 };
    const fromFile = codedFrames(site, 'numbered');
    const overRtsp = codedFrames(site, 'yard');
    await site.agent('time', {
      numbered: { source: `file:${numbered}`, decode: 'all', frames },
      yard: { source: camera.url, decode: 'all', frames },
    });
    await until('frames of both cameras', 30_000, () => fromFile.length > 0 && overRtsp.length > 0);
    const clips = await askForClips(site, clip.call, overRtsp, camera.codes, store);
    return [...fileFigures(fromFile), ...rtspFigures(overRtsp), ...clips];
  } finally {
    await camera.kill();
    await clip.stop();
    await site.close();
  }
}

interface CodedFrame extends Pick<SeenFrame, 'capturedAtUs'> {
  code: number;
}

/** The frames of a camera whose code can be read, filled as they come. */
function codedFrames({ messaging }: BenchSite, camera: string): CodedFrame[] {
  const found: CodedFrame[] = [];
  watchFrames(messaging, camera, ({ kind, capturedAtUs, jpeg }) => {
    if (kind !== 'image') return;
    void codeInJpeg(jpeg).then((code) => {
      if (code !== undefined) found.push({ capturedAtUs, code });
    });
  });
  return found;
}

/** How far capture times leave the recording's own, from the median on. */
function fileFigures(frames: readonly CodedFrame[]): Figure[] {
  const inOrder = [...frames].sort((a, b) => a.capturedAtUs - b.capturedAtUs);
  let loops = 0;
  const offsets = inOrder.map(({ capturedAtUs, code }, index) => {
    if (code < (inOrder[index - 1]?.code ?? 0)) loops += 1;
    return capturedAtUs / 1000 - ((code + loops * FILE_FPS * FILE_S) * 1000) / FILE_FPS;
  });
  const middle = percentile(offsets, 50);
  const errors = offsets.map((offset) => Math.abs(offset - middle));
  return [
    { name: 'file: frames', value: errors.length, unit: '' },
    { name: 'file: error of the time, p95', value: percentile(errors, 95), unit: 'ms' },
    atMost('file: error of the time, at most', Math.max(...errors), 'ms', 1000 / FILE_FPS),
  ];
}

function rtspFigures(frames: readonly CodedFrame[]): Figure[] {
  const inOrder = [...frames].sort((a, b) => a.capturedAtUs - b.capturedAtUs);
  const errors = inOrder.map(({ capturedAtUs, code }) => Math.abs(capturedAtUs / 1000 - momentOf(code)));
  // The server made it while it described the stream, and gives it the time of the beginning of the play.
  const [first = NaN, ...rest] = errors;
  return [
    { name: 'RTSP: frames', value: errors.length, unit: '' },
    { name: "RTSP: error of the time of the server's first, stale picture", value: first, unit: 'ms' },
    { name: 'RTSP: error of the time, p50', value: percentile(rest, 50), unit: 'ms' },
    { name: 'RTSP: error of the time, p95', value: percentile(rest, 95), unit: 'ms' },
    atMost('RTSP: error of the time, at most', Math.max(...rest), 'ms', 150),
  ];
}

/** A code over RTSP is a time in ms, modulo 2^32. */
function momentOf(code: number): number {
  return code + Math.floor(Date.now() / 2 ** 32) * 2 ** 32;
}

async function askForClips(
  site: BenchSite,
  call: Awaited<ReturnType<typeof startFunction>>['call'],
  seen: readonly CodedFrame[],
  codes: readonly number[],
  store: string,
): Promise<Figure[]> {
  const { nc, js } = site.messaging;
  const keys = new Map<string, string | undefined>();
  let failed = 0;
  nc.subscribe(subjects.clipsReady('yard'), {
    callback: (_error, message) => {
      void call(message, 'application/json').then((status) => {
        if (status !== 200) failed += 1;
      });
    },
  });
  nc.subscribe(subjects.clipsStored('yard'), {
    callback: (_error, message) => {
      const stored = parseMessage(clipStored, message.data, 'clips.stored');
      keys.set(stored.eventId, stored.complete ? stored.keys.clip : undefined);
    },
  });
  await wait(FIRST_REQUEST_MS);
  const asked: { eventId: string; from: number; to: number }[] = [];
  for (let n = 0; n < CLIPS; n++) {
    // Every other one reaches up to now, when its last segment is still being written.
    const newest = seen.length - 1;
    const last = seen[n % 2 === 0 ? newest : newest - (n % 20)];
    const first = seen[newest - (n % 20) - 5 - (n % 36)];
    if (first === undefined || last === undefined) throw new Error('too few frames came from the camera');
    // A microsecond more each, or two of the same start would be one event.
    const wanted = wantedClip('yard', first.capturedAtUs - PRE_ROLL_US - n, last.capturedAtUs);
    asked.push({ eventId: wanted.eventId, from: first.code - PRE_ROLL_US / 1000, to: last.code });
    await js.publish(subjects.clipsWanted('yard'), JSON.stringify(wanted));
    await wait(REQUEST_EVERY_MS);
  }
  await until('the clips', 180_000, () => asked.every(({ eventId }) => keys.has(eventId))).catch(
    () => undefined,
  );
  const missingOf: number[] = [];
  for (const { eventId, from, to } of asked) {
    const key = keys.get(eventId);
    if (key === undefined) continue;
    const held = new Set(await codesInVideo(join(store, key)));
    const missing = codes.filter((code) => code >= from + DRIFT_MS && code <= to && !held.has(code));
    missingOf.push(missing.length);
  }
  const whole = missingOf.filter((missing) => missing === 0).length;
  return [
    { name: 'clips: stored', value: keys.size, unit: '' },
    { name: 'clips: calls of the clip function that failed', value: failed, unit: '' },
    { name: 'clips: said to be incomplete', value: keys.size - missingOf.length, unit: '' },
    { name: 'clips: pictures missing of one, at most', value: Math.max(0, ...missingOf), unit: '' },
    {
      name: 'clips that hold all pictures asked for',
      value: whole,
      unit: '',
      aim: `${CLIPS} of ${CLIPS}`,
      met: whole === CLIPS,
    },
  ];
}
