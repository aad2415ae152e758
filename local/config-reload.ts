import type { Config } from '@faascam/core/config';
import type { Logger } from '@faascam/core/log';
import { configChanges } from './config-changes.ts';
import { watchConfig } from './config-watch.ts';
import { configOf, type CommandLine } from './quick-config.ts';

/**
 * Follows the config file of a command line, if it names one, until the signal is aborted: what the agent can take over
 * while it runs is handed to `take`, and the log says in one line what changed and what waits for the next start.
 */
export async function keepConfig(options: {
  line: CommandLine;
  /** As it was at the start. */
  config: Config;
  take: (config: Config) => Promise<void>;
  log: Logger;
  signal: AbortSignal;
}): Promise<void> {
  const { line, take, log, signal } = options;
  if (line.config === undefined) return;
  const path = line.config;
  let config = options.config;
  await watchConfig({
    path,
    read: () => configOf(line),
    onConfig: async (changed) => {
      const { agent, text } = configChanges(config, changed);
      config = changed;
      if (text === '') return;
      log.warn(`${path} has changed: ${text}.`);
      if (agent) await take(changed);
    },
    log,
    signal,
  });
}
