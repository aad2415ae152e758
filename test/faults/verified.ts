import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { checkout } from './checkout.ts';
import type { Site } from './site.ts';

const MOST_LINES = 12;

/**
 * What `faascam verify` finds wrong with the site's store, of which it knows the agent's key and asks the agent for its
 * newest events; empty if nothing is.
 */
export async function verified({ config, natsUrl, options }: Site): Promise<string[]> {
  const key = join(options.scratch, 'agent/evidence/agent-key.pub');
  const args = ['verify', '--config', config, '--key', key, '--live', '--nats', natsUrl];
  const { code, output } = await faascam(args);
  if (code === 0) return [];
  const lines = output.trim().split('\n');
  return [`faascam verify does not pass, in ${lines.length} lines:`, ...lines.slice(0, MOST_LINES)];
}

function faascam(args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const program = [join(checkout, 'bin/faascam.js'), ...args];
    const child = execFile(process.execPath, program, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? 1, output: `${stdout}\n${stderr}` }),
    );
  });
}
