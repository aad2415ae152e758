import { storedEvent } from '@faascam/core/event-walk';
import { cameraId, eventId } from '@faascam/core/ids';
import { timeUs } from '@faascam/core/messages';
import { subjects } from '@faascam/core/subjects';
import { z } from 'zod';
import { NotFoundError, type Answer } from '../answer.ts';
import { exportRequestOf } from '../export-request.ts';
import { InputError } from './input.ts';
import { nothingAsked, operation, type Operation } from './operation.ts';
import type { Parts } from './parts.ts';

/** As much as the clip function makes in the time of one call on a weak host, and a ring holds by default. */
const LONGEST_MS = 600_000;

const exportAnswer = z
  .object({
    id: eventId.describe('Of the event that it becomes.'),
    state: z
      .enum(['waiting', 'stored', 'removed'])
      .describe('`waiting`: it was asked for, or nobody did; `stored`: it is an event like any other.'),
    urls: z.object({ event: z.string(), state: z.string() }).describe('Relative to the address of the page.'),
  })
  .meta({ id: 'Export' });
type ExportAnswer = z.infer<typeof exportAnswer>;

/** Any footage of a camera's ring as a clip. */
export function exportOperations({ store, nats, clock }: Parts): Operation[] {
  const stateOf = async (id: string): Promise<ExportAnswer['state']> => {
    const { objects } = await storedEvent(store, id);
    if (objects.has('event.json')) return 'stored';
    return objects.has('removed.json') ? 'removed' : 'waiting';
  };
  return [
    operation({
      ...nothingAsked,
      id: 'exportFootage',
      method: 'POST',
      path: '/api/cameras/{camera}/exports',
      needs: 'operator',
      summary:
        "Asks the camera's agent for footage of its ring: it becomes an event with a clip like any other.",
      params: z.object({ camera: cameraId }),
      body: z.strictObject({ fromUs: timeUs, toUs: timeUs }),
      answer: { status: 202, description: 'It was asked for.', json: exportAnswer },
      run: async ({ identity, params: { camera }, body }) => {
        const { fromUs, toUs } = body;
        const atUs = clock.nowUs();
        if (toUs <= fromUs) throw new InputError(400, 'The time toUs must come after fromUs.');
        if (toUs - fromUs > LONGEST_MS * 1000)
          throw new InputError(
            400,
            `An export is ${LONGEST_MS / 60_000} minutes long at most: ask for several.`,
          );
        if (fromUs > atUs) throw new InputError(400, 'The time fromUs lies in the future.');
        const known = (await nats.healths()).some((health) => Object.hasOwn(health.cameras, camera));
        if (!known) throw new NotFoundError(`No agent tells of a camera ${camera}.`);
        const wanted = exportRequestOf({ camera, fromUs, toUs, by: identity.name, atUs });
        const { eventId: id } = wanted;
        const state = await stateOf(id);
        if (state === 'waiting') {
          await nats.publish(subjects.clipsWanted(camera), JSON.stringify(wanted), `wanted-${id}`);
        }
        return json(202, answerOf(camera, id, state));
      },
    }),
    operation({
      ...nothingAsked,
      id: 'getExport',
      method: 'GET',
      path: '/api/cameras/{camera}/exports/{id}',
      needs: 'viewer',
      summary: 'How far an export has come.',
      params: z.object({ camera: cameraId, id: eventId }),
      answer: { status: 200, description: 'Its state.', json: exportAnswer },
      run: async ({ params: { camera, id } }) => {
        if (!id.startsWith(`${camera}-`) || id.length !== camera.length + STAMP_LENGTH)
          throw new NotFoundError(`The event ${id} is not of camera ${camera}.`);
        return json(200, answerOf(camera, id, await stateOf(id)));
      },
    }),
  ];
}

const STAMP_LENGTH = '-yyyymmddthhmmss-uuuuuu'.length;

function answerOf(camera: string, id: string, state: ExportAnswer['state']): ExportAnswer {
  const urls = { event: `api/events/${id}`, state: `api/cameras/${camera}/exports/${id}` };
  return { id, state, urls };
}

function json(status: number, value: ExportAnswer): Answer {
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' };
  return { status, headers, body: JSON.stringify(value) };
}
