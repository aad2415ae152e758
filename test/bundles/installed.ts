import { cp, mkdir, readFile } from 'node:fs/promises';
import { arch, platform } from 'node:process';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { bundledFunctions } from '@faascam/function-host/bundling/functions';
import { closure, parseLock } from '@faascam/function-host/bundling/lock';
import { writeFunction } from '@faascam/function-host/bundling/write';
import type { FunctionName } from './exercise.ts';

/**
 * Lays a function out in `directory` as its image has it: the program of the bundle `host` and, in `function`, the handler
 * with the packages of its own lock file and no others. They are copied out of `root`, where `npm ci` would load them.
 */
export async function installFunction(
  root: string,
  name: FunctionName,
  host: string,
  directory: string,
): Promise<void> {
  const described = bundledFunctions.find((each) => each.name === name);
  if (described === undefined) throw new Error(`there is no function ${name}`);
  const folder = join(directory, 'function');
  await cp(host, directory, { recursive: true });
  await writeFunction(root, described, folder);
  const locked = parseLock(await readFile(join(folder, 'package-lock.json'), 'utf8'));
  for (const place of closure(locked, described.native).keys()) {
    // Optional packages of other platforms are not here.
    if (!existsSync(join(root, place))) continue;
    await mkdir(join(folder, place), { recursive: true });
    await cp(join(root, place), join(folder, place), { recursive: true, filter: isOfThisPlatform });
  }
}

function isOfThisPlatform(path: string): boolean {
  const [, os, cpu] = /onnxruntime-node\/bin\/napi-v\d+\/([^/]+)(?:\/([^/]+))?/.exec(path) ?? [];
  return os === undefined || (os === platform && (cpu === undefined || cpu === arch));
}
