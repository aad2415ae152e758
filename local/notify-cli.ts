import type { Command } from 'commander';
import type { CommandLine } from './quick-config.ts';
import { withSiteOptions } from './site-options.ts';

/** `faascam notify ...`: who is told of events. */
export function addNotifyCommands(faascam: Command): void {
  const notify = faascam.command('notify').description('who is told of events (docs/notifications.md)');
  withSiteOptions(
    notify
      .command('test')
      .description('send a test notification, and tell what came back')
      .argument('[target]', 'a name in notify.targets of the config (default: each)'),
  )
    .option('-n, --nats <url>', 'nats://user:password@host:4222, where browsers are told')
    .action(async (target: string | undefined, options: CommandLine) =>
      (await import('./commands/notify-test.ts')).notifyTest(target, options),
    );
}
