import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { isSubject, topicsOf } from '@faascam/connector/topics';
import type { DetectionsMessage } from '@faascam/core/messages';
import { detectionsMessage, parseMessage } from '@faascam/core/messages';
import type { Messaging } from '@faascam/core/messaging';
import { headers, streams, subjects } from '@faascam/core/subjects';
import { systemClock } from '@faascam/core/clock';
import type { GatewayClient } from './gateway-client.ts';
import { expected, type Report } from './report.ts';
import { awaited } from './wait.ts';

/** Which subjects of a camera the connector must bring to which function. */
const topicsFor = (camera: string): Record<string, string[]> => ({
  motion: [subjects.frames(camera)],
  detect: [subjects.motion(camera)],
  events: [subjects.detections(camera)],
  clip: [subjects.clipsReady(camera)],
  viewer: [],
  notify: [subjects.events(camera), subjects.clipsStored(camera), subjects.notices('house')],
});

const functionList = z.array(
  z.looseObject({
    name: z.string(),
    annotations: z.record(z.string(), z.string()).nullish(),
    availableReplicas: z.number().nullish(),
  }),
);

/** So many at the same time that a function which takes fewer says so, and no more than a page's visitors would. */
const BURST = 64;

export interface GatewayChecks {
  report: Report;
  client: GatewayClient;
  /** Whether a login was given. */
  login: boolean;
  camera: string;
}

/** What concerns the gateway and the functions alone. Answers whether the functions are there. */
export async function checkGateway({ report, client, login, camera }: GatewayChecks): Promise<boolean> {
  const answers = await report.check('The gateway answers', async () => {
    const { status } = await client.call('/healthz');
    expected(status === 200, `/healthz was answered with ${status}`);
    return '/healthz says 200';
  });
  if (!answers) return false;
  const asks = 'The gateway asks for a login before it lists functions';
  if (login) {
    await report.check(asks, async () => {
      const { status } = await client.call('/system/functions', { anonymous: true });
      expected(
        status === 401,
        `/system/functions without a login was answered with ${status}: turn basic_auth on`,
      );
      return '401 without it';
    });
  } else report.skip(asks, 'FAASCAM_GATEWAY_PASSWORD_FILE is not set');
  const listed = await report.check('The functions are listed with their topics', async () => {
    const { status, text } = await client.call('/system/functions');
    expected(status === 200, `/system/functions was answered with ${status}: give the gateway's login`);
    return checkedList(functionList.parse(JSON.parse(text)), camera);
  });
  if (!listed) return false;
  await report.check('Every function is ready', async () => {
    const names = Object.keys(topicsFor(camera));
    for (const name of names) {
      const { status, text } = await client.callFunction(name, '/_/ready');
      expected(status === 200, `${name} answers ${status}: ${text.slice(0, 300)}`);
    }
    return `${names.join(', ')} say 200 at /_/ready`;
  });
  await report.check('A function that does not exist is not called', async () => {
    const { status } = await client.callFunction(`${camera}-none`, '/');
    expected(status >= 400, `its call was answered with ${status}`);
    return `its call is answered with ${status}`;
  });
  return true;
}

function checkedList(list: z.infer<typeof functionList>, camera: string): string {
  for (const [name, wanted] of Object.entries(topicsFor(camera))) {
    const found = list.find((entry) => entry.name === name);
    expected(found !== undefined, `there is no function ${name}: faas-cli deploy -f stack.yml`);
    const topics = topicsOf(found.annotations?.['topic']);
    for (const subject of wanted) {
      expected(
        topics.some((topic) => isSubject(topic) && matches(topic, subject)),
        `no topic of ${name} (${topics.join(', ') || 'none'}) takes ${subject}: deploy it with the annotations of stack.yml`,
      );
    }
    expected((found.availableReplicas ?? 1) > 0, `${name} has no replica that is available`);
  }
  return `${list.length} functions, faascam's five among them`;
}

/** Whether a NATS subject with wildcards takes a subject without. */
export function matches(topic: string, subject: string): boolean {
  const [wanted, tokens] = [topic.split('.'), subject.split('.')];
  return wanted.every((token, index) => {
    if (token === '>') return tokens.length > index;
    return tokens[index] !== undefined && (token === '*' || token === tokens[index]);
  })
    ? wanted.at(-1) === '>' || wanted.length === tokens.length
    : false;
}

/** How functions answer what is wrong, and many calls at once. */
export async function checkAnswers({ report, client, camera }: GatewayChecks): Promise<void> {
  await report.check('A malformed message is refused for good, and not tried again', async () => {
    const subjectOf: Record<string, string> = {
      motion: subjects.frames(camera),
      detect: subjects.motion(camera),
      events: subjects.detections(camera),
      clip: subjects.clipsReady(camera),
    };
    for (const [name, subject] of Object.entries(subjectOf)) {
      const { status } = await client.callFunction(name, '/', {
        body: '{"v":',
        headers: { 'content-type': 'application/json', [headers.topic]: subject },
      });
      expected(status >= 400 && status < 500 && status !== 429, `${name} answers ${status} instead of 400`);
    }
    return 'motion, detect, events and clip answer 4xx';
  });
  await report.check('The page and what it needs come through the gateway', async () => {
    const page = await client.callFunction('viewer', '/');
    expected(page.status === 200 && page.text.includes('<html'), `the page is answered with ${page.status}`);
    const assets = [...page.text.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map(([, path = '']) => path);
    expected(assets.length > 0, 'the page names no style and no script');
    for (const path of assets) {
      const { status } = await client.callFunction('viewer', `/${path}`);
      expected(status === 200, `${path} is answered with ${status}`);
    }
    return `${assets.length} files of it`;
  });
  await report.check('Many calls at once are answered, or told to come again', async () => {
    const calls = Array.from({ length: BURST }, () => client.callFunction('viewer', '/'));
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    const others = statuses.filter((status) => status !== 200 && status !== 429);
    expected(others.length === 0, `${others.length} of ${BURST} were answered with ${others.join(', ')}`);
    const refused = statuses.filter((status) => status === 429).length;
    return `of ${BURST} none failed, ${refused} were told to come again`;
  });
}

export interface PictureCheck extends GatewayChecks {
  /** Of its own, which is in no event. */
  camera: string;
  recording: string;
  messaging: Messaging;
  patienceMs: number;
  signal: AbortSignal;
}

const run = promisify(execFile);
const MOST_PICTURE_BYTES = 16 * 1024 * 1024;

/** Sends one picture straight to the detector, as the connector would. */
export async function checkPicture(check: PictureCheck): Promise<void> {
  const { report, client, camera, recording, messaging, patienceMs, signal } = check;
  await report.check('A picture arrives at the detector as it was sent', async () => {
    const first = ['-i', recording, '-frames:v', '1', '-c:v', 'mjpeg', '-q:v', '3', '-f', 'image2pipe', '-'];
    const { stdout: jpeg } = await run('ffmpeg', ['-v', 'error', ...first], {
      encoding: 'buffer',
      maxBuffer: MOST_PICTURE_BYTES,
    });
    const capturedAtUs = systemClock.nowUs();
    const { status, text } = await client.callFunction('detect', '/', {
      body: jpeg,
      headers: {
        'content-type': 'image/jpeg',
        [headers.topic]: subjects.motion(camera),
        [headers.capturedAt]: String(capturedAtUs),
        [headers.seq]: '1',
        [headers.agent]: camera,
        [headers.kind]: 'image',
        [headers.motion]: JSON.stringify({ v: 1, kind: 'moving', score: 1, boxes: [[0, 0, 1, 1]] }),
      },
    });
    expected(status === 200, `detect answers ${status}: ${text.slice(0, 300)}`);
    const seen = await awaited(() => newestDetections(messaging, camera), {
      ...{ patienceMs, signal, otherwise: `no message came on ${subjects.detections(camera)}` },
    });
    expected(
      seen.capturedAtUs === capturedAtUs,
      'the answer is of another picture: headers are not passed on',
    );
    expected(seen.inferred && seen.picture !== undefined, 'the detector had no picture: the body was lost');
    const { width, height } = seen.picture;
    return `${jpeg.length} bytes, ${width}x${height}, looked at by ${seen.model.name}`;
  });
}

async function newestDetections({ jsm }: Messaging, camera: string): Promise<DetectionsMessage | undefined> {
  const subject = subjects.detections(camera);
  const newest = await jsm.streams.getMessage(streams.detections, { last_by_subj: subject });
  return newest === null ? undefined : parseMessage(detectionsMessage, newest.data, subject);
}
