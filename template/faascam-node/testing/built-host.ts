import { execFile } from 'node:child_process';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const compiler = fileURLToPath(new URL('../../../node_modules/typescript/bin/tsc', import.meta.url));

/**
 * The compiled entry `file` (such as `index.js`) of the workspace at `directory`, for a child process, which
 * needs plain JavaScript. Compiles the workspace first if a source is newer than what was compiled last.
 */
export async function builtEntry(directory: string, file: string): Promise<string> {
  const entry = join(directory, 'dist', file);
  if ((await newest(directory)) > (await modifiedMs(join(directory, 'dist', 'tsconfig.tsbuildinfo')))) {
    try {
      await promisify(execFile)(process.execPath, [compiler, '--build', directory]);
    } catch (error) {
      // Code with a type error is emitted all the same; finding type errors is the type check's job.
      if ((await modifiedMs(entry)) === 0) throw error;
    }
  }
  return entry;
}

export function builtHost(): Promise<string> {
  return builtEntry(fileURLToPath(new URL('..', import.meta.url)), 'index.js');
}

/** Writes `source` as an ES module to `path`, with the folders above it. */
export async function writeHandler(path: string, source: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(join(dirname(path), 'package.json'), '{ "type": "module" }');
  await writeFile(path, source);
  return path;
}

/** When the last of the workspace's sources was changed; tests are no part of what a child process runs. */
async function newest(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true });
  const sources = names.filter(
    (name) => /\.ts$/.test(name) && !/\.test\.ts$|(^|\/)(dist|node_modules)\//.test(name),
  );
  return Math.max(0, ...(await Promise.all(sources.map((name) => modifiedMs(join(directory, name))))));
}

async function modifiedMs(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
}
