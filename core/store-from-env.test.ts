import { expect, it } from 'vitest';
import { UsageError } from './errors.ts';
import { storeSettingsFromEnv } from './store-from-env.ts';

it("a function's store is a folder unless something else is said", () => {
  expect(storeSettingsFromEnv({})).toMatchObject({ kind: 'directory' });
  expect(storeSettingsFromEnv({ FAASCAM_STORE: '', S3_ENDPOINT: '', S3_BUCKET: 'clips' })).toMatchObject({
    kind: 'directory',
  });
});

it('it is a bucket where S3_ENDPOINT names one, with its own keys if told', () => {
  const env = { S3_ENDPOINT: 'https://minio:9000', S3_BUCKET: 'clips', S3_PREFIX: '', S3_CA_FILE: '/ca' };
  expect(storeSettingsFromEnv(env)).toMatchObject({
    ...{ kind: 's3', endpoint: 'https://minio:9000', bucket: 'clips', prefix: '', caFile: '/ca' },
    ...{ accessKeyFile: '/var/openfaas/secrets/s3-access-key', region: 'us-east-1' },
  });
  expect(storeSettingsFromEnv({ ...env, S3_ACCESS_KEY_FILE: '/viewer' })).toMatchObject({
    accessKeyFile: '/viewer',
  });
});

it('FAASCAM_STORE says all and comes first', () => {
  const env = { FAASCAM_STORE: '{ kind: directory, path: /clips }', S3_ENDPOINT: 'https://minio:9000' };
  expect(storeSettingsFromEnv(env)).toMatchObject({ kind: 'directory', path: '/clips' });
});

it('FAASCAM_STORE without files of keys takes those that the function has', () => {
  const keys = { S3_ACCESS_KEY_FILE: '/own-access', S3_SECRET_KEY_FILE: '/own-secret' };
  const bucket = 'kind: s3, endpoint: https://minio:9000, bucket: clips';
  expect(storeSettingsFromEnv({ FAASCAM_STORE: `{ ${bucket} }`, ...keys })).toMatchObject({
    ...{ kind: 's3', accessKeyFile: '/own-access', secretKeyFile: '/own-secret' },
  });
  const named = `{ ${bucket}, accessKeyFile: /a, secretKeyFile: /b }`;
  expect(storeSettingsFromEnv({ FAASCAM_STORE: named, ...keys })).toMatchObject({
    ...{ accessKeyFile: '/a', secretKeyFile: '/b' },
  });
  expect(storeSettingsFromEnv({ FAASCAM_STORE: '{ kind: directory, path: /clips }', ...keys })).toMatchObject(
    { kind: 'directory', path: '/clips' },
  );
});

it('what is wrong is told by the name of its variable', () => {
  const read = (env: NodeJS.ProcessEnv) => () => storeSettingsFromEnv(env);
  expect(read({ S3_ENDPOINT: 'minio:9000', S3_BUCKET: 'clips' })).toThrow(/variable S3_ENDPOINT: /);
  expect(read({ S3_ENDPOINT: 'https://minio' })).toThrow(/variable S3_BUCKET: /);
  expect(read({ FAASCAM_STORE: 'kind: cupboard' })).toThrow(UsageError);
});
