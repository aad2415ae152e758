import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UsageError } from '@faascam/core/errors';
import { readSecret } from '@faascam/core/settings';
import type { BasicAuth } from './function-list.ts';

/** An empty variable is one that was not set: deployments pass `${NAME:-}`. */
const unlessEmpty = (value: unknown): unknown => (value === '' ? undefined : value);
const milliseconds = (least: number, most: number, usual: number) =>
  z.preprocess(unlessEmpty, z.coerce.number().int().min(least).max(most).default(usual));

/** Settings of the connector's process, named as OpenFaaS's own connectors name theirs where they have them. */
export const connectorSettings = z.object({
  gateway_url: z
    .preprocess(unlessEmpty, z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:8080'))
    .describe("The gateway's address."),
  gateway_ca_file: z
    .string()
    .default('')
    .describe("Certificates (PEM) of your own authority, where the gateway's https is signed by one."),
  basic_auth: z
    .preprocess(unlessEmpty, z.stringbool().default(false))
    .describe('`true` when the gateway asks for a login to list its functions.'),
  secret_mount_path: z
    .preprocess(unlessEmpty, z.string().default('/var/openfaas/secrets'))
    .describe('Folder with the files basic-auth-user and basic-auth-password.'),
  FAASCAM_FRESHNESS: z
    .preprocess(unlessEmpty, z.enum(['newest', 'ordered']).default('newest'))
    .describe('`ordered` for replays: no frame is dropped.'),
  REPLICA_NAME: z
    .preprocess(
      unlessEmpty,
      z
        .string()
        .regex(/^[A-Za-z0-9._-]{1,200}$/, 'may have letters, digits and . _ - only')
        .optional(),
    )
    .describe(
      "A name that is this replica's alone and stays over restarts, such as a StatefulSet's pod name: after a crash it takes up its own work at once instead of after five seconds.",
    ),
  REFRESH_MS: milliseconds(200, 600_000, 5000).describe('How often the gateway is asked for its functions.'),
  MAX_CONCURRENT: z
    .preprocess(unlessEmpty, z.coerce.number().int().min(1).max(1000).default(32))
    .describe('Calls of one function at the same time; no more than its `max_inflight` times its replicas.'),
  DRAIN_MS: milliseconds(0, 600_000, 15_000).describe('How long calls in flight may take after SIGTERM.'),
  METRICS_PORT: z
    .preprocess(unlessEmpty, z.coerce.number().int().min(0).max(65_535).default(0))
    .describe('Port of /metrics, /healthz and /readyz; 0 for none.'),
  METRICS_HOST: z
    .preprocess(unlessEmpty, z.string().default('127.0.0.1'))
    .describe('Address that the port is opened on: `0.0.0.0` in a cluster, where others ask.'),
});
export type ConnectorSettings = z.infer<typeof connectorSettings>;

/** Throws `UsageError` that names the variable. */
export function connectorSettingsFrom(env: NodeJS.ProcessEnv): ConnectorSettings {
  const parsed = connectorSettings.safeParse(env);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(
    'bad-setting',
    `Environment variable ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`,
    { cause: parsed.error },
  );
}

/** The gateway's login, read anew each time: secrets are replaced while we run. Throws `UsageError`. */
export function basicAuthIn(folder: string): BasicAuth {
  return {
    user: readSecret(join(folder, 'basic-auth-user'), "gateway's login"),
    password: readSecret(join(folder, 'basic-auth-password'), "gateway's login"),
  };
}

/** Throws `UsageError` for a file that cannot be read. */
export function certificatesIn(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(
      'secret-missing',
      `The file ${path} (gateway_ca_file) cannot be read: mount the certificate there.`,
      { cause },
    );
  }
}
