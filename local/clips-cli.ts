import type { Command } from 'commander';
import type { ClipsGetCommand } from './commands/clips-get.ts';
import type { ClipsKeepCommand } from './commands/clips-keep.ts';
import type { ClipsListCommand } from './commands/clips-list.ts';
import type { ClipsRmCommand } from './commands/clips-rm.ts';
import type { ClipsSweepCommand } from './commands/clips-sweep.ts';
import type { EventsCommand } from './commands/events.ts';
import { withSelectionOptions } from './event-selection.ts';
import { withStoreOptions } from './store-choice.ts';

/** `faascam events` and `faascam clips ...`: what works on stored events. `stoppable` gives the signal of Ctrl-C. */
export function addEventCommands(faascam: Command, stoppable: () => AbortSignal): void {
  withStoreOptions(
    withSelectionOptions(
      faascam
        .command('events')
        .description('events: those stored, those going on, and new ones as they come'),
    ),
  )
    .option('-f, --follow', 'print events as they begin and end, until Ctrl-C')
    .option('-j, --json', 'one event a line as JSON, instead of a table')
    .option(
      '-n, --nats <url>',
      'nats://user:password@host:4222 (default: the config’s, or that of "faascam up")',
    )
    .action(async (options: EventsCommand) =>
      (await import('./commands/events.ts')).events(options, stoppable()),
    );

  const clips = faascam.command('clips').description('stored clips');
  withStoreOptions(withSelectionOptions(clips.command('list').description('the stored events, newest first')))
    .option('-j, --json', 'one event.json a line, instead of a table')
    .action(async (options: ClipsListCommand) =>
      (await import('./commands/clips-list.ts')).clipsList(options, stoppable()),
    );
  withStoreOptions(
    withSelectionOptions(
      clips.command('get').description('fetch clips as files, by id or by filter').argument('[event-id...]'),
    ),
  )
    .option('-o, --output <folder>', 'where to write them (default: here)')
    .option(
      '--what <kinds>',
      'clip, h264, preview, strip, snapshot, receipt: one or several with commas between, or all (default: clip)',
    )
    .option('--with-receipt', 'fetch each event.json too, as <event-id>.json')
    .action(async (ids: string[], options: ClipsGetCommand) =>
      (await import('./commands/clips-get.ts')).clipsGet(ids, options, stoppable()),
    );
  withStoreOptions(
    clips.command('keep').description('protect events from being removed').argument('<event-id...>'),
  )
    .option('--undo', 'protect them no more')
    .action(async (ids: string[], options: ClipsKeepCommand) =>
      (await import('./commands/clips-keep.ts')).clipsKeep(ids, options),
    );
  withStoreOptions(
    withSelectionOptions(
      clips
        .command('rm')
        .description('remove events; without --yes it only tells what would go')
        .argument('[event-id...]'),
    ),
  )
    .option('-y, --yes', 'do it')
    .option('--force', 'also events that are kept')
    .action(async (ids: string[], options: ClipsRmCommand) =>
      (await import('./commands/clips-rm.ts')).clipsRm(ids, options, stoppable()),
    );
  withStoreOptions(
    clips
      .command('sweep')
      .description(
        'remove what the retention settings allow no more; without --yes it only tells what would go',
      ),
  )
    .option('-y, --yes', 'do it')
    .option('--dry-run', 'only tell (default)')
    .option('--prune-tombstones', 'remove the traces of removed events too')
    .action(async (options: ClipsSweepCommand) =>
      (await import('./commands/clips-sweep.ts')).clipsSweep(options, stoppable()),
    );
}
