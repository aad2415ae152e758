import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of real footage and models that lies beside some checkouts; it is no part of the project. */
const folder = new URL('../../../../shared/data', import.meta.url).pathname;
const root = existsSync(folder) ? folder : new URL('../../../shared/data', import.meta.url).pathname;

/**
 * The path of a piece of test material, or undefined after printing that it is missing. Under CI=true a missing
 * file is an error, so that no green run hides a case that did not run.
 */
export function sharedData(name: string): string | undefined {
  const path = join(root, name);
  if (existsSync(path)) return path;
  const sentence = `test material is missing: ${name}`;
  if (process.env['CI'] === 'true') throw new Error(sentence);
  process.stderr.write(`Skipped, ${sentence}\n`);
  return undefined;
}
