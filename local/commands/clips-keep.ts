import { userInfo } from 'node:os';
import { systemClock } from '@faascam/core/clock';
import { FaascamError } from '@faascam/core/errors';
import { keepEvent, letGoEvent } from '@faascam/core/event-keeping';
import { requireEventId } from '../event-selection.ts';
import { openChosenStore, type StoreChoice } from '../store-choice.ts';
import { print, tell } from '../terminal.ts';

export interface ClipsKeepCommand extends StoreChoice {
  undo?: boolean | undefined;
}

/** `faascam clips keep`: protects events from retention and from `rm`, or ends that. */
export async function clipsKeep(ids: string[], command: ClipsKeepCommand): Promise<void> {
  for (const id of ids) requireEventId(id);
  const store = await openChosenStore(command);
  try {
    let failed = 0;
    for (const id of new Set(ids)) {
      try {
        if (command.undo === true) {
          const outcome = await letGoEvent(store, id);
          print(`${id}  ${outcome === 'let-go' ? 'is not kept any more' : 'was not kept'}`);
        } else {
          const outcome = await keepEvent(store, id, { atUs: systemClock.nowUs(), by: userName() });
          print(`${id}  ${outcome === 'kept' ? 'is kept' : 'was kept already'}`);
        }
      } catch (error) {
        if (!(error instanceof FaascamError) || !['no-event', 'event-removed'].includes(error.code))
          throw error;
        tell(error.message);
        failed += 1;
      }
    }
    if (failed > 0) throw new FaascamError('no-event', `${failed} events are not kept, see above.`);
  } finally {
    await store.close();
  }
}

/** Who runs the command; undefined for a user without a name, as in some containers. */
export function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
