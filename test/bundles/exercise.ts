import { readFile } from 'node:fs/promises';
import { Objm } from '@nats-io/obj';
import sharp from 'sharp';
import { z } from 'zod';
import { manifest } from '@faascam/core/clip-messages';
import { systemClock } from '@faascam/core/clock';
import { eventKey } from '@faascam/core/ids';
import { detectionsMessage, type DetectionsMessage } from '@faascam/core/messages';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { readPublicKey } from '@faascam/core/push-subscriptions';
import { buckets, headers, streams, subjects } from '@faascam/core/subjects';
import { record } from '@faascam/clip/testing/recording';
import { readyOf } from '@faascam/clip/testing/ready';

/**
 * Calls that show that the functions work, wherever they are served: each takes the address of one, does what the
 * connector or a browser would, looks in NATS for what it must have said, and throws an `Error` that says what is wrong.
 */
export interface Exercise {
  motion: (url: string) => Promise<void>;
  detect: (url: string) => Promise<void>;
  events: (url: string) => Promise<void>;
  /** Makes a clip of four seconds. */
  clip: (url: string) => Promise<void>;
  /** Asks for the page, and for the clip of `clip`, whose store it must share. */
  viewer: (url: string) => Promise<void>;
  /** Needs `notifyEnvironment`. */
  notify: (url: string) => Promise<void>;
  close: () => Promise<void>;
}

/** What the function notify must be told, so that it has something to tell. */
export const notifyEnvironment = {
  FAASCAM_NOTIFY: JSON.stringify({
    targets: { phones: { kind: 'push', contact: 'mailto:somebody@example.org' } },
    rules: [{ name: 'everything', to: ['phones'] }],
  }),
};

export type FunctionName = Exclude<keyof Exercise, 'close'>;

const START_US = 1_767_323_045_000_000;

/** `camera` names what is sent, so that several may share a server; `directory` is for a recording. */
export async function openExercise(natsUrl: string, camera: string, directory: string): Promise<Exercise> {
  const messaging = await connectNats(natsUrl, 'test');
  await ensureStreams(messaging.jsm);
  const segments = await record({
    directory,
    seconds: 4,
    video: ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '25', '-bf', '0'],
  }).then(({ segments: files }) =>
    files.map((file) => ({ ...file, ref: { ...file.ref, object: `${camera}/${file.ref.object}` } })),
  );
  const ready = readyOf(segments, { camera });

  return {
    motion: async (url) => {
      // What a call carries: noise does not compress, so that the picture is as large as a camera's.
      const still = await picture();
      for (const seq of [1, 8, 9])
        await post(url, framed(camera, seq, seq === 9 ? await picture(250) : still));
      const moved = await picture(320);
      await post(url, framed(camera, 10, moved));
      const said = await last(messaging, streams.motion, subjects.motion(camera));
      expectThat(moved.length > 60_000, `the picture is large enough (${moved.length} bytes)`);
      expectThat(said.equals(moved), 'motion passed the picture on byte by byte');
    },
    detect: async (url) => {
      const motion = JSON.stringify({ v: 1, kind: 'moving', score: 1, boxes: [[0.4, 0.3, 0.1, 0.3]] });
      const call = framed(camera, 10, await picture(320));
      await post(url, {
        ...call,
        headers: { ...call.headers, [headers.topic]: subjects.motion(camera), [headers.motion]: motion },
      });
      const { inferred, model } = await detections(messaging, camera);
      expectThat(
        inferred && model.name === 'faascam-demo',
        'detect looked with the model that comes with it',
      );
    },
    events: async (url) => {
      const said = await detections(messaging, camera);
      await post(url, {
        headers: { [headers.topic]: subjects.detections(camera) },
        body: JSON.stringify(said),
      });
    },
    clip: async (url) => {
      const bucket = await new Objm(messaging.nc).create(buckets.segments);
      for (const { path, ref } of segments) await bucket.putBlob({ name: ref.object }, await readFile(path));
      const answer = await post(url, {
        headers: { [headers.topic]: subjects.clipsReady(camera) },
        body: JSON.stringify(ready),
      });
      const { outcome, complete } = z
        .object({ outcome: z.string(), complete: z.boolean() })
        .parse(JSON.parse(answer));
      expectThat(outcome === 'stored' && complete, `the clip is stored (${answer})`);
    },
    viewer: async (url) => {
      const page = await get(`${url}/`);
      expectThat(page.headers.get('content-type')?.startsWith('text/html') === true, 'the page is HTML');
      const [, asset] = /src="([^"]+\.js)"/.exec(await page.text()) ?? [];
      expectThat(asset !== undefined, 'the page names a program');
      await get(new URL(asset ?? '', `${url}/`).href);
      const id = ready.eventId;
      const receipt = await get(`${url}/api/events/${id}/event.json`);
      expectThat(
        manifest.parse(await receipt.json()).event.id === id,
        `the receipt is of ${eventKey(id, 'event.json')}`,
      );
      const clip = await get(`${url}/api/events/${id}/clip.mp4`, { range: 'bytes=4-7' });
      expectThat(
        clip.status === 206 && (await clip.text()) === 'ftyp',
        'a part of the clip is answered as bytes',
      );
    },
    notify: async (url) => {
      const atUs = systemClock.nowUs();
      const event = { ...ready.event, startUs: atUs, endUs: atUs, phase: 'start' };
      await post(url, { headers: { [headers.topic]: subjects.events(camera) }, body: JSON.stringify(event) });
      const notice = await last(messaging, streams.notices, subjects.notices('phones'));
      expectThat(notice.includes(event.id), `the notice is of the event (${notice.toString()})`);
      const key = await readPublicKey(messaging);
      expectThat(key?.length === 87, `browsers are told a key (${key ?? 'none'})`);
      await post(url, { headers: { [headers.topic]: subjects.notices('phones') }, body: notice.toString() });
    },
    close: async () => {
      await messaging.nc.close();
    },
  };
}

interface Call {
  headers: Record<string, string>;
  body: Uint8Array<ArrayBuffer> | string;
}

function framed(camera: string, seq: number, jpeg: Buffer): Call {
  return {
    headers: {
      'content-type': 'image/jpeg',
      [headers.topic]: subjects.frames(camera),
      [headers.agent]: 'test',
      [headers.seq]: String(seq),
      [headers.capturedAt]: String(START_US + seq * 200_000),
      [headers.kind]: 'image',
    },
    body: new Uint8Array(jpeg),
  };
}

async function picture(left?: number): Promise<Buffer> {
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 8 };
  const base = sharp({ create: { width: 1280, height: 720, channels: 3, background: '#888', noise } });
  const block = sharp({ create: { width: 120, height: 240, channels: 3, background: '#111' } }).png();
  const layers = left === undefined ? [] : [{ input: await block.toBuffer(), left, top: 240 }];
  return await base.composite(layers).jpeg({ quality: 80 }).toBuffer();
}

async function post(url: string, { headers: asked, body }: Call): Promise<string> {
  const answer = await fetch(url, { method: 'POST', headers: asked, body });
  const text = await answer.text();
  expectThat(answer.status === 200, `the call is answered with 200 (${answer.status}: ${text})`);
  return text;
}

async function get(url: string, asked: Record<string, string> = {}): Promise<Response> {
  const answer = await fetch(url, { headers: asked });
  expectThat(answer.ok, `${url} is answered (${answer.status})`);
  return answer;
}

async function detections(messaging: Messaging, camera: string): Promise<DetectionsMessage> {
  const said = await last(messaging, streams.detections, subjects.detections(camera));
  return detectionsMessage.parse(JSON.parse(said.toString()));
}

async function last({ jsm }: Messaging, stream: string, subject: string): Promise<Buffer> {
  const found = await jsm.streams.getMessage(stream, { last_by_subj: subject });
  if (found === null) throw new Error(`nothing was said on ${subject}`);
  return Buffer.from(found.data);
}

function expectThat(condition: boolean, what: string): void {
  if (!condition) throw new Error(`not so: ${what}`);
}
