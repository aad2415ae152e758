import { cameraId } from '@faascam/core/ids';
import { tracksMessage } from '@faascam/core/track-message';
import { z } from 'zod';
import { errorAnswer, NotFoundError } from '../answer.ts';
import { streamHeaders } from '../news.ts';
import { nothingAsked, operation, type Operation } from './operation.ts';
import type { Parts } from './parts.ts';

/** What is told of one frame. */
export const boxesNews = tracksMessage.omit({ v: true });

/** Where the objects of a camera are, frame by frame: what is drawn over its live picture. */
export function boxOperations({ nats, boxes }: Parts): Operation[] {
  return [
    operation({
      ...nothingAsked,
      id: 'listenToBoxes',
      method: 'GET',
      path: '/api/cameras/{camera}/boxes',
      needs: 'viewer',
      summary:
        "Objects in a camera's frames, as server-sent events `boxes`: one a frame, with its time, soon after it was looked at.",
      params: z.object({ camera: cameraId }),
      answer: {
        status: 200,
        description:
          'A stream that ends after half a minute; go on with the header Last-Event-ID, as EventSource does.',
        media: 'text/event-stream',
        more: { 503: 'Too many listen.' },
      },
      run: async ({ asked, params: { camera } }) => {
        if (!(await nats.healths()).some(({ cameras }) => Object.hasOwn(cameras, camera)))
          throw new NotFoundError(`There is no camera ${camera}.`);
        if (asked.method === 'HEAD') return { status: 200, headers: streamHeaders, body: undefined };
        const stream = boxes.of(camera).listen({ lastId: asked.header('last-event-id') });
        if (stream === undefined) return errorAnswer(503, 'Too many listen already: try again in a while.');
        return { status: 200, headers: streamHeaders, body: stream };
      },
    }),
  ];
}
