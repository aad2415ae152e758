import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ProgramError, systemCodeOf } from './errors.ts';

const run = promisify(execFile);

/** Programs of the system that faascam needs, how each tells its version, and the oldest that works. */
const programs = {
  ffmpeg: { args: ['-version'], pattern: /ffmpeg version n?(\d+)\.(\d+)(?:\.(\d+))?/, oldest: [5, 1, 0] },
  ffprobe: { args: ['-version'], pattern: /ffprobe version n?(\d+)\.(\d+)(?:\.(\d+))?/, oldest: [5, 1, 0] },
  'nats-server': {
    args: ['--version'],
    pattern: /nats-server:? v(\d+)\.(\d+)\.(\d+)/,
    oldest: [2, 9, 10],
  },
} as const;

const packageOf = { ffmpeg: 'ffmpeg', ffprobe: 'ffmpeg', 'nats-server': 'nats-server' } as const;

export type ProgramName = keyof typeof programs;

/**
 * The version of a program found in PATH. A build whose version cannot be read (a git snapshot) is taken as it is.
 * Throws `ProgramError` `program-missing` or `program-too-old`, each saying what to install.
 */
export async function requireProgram(name: ProgramName): Promise<string> {
  const { args, pattern, oldest } = programs[name];
  const install = `install it with: sudo apt-get install ${packageOf[name]}`;
  let output: string;
  try {
    output = (await run(name, [...args])).stdout;
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') {
      throw new ProgramError('program-missing', `${name} is not installed; ${install}`, { cause });
    }
    throw new ProgramError('program-missing', `${name} does not run; ${install}`, { cause });
  }
  const [, ...version] = pattern.exec(output)?.map((part) => Number(part) || 0) ?? [];
  if (version.length === 0) return 'unknown';
  for (const [index, least] of oldest.entries()) {
    const have = version[index] ?? 0;
    if (have > least) break;
    if (have < least) {
      throw new ProgramError(
        'program-too-old',
        `${name} ${version.join('.')} is too old: ${oldest.join('.')} or newer is needed.`,
      );
    }
  }
  return version.join('.');
}
