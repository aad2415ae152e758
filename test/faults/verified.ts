import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { checkout } from './checkout.ts';

/** What `faascam verify` finds wrong with the store that a config file names; empty if nothing is. */
export async function verified(config: string): Promise<string[]> {
  const { code, output } = await faascam(['verify', '--config', config]);
  return code === 0 ? [] : ['faascam verify does not pass:', ...output.trim().split('\n')];
}

function faascam(args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const program = [join(checkout, 'bin/faascam.js'), ...args];
    const child = execFile(process.execPath, program, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? 1, output: `${stdout}\n${stderr}` }),
    );
  });
}
