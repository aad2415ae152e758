import process from 'node:process';
import { messageOf, UsageError } from '@faascam/core/errors';
import { createLogger } from '@faascam/core/log';
import { redact } from '@faascam/core/redact';
import { contractSettings } from './settings.ts';
import { runContract } from './suite.ts';

/**
 * `script/test contract`: see docs/contract-suite.md. Exit code 0 if every check passed, 1 if one failed, 2 for settings
 * that cannot be right.
 */
const over = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => over.abort(new Error(`the suite was ended by ${name}`)));
}
process.env['FAASCAM_LOG'] ??= 'warn';

try {
  const settings = contractSettings(process.env);
  const report = await runContract({
    settings,
    print: (line) => void process.stdout.write(`${line}\n`),
    log: createLogger('contract'),
    signal: over.signal,
  });
  process.stdout.write(`${report.summary}\n`);
  process.exitCode = report.failed > 0 || over.signal.aborted ? 1 : 0;
} catch (error) {
  process.stderr.write(`Error: ${redact(messageOf(error))}\n`);
  process.stdout.write('0 passed, 1 failed, 0 skipped\n');
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
