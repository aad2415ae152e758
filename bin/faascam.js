#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

// Arguments may hold a camera's password; the title takes their place in `ps`.
process.title = `faascam ${process.argv[2] ?? ''}`.trim();

const program = new URL('../local/dist/cli.js', import.meta.url);
if (existsSync(program)) {
  if (process.argv[2] === 'agent') {
    // Before anything else is loaded.
    const { agentFlags } = await import('../local/dist/agent-flags.js');
    for (const flag of agentFlags) setFlagsFromString(flag);
  }
  await import(program.href);
} else {
  console.error('faascam is not built yet: run "npm ci" (or script/bootstrap) in its folder first.');
  process.exitCode = 1;
}
