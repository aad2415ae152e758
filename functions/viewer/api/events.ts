import { cameraId, eventId } from '@faascam/core/ids';
import { manifest } from '@faascam/core/clip-messages';
import { timeUs } from '@faascam/core/messages';
import { z } from 'zod';
import { jsonAnswer } from '../answer.ts';
import { objectAnswer, partNumber, shownObjects } from '../stored-object.ts';
import { eventsAnswer } from './event-schema.ts';
import { nothingAsked, operation, type AnswerShape, type Operation } from './operation.ts';
import type { Parts } from './parts.ts';

const oneTo100 = { error: 'must be a number from 1 to 100' };
const eventsQuery = z.object({
  camera: cameraId.optional(),
  label: z
    .array(z.string().max(64, { error: 'must be at most 64 characters' }))
    .max(20, { error: 'may be given 20 times at most' })
    .optional()
    .describe('Events with any of these labels: give it several times.'),
  zone: z.string().max(64, { error: 'must be at most 64 characters' }).optional(),
  fromUs: timeUs.optional().describe('Events that began at this time or later.'),
  toUs: timeUs.optional().describe('Events that began before this time.'),
  minScore: z.number().min(0).max(1).optional().describe('Events whose best score is at least this.'),
  kept: z.boolean().optional().describe('Only those that are kept, or only those that are not.'),
  limit: z
    .number(oneTo100)
    .int(oneTo100)
    .min(1, oneTo100)
    .max(100, oneTo100)
    .default(24)
    .describe('How many events to answer with; 24 fill a large screen.'),
  before: eventId
    .optional()
    .describe(
      'The cursor `before` that the page before ended with; events that were added since do no harm.',
    ),
});

const ofEvent = z.object({ id: eventId });
const ofPart = ofEvent.extend({ part: partNumber });
const objectQuery = z.object({
  download: z.boolean().default(false).describe('Tells a browser to save it as a file.'),
});

/** Events in the store, newest first, and what is stored of each. */
export function eventOperations({ store, index }: Parts): Operation[] {
  const ofAnEvent = { ...nothingAsked, method: 'GET', needs: 'viewer', query: objectQuery } as const;
  const objects = shownObjects.flatMap(({ name, id, type, what, partName }) => {
    const whole = operation({
      ...ofAnEvent,
      id,
      path: `/api/events/{id}/${name}`,
      summary: `The ${what} of an event.`,
      params: ofEvent,
      answer: objectShape(`The ${what}, whole.`, type),
      run: async ({ asked, params, query }) => await objectAnswer(store, asked, params.id, name, query),
    });
    if (partName === undefined) return [whole];
    const part = operation({
      ...ofAnEvent,
      id: `${id}Part`,
      path: `/api/events/{id}/${name.replace('.', '-{part}.')}`,
      summary: `A further part of the ${what}, from 2 on, where the footage could not be one file.`,
      params: ofPart,
      answer: objectShape(`That part of the ${what}, whole.`, type),
      run: async ({ asked, params, query }) =>
        await objectAnswer(store, asked, params.id, partName(Number(params.part)), query),
    });
    return [whole, part];
  });
  return [
    operation({
      ...nothingAsked,
      id: 'listEvents',
      method: 'GET',
      path: '/api/events',
      needs: 'viewer',
      heedsCameras: true,
      summary: 'Stored events, newest first, a page at a time.',
      query: eventsQuery,
      answer: { status: 200, description: 'A page of events.', json: eventsAnswer },
      run: async ({ asked, query, identity }) =>
        jsonAnswer(asked, await index.page({ ...query, labels: query.label, among: identity.cameras })),
    }),
    operation({
      ...ofAnEvent,
      id: 'getEvent',
      path: '/api/events/{id}',
      summary: "An event's receipt, as it was stored.",
      params: ofEvent,
      answer: { status: 200, description: 'The receipt.', json: manifest },
      run: async ({ asked, params, query }) =>
        await objectAnswer(store, asked, params.id, 'event.json', query),
    }),
    ...objects,
  ];
}

/** Only where the store's setting says that browsers reach it. */
export const ELSEWHERE = 'The store itself gives it, at the address in Location.';

function objectShape(description: string, media: string): AnswerShape {
  const more = {
    206: 'The part that the Range header asks for.',
    416: 'It has no such part.',
    ...(media === 'video/mp4' ? { 307: ELSEWHERE } : {}),
  };
  return { status: 200, description, media, more };
}
