import { keepEvent, letGoEvent } from '@faascam/core/event-keeping';
import { removeEvent } from '@faascam/core/event-removal';
import { eventId } from '@faascam/core/ids';
import { z } from 'zod';
import { jsonAnswer, NotFoundError } from '../answer.ts';
import { InputError } from './input.ts';
import { nothingAsked, operation, type Operation } from './operation.ts';
import type { Parts } from './parts.ts';

const ofEvent = z.object({ id: eventId });
const keptAnswer = z.object({ id: eventId, kept: z.boolean() }).meta({ id: 'Kept' });
const removedAnswer = z
  .object({ id: eventId, freedBytes: z.number().int().nonnegative() })
  .meta({ id: 'Removed' });

/** What changes an event in the store: that it stays, and that it goes. */
export function keepingOperations({ store, noteStored, clock }: Parts): Operation[] {
  const path = '/api/events/{id}/keep';
  return [
    operation({
      ...nothingAsked,
      id: 'keepEvent',
      method: 'POST',
      path,
      needs: 'operator',
      summary: 'Protects an event from retention, and from removal without force.',
      params: ofEvent,
      answer: { status: 200, description: 'It is kept.', json: keptAnswer, more: { 409: 'It was removed.' } },
      run: async ({ asked, identity, params: { id } }) => {
        await keepEvent(store, id, { atUs: clock.nowUs(), by: identity.name });
        noteStored(id, false);
        return jsonAnswer(asked, { id, kept: true });
      },
    }),
    operation({
      ...nothingAsked,
      id: 'letGoEvent',
      method: 'DELETE',
      path,
      needs: 'operator',
      summary: 'Ends the protection of an event; that there was none is no error.',
      params: ofEvent,
      answer: { status: 200, description: 'It is not kept.', json: keptAnswer },
      run: async ({ asked, params: { id } }) => {
        await letGoEvent(store, id);
        noteStored(id, false);
        return jsonAnswer(asked, { id, kept: false });
      },
    }),
    operation({
      ...nothingAsked,
      id: 'removeEvent',
      method: 'DELETE',
      path: '/api/events/{id}',
      needs: 'operator',
      summary:
        'Removes an event with all that is stored of it; a trace stays, so that it shows that it was taken away.',
      params: ofEvent,
      query: z.object({ force: z.boolean().default(false).describe('Also one that is kept.') }),
      answer: {
        status: 200,
        description: 'It is gone.',
        json: removedAnswer,
        more: { 409: 'It is kept, and `force` was not given.' },
      },
      run: async ({ asked, identity, params: { id }, query: { force } }) => {
        const removal = { atUs: clock.nowUs(), reason: 'by-hand', by: identity.name, force } as const;
        const { outcome, sizeBytes } = await removeEvent(store, id, removal);
        noteStored(id, outcome === 'removed');
        if (outcome === 'kept')
          throw new InputError(409, `The event ${id} is kept: let it go first, or give force=true.`);
        if (outcome === 'absent') throw new NotFoundError(`There is no event ${id} in the store.`);
        return jsonAnswer(asked, { id, freedBytes: sizeBytes });
      },
    }),
  ];
}
