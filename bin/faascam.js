#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

// Arguments may hold a camera's password; the title takes their place in `ps`.
process.title = `faascam ${process.argv[2] ?? ''}`.trim();

// The agent runs for months on small hosts: no more memory for young objects than it needs (6 MB less in all), and only
// what is really hot is compiled again, which takes more than it gives back where little work comes a second.
if (process.argv[2] === 'agent') {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--interrupt-budget=1000000');
}

const program = new URL('../local/dist/cli.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  console.error('faascam is not built yet: run "npm ci" (or script/bootstrap) in its folder first.');
  process.exitCode = 1;
}
