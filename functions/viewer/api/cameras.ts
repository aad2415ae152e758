import { cameraId } from '@faascam/core/ids';
import { headers as ours } from '@faascam/core/subjects';
import { z } from 'zod';
import { jsonAnswer, NotFoundError } from '../answer.ts';
import { cameraViews } from '../camera-view.ts';
import { LiveRefusedError } from '../live-link.ts';
import { isUnchanged } from '../conditions.ts';
import { camerasAnswer, type CamerasAnswer } from './camera-schema.ts';
import { nothingAsked, operation, type Operation } from './operation.ts';
import type { Parts } from './parts.ts';

/** Cameras as their agents tell of them, and what they show. */
export function cameraOperations({ nats, live, clock }: Parts): Operation[] {
  return [
    operation({
      ...nothingAsked,
      id: 'listCameras',
      method: 'GET',
      path: '/api/cameras',
      needs: 'viewer',
      heedsCameras: true,
      summary: 'The cameras of all agents: state, cause, frames, drops, and what the ring holds.',
      answer: { status: 200, description: 'The cameras by name.', json: camerasAnswer },
      run: async ({ asked, identity }) => {
        if (!nats.connected) return jsonAnswer(asked, noCameras(nats.notice));
        const all = cameraViews(await nats.healths(), clock.nowUs());
        const cameras = all.filter(({ id }) => identity.cameras?.includes(id) ?? true);
        return jsonAnswer(asked, { cameras, notice: undefined } satisfies CamerasAnswer);
      },
    }),
    operation({
      ...nothingAsked,
      id: 'latestFrame',
      method: 'GET',
      path: '/api/cameras/{camera}/frame.jpg',
      needs: 'viewer',
      summary: `A camera's newest picture of the last minute; the header ${ours.capturedAt} says when it was taken.`,
      params: z.object({ camera: cameraId }),
      query: z.object({
        fresh: z
          .stringbool()
          .optional()
          .describe('Whether the agent is to make pictures for it, while it is asked for.'),
      }),
      answer: { status: 200, description: 'The picture.', media: 'image/jpeg' },
      run: async ({ asked, params: { camera }, query: { fresh } }) => {
        const shown = fresh === true ? await live.newest(camera).catch(noAgent) : undefined;
        const frame = shown ?? (await nats.frame(camera));
        if (frame === undefined)
          throw new NotFoundError(`Camera ${camera} has sent no picture for the last minute.`);
        const version = { etag: `"${frame.tag}"` };
        const headers: Record<string, string> = { 'Cache-Control': 'no-store', ETag: version.etag };
        if (frame.capturedAtUs !== undefined) headers[ours.capturedAt] = String(frame.capturedAtUs);
        if (isUnchanged(version, asked.header('if-none-match'), undefined)) {
          return { status: 304, headers, body: undefined };
        }
        return { status: 200, headers: { ...headers, 'Content-Type': 'image/jpeg' }, body: frame.jpeg };
      },
    }),
  ];
}

/** Then the newest of its usual frames will do. */
function noAgent(error: unknown): undefined {
  if (!(error instanceof LiveRefusedError)) throw error;
}

function noCameras(notice: string | undefined): CamerasAnswer {
  return { cameras: [], notice };
}
