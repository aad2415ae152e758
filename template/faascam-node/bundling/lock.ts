import { z } from 'zod';
import { FaascamError } from '@faascam/core/errors';

const names = z.record(z.string(), z.string()).optional();

/** A package's entry in a lock file of npm, as far as it is looked at. */
const lockEntry = z.looseObject({
  version: z.string().optional(),
  dependencies: names,
  optionalDependencies: names,
});
type LockEntry = z.infer<typeof lockEntry>;

const lockFile = z.looseObject({
  lockfileVersion: z.literal(3),
  packages: z.record(z.string(), lockEntry),
});
export type LockFile = z.infer<typeof lockFile>;

/** Parses `package-lock.json`. Throws `FaascamError` `lock-malformed`. */
export function parseLock(text: string): LockFile {
  const parsed = lockFile.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  throw new FaascamError(
    'lock-malformed',
    `package-lock.json is not as npm writes it (${first?.path.join('.') ?? ''}: ${first?.message ?? ''}).`,
    { cause: parsed.error },
  );
}

export interface InstallFiles {
  dependencies: Record<string, string>;
  /** The text of a lock file with these and what they need, for every platform, at the versions of the whole. */
  lock: (manifest: { name: string; version: string; license: string }) => string;
}

/** What `npm ci` is to be given so that it installs `wanted` and what they need, as locked. */
export function installFiles(whole: LockFile, wanted: readonly string[]): InstallFiles {
  const packages = closure(whole, wanted);
  const dependencies = Object.fromEntries(
    [...wanted].sort().map((name) => [name, packages.get(`node_modules/${name}`)?.version ?? '']),
  );
  return {
    dependencies,
    lock: (manifest) =>
      json({
        name: manifest.name,
        version: manifest.version,
        lockfileVersion: 3,
        requires: true,
        packages: {
          '': { ...manifest, dependencies },
          ...Object.fromEntries([...packages].sort(([a], [b]) => (a < b ? -1 : 1))),
        },
      }),
  };
}

/** Entries by their place, such as `node_modules/sharp`: `wanted`, and all that they name. */
export function closure({ packages }: LockFile, wanted: readonly string[]): Map<string, LockEntry> {
  const found = new Map<string, LockEntry>();
  const look = (from: string, name: string, optional: boolean): void => {
    const place = placeOf(packages, from, name);
    const entry = place === undefined ? undefined : packages[place];
    if (place === undefined || entry === undefined) {
      if (optional) return;
      throw new FaascamError(
        'not-locked',
        `${name} is not in package-lock.json, but ${from || 'a function'} needs it: run npm install.`,
      );
    }
    if (found.has(place)) return;
    found.set(place, entry);
    for (const each of Object.keys(entry.dependencies ?? {})) look(place, each, false);
    for (const each of Object.keys(entry.optionalDependencies ?? {})) look(place, each, true);
  };
  for (const name of wanted) look('', name, false);
  return found;
}

/** Where Node finds `name` from the package at `from`: in its own node_modules, or in one above. */
function placeOf(packages: LockFile['packages'], from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const place = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (place in packages) return place;
    if (folder === '') return undefined;
  }
}

export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
