import { z } from 'zod';

const s3Settings = z.strictObject({
  kind: z.literal('s3').describe('Clips go to a bucket: MinIO, Ceph, AWS S3 and others.'),
  endpoint: z
    .url({ protocol: /^https?$/ })
    .describe('`https://host[:port]`; http only where the network is trusted.'),
  bucket: z.string().min(3).max(63).describe('Name of the bucket.'),
  prefix: z
    .string()
    .max(200)
    .regex(/^([A-Za-z0-9_][A-Za-z0-9_.-]*\/)*$/, {
      error: 'must end with a slash, like cameras/, and be made of A-Z, a-z, 0-9, _, ., - and /',
    })
    .default('')
    .describe('What all keys begin with, like `cameras/`, so that a bucket can be shared.'),
  region: z
    .string()
    .default('us-east-1')
    .describe("Region of the bucket; most servers of one's own take any."),
  pathStyle: z
    .boolean()
    .default(true)
    .describe('Whether the bucket stands in the path of addresses, instead of in the host name.'),
  caFile: z
    .string()
    .optional()
    .describe(
      "Certificates (PEM) of your own authority, where the server's certificate is signed by one; the usual ones count as well.",
    ),
  accessKeyFile: z
    .string()
    .default('/var/openfaas/secrets/s3-access-key')
    .describe('File that holds the access key, so that it shows neither in `ps` nor in an environment dump.'),
  secretKeyFile: z
    .string()
    .default('/var/openfaas/secrets/s3-secret-key')
    .describe('File that holds the secret key.'),
  sessionTokenFile: z
    .string()
    .optional()
    .describe(
      'File that holds the session token of temporary keys. All three are read again when they change.',
    ),
  browserEndpoint: z
    .union([z.literal(''), z.url({ protocol: /^https?$/ })])
    .default('')
    .describe(
      'Where browsers reach the bucket, `https://host[:port]`: the page then sends them to it for clips, with addresses that are good for a quarter of an hour, instead of passing every byte on. Empty: clips go through the page, as most buckets are not to be reached from outside.',
    ),
  createBucket: z.boolean().default(false).describe('Make the bucket if it is not there.'),
  encryption: z
    .union([
      z.literal('AES256').describe('With keys of the server.'),
      z
        .strictObject({ kms: z.string().min(1).describe('Id of the key.') })
        .describe('With a key of its KMS.'),
    ])
    .optional()
    .describe('Encryption by the server. Unset: what the bucket is set to.'),
  storageClass: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/)
    .optional()
    .describe("Storage class of new objects, like `STANDARD_IA`. Unset: the bucket's own."),
  partMegabytes: z
    .number()
    .int()
    .min(5)
    .max(1024)
    .default(16)
    .describe(
      'A clip of more than four of these is sent in parts of this size: what breaks off costs one part.',
    ),
  retryMs: z
    .number()
    .int()
    .min(0)
    .max(90_000)
    .default(20_000)
    .describe(
      'A write that failed for a passing reason is repeated for this long; the clip function has two minutes for an event.',
    ),
  idleTimeoutMs: z
    .number()
    .int()
    .min(100)
    .default(30_000)
    .describe('A server that sends and takes nothing for so long is not there any more.'),
});

export const storeSettings = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('directory').describe('Clips go to a folder.'),
    path: z.string().default('').describe('The folder. Empty: `clips` in the data folder.'),
  }),
  s3Settings,
]);
export type StoreSettings = z.infer<typeof storeSettings>;
export type S3Settings = z.infer<typeof s3Settings>;
