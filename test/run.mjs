// Runs vitest and ends with one plain line of counts, taken from the runner's own report.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-test-'));
const report = join(scratch, 'report.json');
const vitest = new URL('../node_modules/vitest/vitest.mjs', import.meta.url).pathname;
const child = spawn(
  process.execPath,
  [
    vitest,
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
);
child.on('exit', (code) => {
  let line = '0 passed, 1 failed';
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numFailedTestSuites } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    // A file that cannot even be loaded fails without a failed test in it.
    const failed = Math.max(numFailedTests, code === 0 ? 0 : Math.max(1, numFailedTestSuites > 0 ? 1 : 0));
    line = `${numPassedTests} passed, ${failed} failed, ${numPendingTests + numTodoTests} skipped`;
  } catch {
    // The runner wrote no report: the line says that it failed.
  }
  rmSync(scratch, { recursive: true, force: true });
  console.log(line);
  process.exitCode = code ?? 1;
});
