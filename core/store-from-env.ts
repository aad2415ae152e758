import { z } from 'zod';
import { UsageError } from './errors.ts';
import { settingsFromEnv } from './settings.ts';
import { storeSettings, type StoreSettings } from './store-settings.ts';

/** Variables of a bucket, named as those of an agent without a config file (docs/environment.md). */
const variables = {
  S3_ENDPOINT: 'endpoint',
  S3_BUCKET: 'bucket',
  S3_REGION: 'region',
  S3_PREFIX: 'prefix',
  S3_CA_FILE: 'caFile',
  S3_BROWSER_ENDPOINT: 'browserEndpoint',
  S3_ACCESS_KEY_FILE: 'accessKeyFile',
  S3_SECRET_KEY_FILE: 'secretKeyFile',
} as const;

/**
 * The clip store of a function: FAASCAM_STORE (YAML), else the bucket of S3_ENDPOINT and the variables beside it, else
 * a folder. Clip and viewer are told the same FAASCAM_STORE and have keys of their own: where it names no files of keys,
 * S3_ACCESS_KEY_FILE and S3_SECRET_KEY_FILE do. Throws `UsageError` that names the variable.
 */
export function storeSettingsFromEnv(env = process.env): StoreSettings {
  const given = (name: string): string => env[name] ?? '';
  if (given('FAASCAM_STORE') !== '' || given('S3_ENDPOINT') === '') {
    const keys = Object.entries({
      accessKeyFile: given('S3_ACCESS_KEY_FILE'),
      secretKeyFile: given('S3_SECRET_KEY_FILE'),
    }).filter(([, file]) => file !== '');
    const asked = z.preprocess(
      (given) => (isBucket(given) ? { ...Object.fromEntries(keys), ...given } : given),
      storeSettings,
    );
    return settingsFromEnv(asked.prefault({ kind: 'directory' }), 'FAASCAM_STORE', env);
  }
  const asked = Object.entries(variables).flatMap(([name, key]) =>
    given(name) === '' ? [] : [[key, given(name)] as const],
  );
  const parsed = storeSettings.safeParse({ kind: 's3', ...Object.fromEntries(asked) });
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  throw new UsageError(
    'bad-setting',
    `Environment variable ${nameOf(first)}: ${first?.message ?? 'is not valid'}`,
    { cause: parsed.error },
  );
}

function isBucket(given: unknown): given is object {
  return z.looseObject({ kind: z.literal('s3') }).safeParse(given).success;
}

function nameOf(issue: z.core.$ZodIssue | undefined): string {
  const key = issue?.path.join('.');
  return Object.entries(variables).find(([, each]) => each === key)?.[0] ?? 'S3_ENDPOINT';
}
