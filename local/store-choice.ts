import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '@faascam/core/config';
import { systemCodeOf, UsageError } from '@faascam/core/errors';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { storeSettings, type StoreSettings } from '@faascam/core/store-settings';
import { configOf, type CommandLine } from './quick-config.ts';

/** What a command is told of the store to work on: the config's, unless `store` names another. */
export interface StoreChoice extends CommandLine {
  /** A folder, or `s3://bucket`. */
  store?: string | undefined;
  endpoint?: string | undefined;
  region?: string | undefined;
  accessKeyFile?: string | undefined;
  secretKeyFile?: string | undefined;
}

/**
 * Gives a command the options of `StoreChoice`; its action hands them to `openChosenStore`. Every command that works on
 * a clip store takes them.
 */
export function withStoreOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'faascam.yml, for its store')
    .option('-d, --data <dir>', 'data folder (default: faascam-data)')
    .option('-s, --store <folder|s3://bucket>', "another store than the config's")
    .option('--endpoint <url>', "the bucket's server (default: the config's)")
    .option('--region <name>', "the bucket's region (default: the config's)")
    .option('--access-key-file <file>', "file with the access key (default: the config's)")
    .option('--secret-key-file <file>', "file with the secret key (default: the config's)");
}

/**
 * The settings of the chosen store. `s3://bucket` takes what the command line leaves out from the config's bucket, if
 * it has one. Throws `UsageError`.
 */
export function chosenStore(choice: StoreChoice): StoreSettings {
  return storeOf(choice, configOf({ ...choice, source: undefined }));
}

/**
 * Opens the store that the command line chooses; its owner closes it. To look into a store makes none: a folder that
 * is not there is a `UsageError`.
 */
export async function openChosenStore(choice: StoreChoice): Promise<ObjectStore> {
  const config = configOf({ ...choice, source: undefined });
  const settings = storeOf(choice, config);
  if (settings.kind === 'directory') {
    const folder = settings.path === '' ? join(config.data, 'clips') : settings.path;
    await requireFolder(folder, choice);
    return await openStore({ ...settings, path: folder }, config.data);
  }
  return await openStore({ ...settings, createBucket: false }, config.data);
}

function storeOf(choice: StoreChoice, config: Config): StoreSettings {
  const { store, endpoint, region, accessKeyFile, secretKeyFile } = choice;
  const given = { endpoint, region, accessKeyFile, secretKeyFile };
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  const bucket = store === undefined ? undefined : /^s3:\/\/([^/]*)\/?$/i.exec(store)?.[1];
  const configured = config.store;
  if (bucket === undefined && (store !== undefined || configured.kind !== 's3')) {
    if (named.length > 0) {
      throw new UsageError('usage', 'Options of a bucket need one: give --store s3://<bucket>.');
    }
    if (store === undefined) return configured;
    if (/^[a-z0-9]{2,}:\/\//i.test(store)) {
      throw new UsageError('usage', `--store ${store} is neither a folder nor s3://<bucket>.`);
    }
    return { kind: 'directory', path: resolve(store) };
  }
  const base = configured.kind === 's3' ? configured : {};
  const parsed = storeSettings.safeParse({
    kind: 's3',
    ...base,
    ...(bucket === undefined ? {} : { bucket }),
    ...Object.fromEntries(named),
  });
  if (parsed.success && parsed.data.kind === 's3') return parsed.data;
  const [first] = parsed.error?.issues ?? [];
  const key = String(first?.path.at(-1) ?? 'store');
  const flag =
    key === 'endpoint' ? '--endpoint' : key === 'bucket' ? 'the bucket of --store' : `store.${key}`;
  throw new UsageError(
    'usage',
    `To reach s3://${bucket ?? ''}, ${flag} is needed and must be right: ${first?.message ?? 'invalid'}.`,
    { cause: parsed.error },
  );
}

async function requireFolder(folder: string, { store }: StoreChoice): Promise<void> {
  try {
    if ((await stat(folder)).isDirectory()) return;
  } catch (cause) {
    if (systemCodeOf(cause) !== 'ENOENT') {
      throw new UsageError(
        'usage',
        `The clip store ${folder} cannot be looked into: check its path and rights.`,
        {
          cause,
        },
      );
    }
    const advice =
      store === undefined
        ? 'nothing was stored yet, or --config, --data or --store must say where it is'
        : 'check --store';
    throw new UsageError('usage', `There is no clip store ${folder}: ${advice}.`, { cause });
  }
  throw new UsageError('usage', `${folder} is no folder: give --store <folder|s3://bucket>.`);
}
