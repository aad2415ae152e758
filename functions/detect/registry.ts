import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { FaascamError, UsageError } from '@faascam/core/errors';
import {
  entryOf,
  fileOf,
  labelsOf,
  readCatalogue,
  type Catalogue,
  type CatalogueEntry,
} from './catalogue.ts';
import {
  differenceFrom,
  isMissing,
  measure,
  pinnedDigest,
  pinPath,
  type Expected,
  type Measured,
} from './digest.ts';
import { download, type DownloadProgress } from './download.ts';

/** A model's file that is there and is what it should be. */
export interface ResolvedModel {
  name: string;
  path: string;
  sha256: string;
  /** Knows only the demo's scene; to be called a demo model wherever it shows. */
  demo: boolean;
  /** By class number; absent where nobody said (a file of the user's own), for which COCO is the usual guess. */
  labels?: readonly string[];
}

export interface ModelListing {
  name: string;
  title: string;
  licence: string;
  sizeBytes: number;
  labels: readonly string[];
  demo: boolean;
  /** Comes with faascam. */
  bundled: boolean;
  /** Its file is there and is what it should be. */
  present: boolean;
  path: string;
}

/** All models that have a name, and whether each is there. */
export async function listModels(modelDirectory: string): Promise<ModelListing[]> {
  const catalogue = await readCatalogue();
  return Promise.all(
    catalogue.entries.map(async (entry) => {
      const path = fileOf(catalogue, entry, modelDirectory);
      const { name, title, licence, sizeBytes, demo } = entry;
      const found = await measure(path);
      const present =
        found !== undefined && differenceFrom(await expectationOf(entry, path), found) === undefined;
      const bundled = entry.address === null;
      return { name, title, licence, sizeBytes, labels: labelsOf(entry), demo, bundled, present, path };
    }),
  );
}

/**
 * The model of a name in `models.json` or of a file's path; where both exist, the file wins. Labels of a file of the
 * user's own are the lines of a text file beside it: `yard.labels.txt` for `yard.onnx`.
 * Throws `UsageError` (`model-unknown`, `model-missing`) or `FaascamError` (`model-not-pulled`, `model-damaged`), each with what to do.
 */
export async function resolveModel(nameOrPath: string, modelDirectory: string): Promise<ResolvedModel> {
  const catalogue = await readCatalogue();
  const file = await measure(nameOrPath);
  if (file !== undefined) return await ownFile(catalogue, resolve(nameOrPath), file);
  if (/[\\/]|\.onnx$/i.test(nameOrPath)) {
    throw new UsageError('model-missing', `There is no model file ${nameOrPath}: check its path.`);
  }
  const entry = entryOf(catalogue, nameOrPath);
  const path = fileOf(catalogue, entry, modelDirectory);
  const found = await measure(path);
  if (found === undefined) throw notThere(entry, path);
  const difference = differenceFrom(await expectationOf(entry, path), found);
  if (difference !== undefined) {
    const remedy = entry.address === null ? 'install faascam again' : `run: faascam model pull ${entry.name}`;
    throw new FaascamError('model-damaged', `The model file ${path} is damaged (${difference}): ${remedy}`);
  }
  return resolved(entry, path, found.sha256);
}

export interface PullOptions {
  signal?: AbortSignal;
  onProgress?: (progress: DownloadProgress) => void;
  /** Downloads from here instead of the address in `models.json`, for mirrors and tests. */
  address?: string;
  /** Gives up when no byte comes for this long. */
  stallTimeoutMs?: number;
}

/**
 * Downloads a model that has a name, unless it is there already. A transfer that broke off goes on where it ended, also
 * in a later call. A file of the wrong size or digest is removed and never takes the model's name.
 * Throws `UsageError` `model-unknown`, `FaascamError` (codes of `download`), or the signal's reason.
 */
export async function pullModel(
  name: string,
  modelDirectory: string,
  options: PullOptions = {},
): Promise<ResolvedModel> {
  const catalogue = await readCatalogue();
  const entry = entryOf(catalogue, name);
  const path = fileOf(catalogue, entry, modelDirectory);
  const found = await measure(path);
  const expected = await expectationOf(entry, path);
  if (found !== undefined && differenceFrom(expected, found) === undefined) {
    return resolved(entry, path, found.sha256);
  }
  if (entry.address === null) throw notThere(entry, path);
  const { sha256 } = await download({
    what: `the model ${name}`,
    address: options.address ?? entry.address,
    path,
    expected,
    ...(entry.sha256 === undefined ? { pinPath: pinPath(path) } : {}),
    ...(options.signal ? { signal: options.signal } : {}),
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
    ...(options.stallTimeoutMs === undefined ? {} : { stallTimeoutMs: options.stallTimeoutMs }),
  });
  return resolved(entry, path, sha256);
}

/** What the file must be: as the catalogue says, and where that knows only a part of the digest, as it was at first. */
async function expectationOf(entry: CatalogueEntry, path: string): Promise<Expected> {
  const { sizeBytes, sha256, sha256Prefix } = entry;
  return { sizeBytes, sha256: sha256 ?? (await pinnedDigest(path)), sha256Prefix };
}

/** A file that the user named. If it is one of ours under another name, it is still what it is: the demo stays a demo. */
async function ownFile(catalogue: Catalogue, path: string, file: Measured): Promise<ResolvedModel> {
  const known = catalogue.entries.find((entry) => differenceFrom(entry, file) === undefined);
  if (known !== undefined) return resolved(known, path, file.sha256);
  const labels = await labelsBeside(path);
  return {
    name: basename(path).replace(/\.onnx$/i, ''),
    path,
    sha256: file.sha256,
    demo: false,
    ...(labels ? { labels } : {}),
  };
}

async function labelsBeside(path: string): Promise<string[] | undefined> {
  const file = `${path.replace(/\.onnx$/i, '')}.labels.txt`;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const labels = text.split(/\r?\n/).map((line) => line.trim());
  while (labels.at(-1) === '') labels.pop();
  if (labels.length === 0 || labels.includes('')) {
    throw new UsageError(
      'model-labels',
      `${file} must hold one label a line, in the order of the model's classes.`,
    );
  }
  return labels;
}

function resolved(entry: CatalogueEntry, path: string, sha256: string): ResolvedModel {
  return { name: entry.name, path, sha256, demo: entry.demo, labels: labelsOf(entry) };
}

function notThere(entry: CatalogueEntry, path: string): FaascamError {
  return entry.address === null
    ? new FaascamError('model-damaged', `The bundled model ${path} is missing: install faascam again.`)
    : new FaascamError(
        'model-not-pulled',
        `The model ${entry.name} is not downloaded yet: run: faascam model pull ${entry.name}`,
      );
}
