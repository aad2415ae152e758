import type { Command } from 'commander';
import type { DeadLettersCommand } from './commands/deadletters.ts';
import { withSiteOptions } from './site-options.ts';

/** `faascam deadletters ...`: messages that no call could deliver. `stoppable` gives the signal of Ctrl-C. */
export function addDeadLetterCommands(faascam: Command, stoppable: () => AbortSignal): void {
  const load = () => import('./commands/deadletters.ts');
  const letters = faascam.command('deadletters').description('messages that no function would take');
  const withNats = (command: Command): Command =>
    withSiteOptions(command).option('-n, --nats <url>', 'nats://user:password@host:4222');
  withNats(letters.command('list').description('what there is, and why; the oldest first'))
    .option('-j, --json', 'one a line as JSON, instead of a table')
    .action(async (options: DeadLettersCommand) => (await load()).deadLettersList(options, stoppable()));
  withNats(
    letters
      .command('retry')
      .description('send them again to the functions of their subject')
      .argument('[number...]'),
  )
    .option('--all', 'all that there are')
    .action(async (numbers: string[], options: DeadLettersCommand) =>
      (await load()).deadLettersRetry(numbers, options, stoppable()),
    );
  withNats(letters.command('rm').description('remove them for good').argument('[number...]'))
    .option('--all', 'all that there are')
    .action(async (numbers: string[], options: DeadLettersCommand) =>
      (await load()).deadLettersRm(numbers, options, stoppable()),
    );
}
