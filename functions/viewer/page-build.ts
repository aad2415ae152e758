import { createHash } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { systemCodeOf } from '@faascam/core/errors';
import { build } from 'vite';
import { WORKER } from './page-files.ts';

/** Beside the built page: the digest of what it was built from. */
const STAMP = 'built-from.txt';

/**
 * Bundles the page into `dist/web` of the viewer's folder, with the licences of what is in it. What is there already
 * stays, if it was built from the same sources. Gives whether it built anything.
 */
export async function buildPage(viewer: string): Promise<boolean> {
  const root = join(viewer, 'page');
  const out = join(viewer, 'dist', 'web');
  const digest = await digestOf(viewer);
  if ((await readIfThere(join(out, STAMP))) === digest) return false;
  // Built beside it and moved: a viewer that starts meanwhile finds the whole page, old or new.
  const fresh = `${out}.${String(process.pid)}`;
  await build({
    root,
    configFile: false,
    // Relative addresses: the page does not know below which prefix it is served.
    base: './',
    logLevel: 'warn',
    // Nothing of the environment goes into the page.
    envPrefix: 'PAGE_BUILD_',
    envDir: false,
    publicDir: false,
    // Also under vitest, where development is the default: that would write this machine's paths into the page.
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact', development: false } },
    build: {
      outDir: fresh,
      emptyOutDir: true,
      target: 'es2022',
      // Nothing may run that is not in a file of ours, and pictures are files as well.
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      license: { fileName: 'licences.txt' },
    },
  });
  // In one file of its own, which needs no module: not all browsers take one for a service worker.
  await build({
    ...{ root, configFile: false, logLevel: 'warn', envPrefix: 'PAGE_BUILD_', envDir: false },
    publicDir: false,
    build: {
      ...{ outDir: fresh, emptyOutDir: false, target: 'es2022', modulePreload: false },
      rolldownOptions: {
        input: join(root, 'worker', 'push-worker.ts'),
        output: { format: 'iife', entryFileNames: WORKER },
      },
    },
  });
  await writeFile(join(fresh, STAMP), digest);
  await rm(out, { recursive: true, force: true });
  await rename(fresh, out);
  return true;
}

/** Of the page's sources, this file's, and the versions of what they need. */
async function digestOf(viewer: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(join(viewer, 'page'), { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of [
    join(viewer, 'page-build.ts'),
    join(viewer, '..', '..', 'package-lock.json'),
    ...files,
  ]) {
    hash
      .update(relative(viewer, file))
      .update('\0')
      .update(await readFile(file));
  }
  return hash.digest('hex');
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
    return undefined;
  }
}
