import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Tells the suite that it runs in the sandbox, and which of the two. */
const KIND = 'FAASCAM_FAULTS_SANDBOX';
const SCRATCH = 'FAASCAM_FAULTS_SCRATCH';

/** Everything that the suite writes: footage, streams, clips, logs. In memory, so that it goes with the sandbox. The limit is what NATS wants
 * to see free; a run takes some 300 MB. */
const SCRATCH_SIZE = '8g';

export interface Sandbox {
  scratch: string;
  /** Whether networks may be cut and disks made here. */
  namespaces: boolean;
}

/** The sandbox that this process runs in; undefined outside. */
export function sandbox(env = process.env): Sandbox | undefined {
  const scratch = env[SCRATCH];
  return scratch === undefined ? undefined : { scratch, namespaces: env[KIND] === 'namespaces' };
}

/**
 * Runs this program once more, in processes, mounts and a network of its own where the kernel allows it (as root, or with
 * user namespaces), and resolves with its exit code. Whatever becomes of this process, also kill -9, nothing that was
 * started inside outlives it.
 */
export async function runInSandbox(args: readonly string[]): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), 'faascam-faults-'));
  const unshare = namespacesAllowed();
  const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1, 2), ...args];
  // The shell is the first process of its own world: it takes in orphans, and its end is theirs.
  const inside = `mount -t tmpfs -o size=${SCRATCH_SIZE},mode=700 tmpfs "$${SCRATCH}" && ip link set lo up && "$@"; exit $?`;
  const command =
    unshare === undefined
      ? program
      : [...unshare, '--kill-child=KILL', '--mount-proc', 'bash', '-c', inside, 'faults', ...program];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
    stdio: 'inherit',
    detached: true,
    env: {
      ...process.env,
      [SCRATCH]: scratch,
      [KIND]: unshare === undefined ? 'none' : 'namespaces',
    },
  });
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted = true;
      child.kill('SIGKILL');
    });
  }
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve(interrupted ? 130 : (code ?? 1)));
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The command that makes namespaces here, or undefined after saying that there are none. */
function namespacesAllowed(): string[] | undefined {
  const kinds = ['--net', '--mount', '--pid', '--fork'];
  for (const unshare of [
    ['unshare', ...kinds],
    ['unshare', '--map-root-user', ...kinds],
  ]) {
    try {
      const [program = '', ...args] = unshare;
      execFileSync(program, [...args, 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' });
      return unshare;
    } catch {
      // Not allowed, or not there: the next way.
    }
  }
  process.stdout.write(
    'No namespaces can be made here (run as root): networks are cut by a TCP proxy in the middle, and full disks are left out.\n',
  );
  return undefined;
}
