import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeliverPolicy } from '@nats-io/jetstream';
import { UsageError } from '@faascam/core/errors';
import { clipReady, type ClipReady } from '@faascam/core/clip-messages';
import { parseMessage, type ClipWanted } from '@faascam/core/messages';
import { headers, streams, subjects } from '@faascam/core/subjects';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { dataHashesOf, makeVideo, sharedVideo } from './capture/test-video.ts';
import { serveClips } from './clips/clip-service.ts';
import { openReplayFootage, replayRecording, type ReplayOptions, type ReplayProgress } from './replay.ts';
import {
  capturedAtUs,
  numberOf,
  objectsOf,
  openTestSite,
  settingsOf,
  storedClip,
  wantedClip,
  type TestSite,
} from './test-site.ts';

const START_US = 1_700_000_000_000_000;
const SECOND_US = 1_000_000;
const settings = settingsOf('file:recording');

let site: TestSite;
let recording: string;

beforeAll(async () => {
  site = await openTestSite();
  recording = join(site.directory, 'recording.mp4');
  const picture = 'testsrc2=size=320x240:rate=10:duration=12';
  await makeVideo('-f', 'lavfi', '-i', picture, '-g', '10', '-bf', '2', '-pix_fmt', 'yuv420p', recording);
});

afterAll(async () => {
  await site.close();
});

async function openReplay(camera: string, more: Partial<ReplayOptions> = {}): Promise<ReplayOptions> {
  const { messaging, log, directory } = site;
  const footage = await openReplayFootage({ dataDirectory: directory, camera, settings, log });
  const signal = new AbortController().signal;
  return {
    id: 'agent',
    camera,
    settings,
    footage,
    recording,
    startUs: START_US,
    messaging,
    log,
    signal,
    ...more,
  };
}

describe('replay', () => {
  test('publishes every sampled frame with its own time, in order, and says at the end that the camera is gone', async () => {
    const frames: { kind: string; at: number; seq: number; size: number }[] = [];
    site.answerFrames('order', (frame) => {
      const kind = frame.headers?.get(headers.kind) ?? '';
      frames.push({
        kind,
        at: capturedAtUs(frame) - START_US,
        seq: numberOf(frame, headers.seq),
        size: frame.data.length,
      });
      expect(frame.headers?.get(headers.agent)).toBe('agent');
      return true;
    });
    const progress: ReplayProgress[] = [];
    const options = await openReplay('order', { onProgress: (step) => void progress.push(step) });
    const result = await replayRecording(options);
    expect(result).toEqual({ frames: 60, unanswered: 0, tooLarge: 0, durationMs: 12_000 });
    const images = frames.slice(0, -1);
    expect(images.map(({ at }) => at)).toEqual(Array.from({ length: 60 }, (_, i) => i * 200_000));
    expect(images.every(({ kind, size }) => kind === 'image' && size > 1000)).toBe(true);
    expect(frames.at(-1)).toMatchObject({ kind: 'lost', at: 12 * SECOND_US, size: 0 });
    expect(frames.map(({ seq }) => seq)).toEqual(Array.from({ length: 61 }, (_, i) => i + 1));
    expect(progress.at(-1)).toEqual({ frames: 60, positionMs: 12_000, durationMs: 12_000 });
    expect(progress.length).toBe(61);
    await options.footage.remove();
  });

  test('a real recording gives every second of its 10 pictures a second', async () => {
    const video = sharedVideo('one-by-one-person-detection.mp4');
    if (video === undefined) return;
    const times: number[] = [];
    site.answerFrames('real', (frame) => {
      times.push(capturedAtUs(frame) - START_US);
      return true;
    });
    const options = await openReplay('real', { recording: video });
    const result = await replayRecording(options);
    expect(result).toEqual({ frames: 697, unanswered: 0, tooLarge: 0, durationMs: 139_400 });
    expect(times).toEqual(Array.from({ length: 698 }, (_, i) => i * 200_000));
    const segments = options.footage.ring.overlapping(0, Number.MAX_SAFE_INTEGER);
    expect(await dataHashesOf(segments.map(({ path }) => path))).toEqual(await dataHashesOf([video]));
    await options.footage.remove();
  });

  test('has no more frames without an answer than allowed', async () => {
    let open = 0;
    let most = 0;
    const { nc } = await site.connect();
    nc.subscribe(subjects.detections('flow'), { callback: () => void (open -= 1) });
    await nc.flush();
    site.answerFrames('flow', () => {
      open += 1;
      most = Math.max(most, open);
      return true;
    });
    const options = await openReplay('flow', { maxInFlight: 2 });
    await replayRecording(options);
    // The watcher hears of an answer a moment after it was given.
    expect(most).toBeLessThanOrEqual(4);
    await options.footage.remove();
  });

  test('waits as long as nobody answers, and can be given up', async () => {
    let seen = 0;
    site.answerFrames('silent', () => {
      seen += 1;
      return false;
    });
    const giveUp = new AbortController();
    const options = await openReplay('silent', { signal: giveUp.signal });
    const replay = replayRecording(options);
    await vi.waitFor(() => expect(seen).toBe(4), { timeout: 20_000 });
    giveUp.abort(new Error('enough'));
    await expect(replay).rejects.toThrow('enough');
    expect(seen).toBe(4);
    await options.footage.remove();
  });

  test('a frame dropped on the way is counted and holds nothing up', async () => {
    site.answerFrames('lossy', (frame) => (capturedAtUs(frame) - START_US) % SECOND_US !== 400_000);
    const options = await openReplay('lossy');
    expect(await replayRecording(options)).toMatchObject({ frames: 60, unanswered: 12 });
    await options.footage.remove();
  });

  test('what is no video is refused with the reason', async () => {
    const text = join(site.directory, 'notes.txt');
    await writeFile(text, 'hello');
    const options = await openReplay('refused');
    await expect(replayRecording({ ...options, recording: text })).rejects.toThrow(UsageError);
    await expect(replayRecording({ ...options, recording: text })).rejects.toThrow(/not a video/);
    await expect(replayRecording({ ...options, recording: `${text}.none` })).rejects.toThrow(/no such file/);
    const sound = join(site.directory, 'sound.mp3');
    await makeVideo('-f', 'lavfi', '-i', 'sine=duration=1', sound);
    await expect(replayRecording({ ...options, recording: sound })).rejects.toThrow(/no video/);
    await options.footage.remove();
  });

  test('the clips of its events are offered whole, without gaps beyond its ends', async () => {
    const { messaging, log } = site;
    const camera = 'clips';
    site.answerFrames(camera);
    const options = await openReplay(camera);
    const serving = new AbortController();
    const serve = serveClips({ ...options, signal: serving.signal });

    const wanted: ClipWanted[] = [
      wantedClip(camera, START_US - 5 * SECOND_US, START_US + 3 * SECOND_US),
      wantedClip(camera, START_US + 4.5 * SECOND_US, START_US + 7.5 * SECOND_US),
      wantedClip(camera, START_US + 9 * SECOND_US, START_US + 30 * SECOND_US),
    ];
    for (const clip of wanted) await messaging.js.publish(subjects.clipsWanted(camera), JSON.stringify(clip));
    await replayRecording(options);

    const ready: ClipReady[] = [];
    const consumer = await messaging.js.consumers.get(streams.clips, {
      filter_subjects: subjects.clipsReady(camera),
      deliver_policy: DeliverPolicy.All,
    });
    for (let i = 0; i < wanted.length; i++) {
      const message = await consumer.next({ expires: 60_000 });
      if (message !== null) ready.push(parseMessage(clipReady, message.data, message.subject));
    }
    ready.sort((a, b) => a.fromUs - b.fromUs);
    const seconds = ({ fromUs, toUs }: ClipReady) =>
      [fromUs - START_US, toUs - START_US].map((us) => us / SECOND_US);
    expect(ready.map(seconds)).toEqual([
      [0, 3],
      [4.5, 7.5],
      [9, 12],
    ]);
    expect(ready.map(({ gaps }) => gaps)).toEqual([[], [], []]);
    expect(
      ready.map(({ segments }) => segments.map(({ startUs }) => (startUs - START_US) / SECOND_US)),
    ).toEqual([
      [0, 2],
      [4, 6],
      [8, 10],
    ]);
    expect(ready.every(({ codec, agent }) => codec.video === 'h264' && agent === 'agent')).toBe(true);

    expect((await objectsOf(messaging, camera)).length).toBe(6);
    for (const clip of wanted)
      await messaging.js.publish(subjects.clipsStored(camera), JSON.stringify(storedClip(clip)));
    await vi.waitFor(async () => expect(await objectsOf(messaging, camera)).toEqual([]), { timeout: 20_000 });
    await vi.waitFor(
      async () => {
        const info = await messaging.jsm.consumers.info(streams.clips, `edge-agent-${camera}`);
        expect([info.num_ack_pending, info.num_pending]).toEqual([0, 0]);
      },
      { timeout: 20_000 },
    );
    serving.abort();
    await serve;
    await options.footage.remove();
    expect(await readdir(join(site.directory, 'replay'))).not.toContain(camera);
    log.flush();
  });
});
