// Prints the licences of the packages that are in a bundle. Usage: node licences.mjs META.json, esbuild's metafile.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const { inputs } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
/** The package that a file is of. Within one there may be folders of the same name that hold no package. */
function folderOf(file) {
  const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
  if (folder === undefined || existsSync(join(folder, 'package.json'))) return folder;
  return folderOf(folder.slice(0, folder.lastIndexOf('node_modules')));
}

const folders = new Set(Object.keys(inputs).flatMap((file) => folderOf(file) ?? []));
for (const folder of [...folders].sort()) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
  console.log(`${'='.repeat(80)}\n${name} ${version} (${license})\n`);
  for (const file of files.sort()) console.log(readFileSync(join(folder, file), 'utf8'));
}
