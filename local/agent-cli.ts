import { InvalidArgumentError, type Command } from 'commander';
import type { CheckCommand } from './commands/check.ts';
import type { DiscoverCommand } from './commands/discover.ts';
import type { CommandLine } from './quick-config.ts';
import { stoppable } from './run-program.ts';

/** Loaded when asked for. */
const commands = {
  agent: () => import('./commands/agent.ts'),
  check: () => import('./commands/check.ts'),
  discover: () => import('./commands/discover.ts'),
};

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value <= 60))
    throw new InvalidArgumentError('not 0 to 60 seconds.');
  return value;
}

/** What a camera's host needs: the agent, and what helps to set it up. */
export function addAgentCommands(faascam: Command): void {
  faascam
    .command('agent')
    .description('run the edge agent alone, for a NATS server elsewhere')
    .argument('[source]', 'camera, as for "up"')
    .option('-c, --config <file>', 'faascam.yml instead of a source')
    .option('-d, --data <dir>', 'data folder (default: faascam-data)')
    .option('-n, --nats <url>', 'nats://user:password@host:4222')
    .action(async (source: string | undefined, options: CommandLine) => {
      await (await commands.agent()).agent({ ...options, source }, stoppable(options.config));
    });

  faascam
    .command('check')
    .description('check a config file and its cameras: what they send, and what to change')
    .argument('[file]', 'config file', 'faascam.yml')
    .option('--camera <id>', 'look at this camera only')
    .option('--offline', 'check the file alone: every mistake with its line')
    .option('-j, --json <file|->', 'write what was found as JSON; - is stdout')
    .action(async (file: string, options: CheckCommand) =>
      (await commands.check()).check(file, options, stoppable()),
    );

  faascam
    .command('discover')
    .description('find cameras: in the local network (ONVIF), on this host, at a go2rtc')
    .option('--go2rtc <host...>', 'list the streams of a go2rtc: [user:password@]host[:1984]')
    .option('-t, --timeout <seconds>', 'how long cameras are waited for (default: 4)', seconds)
    .option('-j, --json <file|->', 'write what was found as JSON; - is stdout')
    .option('-w, --write [file]', 'add what is new to a config file (default: faascam.yml)')
    .action(async (options: DiscoverCommand) => (await commands.discover()).discover(options, stoppable()));
}
