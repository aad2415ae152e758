#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

// Arguments may hold a camera's password; the title takes their place in `ps`.
process.title = `faascam ${process.argv[2] ?? ''}`.trim();

// The agent runs for months on small hosts: no more memory for young objects than it needs. On Node 20, only what is
// really hot is compiled once more, which takes more than it gives back where little is done each second; later versions
// know no such setting.
if (process.argv[2] === 'agent') {
  setFlagsFromString('--semi-space-growth-factor=1');
  if (process.versions.node.startsWith('20.')) setFlagsFromString('--interrupt-budget=1000000');
}

const program = new URL('../local/dist/cli.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  console.error('faascam is not built yet: run "npm ci" (or script/bootstrap) in its folder first.');
  process.exitCode = 1;
}
