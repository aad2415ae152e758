import {
  ACTIVITY_STREAM,
  activityHour,
  activitySubject,
  hoursWithin,
  levelsBetween,
  MOST_LEVEL,
  SLOT_MS,
  SLOT_US,
  type ActivityHour,
} from '@faascam/core/activity';
import { MalformedInputError } from '@faascam/core/errors';
import { cameraId } from '@faascam/core/ids';
import { parseMessage, timeUs } from '@faascam/core/messages';
import { orAbsent } from '@faascam/core/nats-answers';
import { z } from 'zod';
import { jsonAnswer } from '../answer.ts';
import type { NatsLink } from '../nats-link.ts';
import { InputError } from './input.ts';
import { nothingAsked, operation, type Operation } from './operation.ts';
import type { Parts } from './parts.ts';

/** The longest day there is, and what a viewer may ask NATS for with one question: as many hours. */
const LONGEST_HOURS = 25;
const LONGEST_US = LONGEST_HOURS * 3_600_000_000;

const motionAnswer = z
  .object({
    camera: cameraId,
    fromUs: timeUs.describe('When the first slot begins: at or up to ten seconds before what was asked for.'),
    slotMs: z.literal(SLOT_MS).describe('How long a slot is.'),
    levels: z
      .array(z.int().min(0).max(MOST_LEVEL))
      .max(LONGEST_US / SLOT_US + 1)
      .describe(
        'The most that moved in each slot: 0 nothing, 1 less than 0.2 % of the picture, each further level twice as much.',
      ),
  })
  .meta({ id: 'Motion' });
type MotionAnswer = z.infer<typeof motionAnswer>;

/** What moved in front of a camera, whether or not an event came of it. */
export function motionOperations({ nats, clock }: Parts): Operation[] {
  return [
    operation({
      ...nothingAsked,
      id: 'getMotion',
      method: 'GET',
      path: '/api/cameras/{camera}/motion',
      needs: 'viewer',
      summary:
        'How much moved in front of a camera, in slots of ten seconds, kept for 31 days. Slots to come are left out.',
      params: z.object({ camera: cameraId }),
      query: z.object({
        fromUs: timeUs.describe('The first time.'),
        toUs: timeUs.describe(`The time after the last; ${LONGEST_HOURS} hours later at most.`),
      }),
      answer: { status: 200, description: 'What moved.', json: motionAnswer },
      run: async ({ asked, params: { camera }, query }) => {
        if (query.toUs <= query.fromUs) throw new InputError(400, 'The time toUs must come after fromUs.');
        if (query.toUs - query.fromUs > LONGEST_US)
          throw new InputError(400, `Ask for ${LONGEST_HOURS} hours at most: for more, ask several times.`);
        const fromUs = Math.floor(query.fromUs / SLOT_US) * SLOT_US;
        const toUs = Math.min(query.toUs, clock.nowUs());
        const hours = await Promise.all(
          hoursWithin(fromUs, toUs).map((startUs) => activityOf(nats, camera, startUs)),
        );
        const levels = levelsBetween(hours.flat(), fromUs, toUs);
        return jsonAnswer(asked, { camera, fromUs, slotMs: SLOT_MS, levels } satisfies MotionAnswer);
      },
    }),
  ];
}

/** One hour, or none where nothing moved in it or it is kept no more. */
async function activityOf(nats: NatsLink, camera: string, startUs: number): Promise<ActivityHour[]> {
  const entry = await nats.asking(({ jsm }) =>
    orAbsent(jsm.streams.getMessage(ACTIVITY_STREAM, { last_by_subj: activitySubject(camera, startUs) })),
  );
  if (entry === undefined || entry.data.length === 0) return [];
  try {
    return [parseMessage(activityHour, entry.data, `What moved in front of camera ${camera}`)];
  } catch (error) {
    // Of another version: as if nothing were known of that hour.
    if (error instanceof MalformedInputError) return [];
    throw error;
  }
}
