import type { Command } from 'commander';

/** Gives a command the options that say which faascam on this machine is meant. */
export function withSiteOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'faascam.yml')
    .option('-d, --data <dir>', 'data folder (default: faascam-data)');
}
