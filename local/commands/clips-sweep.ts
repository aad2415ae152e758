import { systemClock } from '@faascam/core/clock';
import { UsageError } from '@faascam/core/errors';
import { pruneTraces, sweep, type Swept } from '@faascam/core/retention-sweep';
import { sizeText } from '../event-table.ts';
import { configOf } from '../quick-config.ts';
import { openChosenStore, type StoreChoice } from '../store-choice.ts';
import { print, tell } from '../terminal.ts';

export interface ClipsSweepCommand extends StoreChoice {
  /** Do it; otherwise it is only told what would go. */
  yes?: boolean | undefined;
  dryRun?: boolean | undefined;
  /** Remove the traces of removed events too. */
  pruneTombstones?: boolean | undefined;
}

const reasons: Record<Swept['reason'], string> = {
  expired: 'too old',
  size: 'the store is too large',
  'cut-off': 'its removal was cut off',
};

/** `faascam clips sweep`: removes what the retention settings do not allow any more, or tells what that would be. */
export async function clipsSweep(command: ClipsSweepCommand, signal: AbortSignal): Promise<void> {
  if (command.yes === true && command.dryRun === true) {
    throw new UsageError('usage', 'Give either --yes or --dry-run, not both.');
  }
  const dryRun = command.yes !== true;
  const settings = configOf({ ...command, source: undefined }).retention;
  const store = await openChosenStore(command);
  try {
    const report = await sweep(store, settings, {
      ...{ nowUs: systemClock.nowUs(), dryRun, full: true, signal },
      onEvent: ({ id, reason, sizeBytes }) => print([id, reasons[reason], sizeText(sizeBytes)].join('  ')),
    });
    const traces = command.pruneTombstones === true ? await pruneTraces(store, { dryRun, signal }) : 0;
    const what = [
      `${report.events} events, ${sizeText(report.sizeBytes)}`,
      ...(traces > 0 ? [`the traces of ${traces} removed events`] : []),
      ...(report.kept > 0 ? [`${report.kept} stay as they are kept`] : []),
    ].join('; ');
    tell(dryRun ? `Nothing was removed. It would be ${what}: --yes does it.` : `Removed: ${what}.`);
    if (report.overBytes > 0) {
      tell(
        `The store is ${sizeText(report.overBytes)} over its size, and all events that are left are kept.`,
      );
    }
  } finally {
    await store.close();
  }
}
