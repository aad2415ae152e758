import { z } from 'zod';

const s3Settings = z.strictObject({
  kind: z.literal('s3').describe('Clips go to a bucket: MinIO, Ceph, AWS S3 and others.'),
  endpoint: z
    .url({ protocol: /^https?$/ })
    .describe('`https://host[:port]`; http only where the network is trusted.'),
  bucket: z.string().min(3).max(63).describe('Name of the bucket.'),
  region: z
    .string()
    .default('us-east-1')
    .describe("Region of the bucket; most servers of one's own take any."),
  pathStyle: z
    .boolean()
    .default(true)
    .describe('Whether the bucket stands in the path of addresses, instead of in the host name.'),
  accessKeyFile: z
    .string()
    .default('/var/openfaas/secrets/s3-access-key')
    .describe('File that holds the access key, so that it shows neither in `ps` nor in an environment dump.'),
  secretKeyFile: z
    .string()
    .default('/var/openfaas/secrets/s3-secret-key')
    .describe('File that holds the secret key.'),
  createBucket: z.boolean().default(false).describe('Make the bucket if it is not there.'),
});

export const storeSettings = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('directory').describe('Clips go to a folder.'),
    path: z.string().default('').describe('The folder. Empty: `clips` in the data folder.'),
  }),
  s3Settings,
]);
export type StoreSettings = z.infer<typeof storeSettings>;
