import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const manifest = z.looseObject({ name: z.string(), version: z.string(), license: z.string().optional() });

/**
 * The licences of the packages whose files are in a bundle, as one text: a bundle is a copy of them. `inputs` are
 * paths relative to `root`, as in esbuild's metafile.
 */
export async function licencesOf(root: string, inputs: readonly string[]): Promise<string> {
  const folders = [...new Set(inputs.flatMap((path) => packageFolderOf(path) ?? []))].sort();
  const texts = await Promise.all(folders.map((folder) => licenceOf(join(root, folder))));
  return [...new Set(texts)].join(`\n${'-'.repeat(80)}\n\n`);
}

/** `node_modules/a/node_modules/@b/c` of a file in it; undefined for files of our own. */
export function packageFolderOf(path: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

async function licenceOf(folder: string): Promise<string> {
  const { name, version, license } = manifest.parse(
    JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')),
  );
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return [`${name} ${version} (${license ?? 'see below'})`, ...texts.map((text) => text.trim())].join('\n\n');
}
