import { Readable } from 'node:stream';
import { cameraId } from '@faascam/core/ids';
import { makeLiveToken } from '@faascam/core/live-token';
import { headers as ours } from '@faascam/core/subjects';
import { z } from 'zod';
import { errorAnswer, NotFoundError, type Answer } from '../answer.ts';
import { newestReports } from '../camera-view.ts';
import { LiveRefusedError } from '../live-link.ts';
import type { LatestFrame } from '../nats-link.ts';
import { liveAnswer, type LiveAnswer } from './live-schema.ts';
import { nothingAsked, operation, type Operation } from './operation.ts';
import type { Parts } from './parts.ts';

/** A page asks for another one whenever it begins anew; what it began with an older one goes on. */
const TOKEN_S = 120;
const BOUNDARY = 'faascam';

/** Live view: which ways there are, and those that lead through NATS. */
export function liveOperations({ nats, live, guards, liveSecret, streamMs, clock }: Parts): Operation[] {
  const params = z.object({ camera: cameraId });
  return [
    operation({
      ...nothingAsked,
      id: 'liveWays',
      method: 'GET',
      path: '/api/cameras/{camera}/live',
      needs: 'viewer',
      summary:
        'How a camera can be watched live: addresses, with a token that lasts two minutes where one is needed.',
      params,
      answer: { status: 200, description: 'The ways.', json: liveAnswer },
      run: async ({ params: { camera } }) => {
        const agent = newestReports(await nats.healths()).get(camera);
        if (agent === undefined) throw new NotFoundError(`There is no camera ${camera}.`);
        const expiresAtS = Math.floor(clock.nowUs() / 1e6) + TOKEN_S;
        const own = liveSecret === '' ? undefined : agent.live;
        const at = (path: string): string =>
          `${own?.url ?? ''}/cameras/${camera}/${path}?token=${makeLiveToken(liveSecret, camera, expiresAtS)}`;
        const stun = agent.live?.stun;
        const answer: LiveAnswer = {
          camera,
          ways: [
            // Its few messages go through NATS, from wherever the page is; the pictures do not.
            { kind: 'webrtc', by: 'viewer', url: 'whep', ...(stun === undefined ? {} : { stun }) },
            ...(own === undefined
              ? []
              : ([
                  { kind: 'mse', by: 'agent', url: at('mse') },
                  { kind: 'mjpeg', by: 'agent', url: at('stream.mjpeg') },
                ] as const)),
            { kind: 'mjpeg', by: 'viewer', url: 'stream.mjpeg' },
            { kind: 'jpeg', by: 'viewer', url: 'frame.jpg?fresh=true' },
          ],
          ...(own === undefined ? {} : { expiresAtUs: expiresAtS * 1e6 }),
        };
        return {
          status: 200,
          headers: { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' },
          body: JSON.stringify(answer),
        };
      },
    }),
    operation({
      ...nothingAsked,
      id: 'offerWebRtc',
      method: 'POST',
      path: '/api/cameras/{camera}/whep',
      needs: 'viewer',
      summary:
        'Answers a WebRTC offer as WHEP (RFC 9725) has it; the pictures then come from the agent itself.',
      params,
      body: z.string().min(1),
      bodyType: 'application/sdp',
      bodyBytes: 64_000,
      answer: {
        status: 201,
        description: 'The answer, and the session in Location.',
        media: 'application/sdp',
      },
      run: ({ params: { camera }, body, allowed }) =>
        refusing(async () => {
          const reply = await live.ask(camera, { v: 1, kind: 'offer', sdp: body });
          if (reply.kind !== 'answer')
            throw new LiveRefusedError(502, 'failed', 'The agent answered something else.');
          const { session } = reply;
          guards.add({ camera, session }, allowed, () => live.ask(camera, { v: 1, kind: 'end', session }));
          const headers = { 'Content-Type': 'application/sdp', Location: `whep/${reply.session}` };
          return { status: 201, headers: { ...headers, 'Cache-Control': 'no-store' }, body: reply.sdp };
        }),
    }),
    operation({
      ...nothingAsked,
      id: 'endWebRtc',
      method: 'DELETE',
      path: '/api/cameras/{camera}/whep/{session}',
      needs: 'viewer',
      summary: 'Ends a WebRTC session. One whose browser is gone ends by itself.',
      params: params.extend({ session: z.uuid() }),
      answer: { status: 200, description: 'It has ended.' },
      run: ({ params: { camera, session } }) =>
        refusing(async () => {
          await live.ask(camera, { v: 1, kind: 'end', session });
          guards.drop({ camera, session });
          return { status: 200, headers: {}, body: undefined };
        }),
    }),
    operation({
      ...nothingAsked,
      id: 'pictureStream',
      method: 'GET',
      path: '/api/cameras/{camera}/stream.mjpeg',
      needs: 'viewer',
      summary:
        'Live pictures through NATS, a few a second, until the time of a call is over; then ask again.',
      params,
      answer: { status: 200, description: 'JPEG pictures.', media: 'multipart/x-mixed-replace' },
      run: ({ asked, params: { camera } }) =>
        refusing(async () => {
          const headers = {
            'Content-Type': `multipart/x-mixed-replace; boundary=${BOUNDARY}`,
            'Cache-Control': 'no-store',
          };
          if (asked.method === 'HEAD') return { status: 200, headers, body: undefined };
          let leave = (): void => undefined;
          const stream = new Readable({
            read: () => undefined,
            destroy: (error, done) => {
              clearTimeout(timer);
              leave();
              done(error);
            },
          });
          const timer = setTimeout(() => {
            leave();
            stream.push(null);
          }, streamMs);
          stream.push(`--${BOUNDARY}\r\n`);
          try {
            leave = await live.watch(camera, (frame) => {
              // One that waits is enough: whoever is slow misses some.
              if (stream.readableLength < 1000) stream.push(partOf(frame));
            });
          } catch (error) {
            stream.destroy();
            throw error;
          }
          return { status: 200, headers, body: stream };
        }),
    }),
  ];
}

/** An agent's refusal is the answer. */
async function refusing(act: () => Promise<Answer>): Promise<Answer> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof LiveRefusedError) return errorAnswer(error.status, error.message);
    throw error;
  }
}

function partOf({ jpeg, capturedAtUs }: LatestFrame): Buffer {
  const time = capturedAtUs === undefined ? '' : `${ours.capturedAt}: ${capturedAtUs}\r\n`;
  return Buffer.concat([
    Buffer.from(`Content-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n${time}\r\n`),
    jpeg,
    Buffer.from(`\r\n--${BOUNDARY}\r\n`),
  ]);
}
