import { z } from 'zod';
import { cameraId, eventId } from '@faascam/core/ids';
import { eventMessage, timeUs } from '@faascam/core/messages';
import { errorAnswer } from '../answer.ts';
import { streamHeaders } from '../news.ts';
import { cameraView } from './camera-schema.ts';
import { nothingAsked, operation, type Operation } from './operation.ts';
import type { Parts } from './parts.ts';

/** An event that goes on: it was begun, has changed, or has ended. Its clip is stored later. */
export const eventNews = eventMessage
  .pick({ id: true, camera: true, phase: true, startUs: true, endUs: true, labels: true, zones: true })
  .extend({ score: z.number().min(0).max(1) });
export type EventNews = z.infer<typeof eventNews>;

/** An event is in the list, or is not any more. */
export const storedNews = z.object({ id: eventId, camera: cameraId, removed: z.boolean(), atUs: timeUs });
export type StoredNews = z.infer<typeof storedNews>;

/** A camera's state has changed. */
export const cameraNews = cameraView.pick({
  id: true,
  agent: true,
  state: true,
  cause: true,
  causeCode: true,
});
export type CameraNews = z.infer<typeof cameraNews>;

/** What happens, as it happens. */
export function streamOperations({ news }: Parts): Operation[] {
  return [
    operation({
      ...nothingAsked,
      id: 'listen',
      method: 'GET',
      path: '/api/stream',
      needs: 'viewer',
      heedsCameras: true,
      summary:
        'What happens, as server-sent events: `event`, `stored`, `camera`, and `reset` where some may have been missed.',
      answer: {
        status: 200,
        description:
          'A stream that ends after half a minute; go on with the header Last-Event-ID, as EventSource does.',
        media: 'text/event-stream',
        more: { 503: 'Too many listen.' },
      },
      run: ({ asked, identity }) => {
        if (asked.method === 'HEAD')
          return Promise.resolve({ status: 200, headers: streamHeaders, body: undefined });
        const lastId = asked.header('last-event-id');
        const stream = news.listen({ lastId, cameras: identity.cameras });
        if (stream === undefined)
          return Promise.resolve(errorAnswer(503, 'Too many listen already: try again in a while.'));
        return Promise.resolve({ status: 200, headers: streamHeaders, body: stream });
      },
    }),
  ];
}
