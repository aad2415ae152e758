import { copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { FaascamError, systemCodeOf } from '@faascam/core/errors';
import { bundleHandler, bundleHost } from './bundle.ts';
import type { BundledFunction } from './functions.ts';
import { licencesOf } from './licences.ts';
import { installFiles, json, parseLock } from './lock.ts';

const manifest = z.object({ version: z.string(), license: z.string() });
const models = z.object({ models: z.array(z.object({ file: z.string(), address: z.string().nullable() })) });

/**
 * Writes a function's bundle into `directory`, which is emptied first: `handler.js`, `package.json` and
 * `package-lock.json` with the packages that have native code, `licences.txt`, and the files that it reads. The same
 * sources and packages give the same bytes, wherever they lie. `moreModels` are files that go beside the model that
 * comes with faascam.
 */
export async function writeFunction(
  root: string,
  { name, native, files }: BundledFunction,
  directory: string,
  moreModels: readonly string[] = [],
): Promise<void> {
  const { code, inputs, external } = await bundleHandler(root, `functions/${name}/handler.ts`, native);
  const strange = external.filter((each) => !native.includes(each));
  const unused = native.filter((each) => !external.includes(each));
  if (strange.length > 0 || unused.length > 0) {
    throw new FaascamError(
      'native-packages',
      `The function ${name} asks for ${external.join(', ') || 'no package'} at run time, but bundling/functions.ts names ${native.join(', ') || 'none'}.`,
    );
  }
  const { version, license } = manifest.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
  const about = { name: `faascam-${name}`, version, license };
  const { dependencies, lock } = installFiles(
    parseLock(await readFile(join(root, 'package-lock.json'), 'utf8')),
    native,
  );
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'handler.js'), code);
  // The official template runs the tests of what it builds.
  const scripts = { test: 'node --check handler.js' };
  const own = { ...about, private: true, main: 'handler.js', scripts, dependencies };
  await writeFile(join(directory, 'package.json'), json(own));
  await writeFile(join(directory, 'package-lock.json'), lock(about));
  await writeFile(join(directory, 'licences.txt'), await licencesOf(root, inputs));
  if (files === 'page') await copyPage(join(root, 'functions', name), directory);
  if (files === 'models') await copyModels(join(root, 'models'), join(directory, 'models'), moreModels);
}

/** Writes the function host's program into `directory`, which is emptied first. */
export async function writeHost(root: string, directory: string): Promise<void> {
  const { code, inputs } = await bundleHost(root, 'template/faascam-node/index.ts');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'index.mjs'), code);
  await writeFile(join(directory, 'licences.txt'), await licencesOf(root, inputs));
}

/** The built page, where the viewer looks for it from a folder that is not `dist`. */
async function copyPage(from: string, to: string): Promise<void> {
  const built = join('dist', 'web');
  await cp(join(from, built), join(to, built), { recursive: true }).catch((cause: unknown) => {
    if (systemCodeOf(cause) !== 'ENOENT') throw cause;
    throw new FaascamError('page-missing', `There is no ${join(from, built)}: npm run build`, { cause });
  });
}

async function copyModels(from: string, to: string, more: readonly string[]): Promise<void> {
  await mkdir(to);
  await copyFile(join(from, 'models.json'), join(to, 'models.json'));
  const listed = models.parse(JSON.parse(await readFile(join(from, 'models.json'), 'utf8'))).models;
  const bundled = listed.filter(({ address }) => address === null).map(({ file }) => join(from, file));
  for (const path of [...bundled, ...more]) await copyModel(path, to);
}

/** A model, and what lies beside it: its labels, and its digest where the download kept it. */
async function copyModel(path: string, to: string): Promise<void> {
  const beside = [`${path}.sha256`, path.replace(/\.onnx$/, '.labels.txt')];
  for (const file of [path, ...beside]) {
    const name = file.slice(file.lastIndexOf('/') + 1);
    await copyFile(file, join(to, name)).catch((cause: unknown) => {
      if (systemCodeOf(cause) === 'ENOENT' && file !== path) return;
      throw new FaascamError(
        'model-missing',
        `The model ${path} cannot be copied into the bundle: check its path.`,
        { cause },
      );
    });
  }
}
