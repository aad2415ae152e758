import { EVENT_COLUMNS, eventRow } from '../event-table.ts';
import { selectEvents, selectionOf, type SelectionOptions } from '../event-selection.ts';
import { openChosenStore, type StoreChoice } from '../store-choice.ts';
import { tableOf } from '../table.ts';
import { canPrint, print, tell } from '../terminal.ts';

export interface ClipsListCommand extends StoreChoice, SelectionOptions {
  /** A receipt a line, instead of a table. */
  json?: boolean | undefined;
}

/** `faascam clips list`: the stored events, newest first. */
export async function clipsList(command: ClipsListCommand, signal: AbortSignal): Promise<void> {
  const selection = selectionOf(command);
  const store = await openChosenStore(command);
  try {
    const table = tableOf(print);
    let count = 0;
    for await (const event of selectEvents(store, selection, tell)) {
      signal.throwIfAborted();
      if (!canPrint()) return;
      if (command.json === true) {
        print(JSON.stringify(event.kept ? { ...event.receipt, kept: true } : event.receipt));
      } else {
        if (count === 0) table.add(EVENT_COLUMNS);
        table.add(eventRow(event));
      }
      count += 1;
    }
    table.end();
    if (count === 0) tell(`No such event in ${store.description}.`);
  } finally {
    await store.close();
  }
}
