import { setFlagsFromString } from 'node:v8';
import { agentFlags } from '@faascam/local/agent-flags';

/** What runs on a camera's host: of all commands, those that need no functions. */

// Arguments may hold a camera's password; the title takes their place in `ps`.
process.title = `faascam ${process.argv[2] ?? ''}`.trim();
// Before anything else is loaded.
if (process.argv[2] === 'agent') for (const flag of agentFlags) setFlagsFromString(flag);

const { Command } = await import('commander');
const { software } = await import('@faascam/core/version');
const { addAgentCommands } = await import('@faascam/local/agent-cli');
const { runProgram } = await import('@faascam/local/run-program');

const faascam = new Command('faascam')
  .description("faascam on a camera's host.")
  .version(software.replace(/^.*\//, ''))
  .showHelpAfterError('(faascam --help shows what there is)')
  .exitOverride();
addAgentCommands(faascam);
await runProgram(faascam);
