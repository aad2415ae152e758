#!/usr/bin/env node
import { existsSync } from 'node:fs';

const program = new URL('../local/dist/cli.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  console.error('faascam is not built yet: run "npm ci" (or script/bootstrap) in its folder first.');
  process.exitCode = 1;
}
