import { UsageError } from '@faascam/core/errors';

export interface HostSettings {
  /** The handler's module, relative to the working directory. */
  handlerPath: string;
  host: string;
  port: number;
  maxBodyBytes: number;
  /** How long to go on serving after SIGTERM: the watchdog in front passes calls on for that long. */
  drainServeMs: number;
  /** After this the process ends with exit code 1, whatever is in flight. */
  drainTimeoutMs: number;
}

/** The host's settings from the environment. Throws `UsageError` that names the variable. */
export function hostSettings(env: Record<string, string | undefined>): HostSettings {
  return {
    handlerPath: nonEmpty(env['FAASCAM_HANDLER']) ?? './function/handler.js',
    // The watchdog and the local gateway both call from the same host.
    host: nonEmpty(env['HOST']) ?? '127.0.0.1',
    port: integer(env, nonEmpty(env['http_port']) === undefined ? 'PORT' : 'http_port', 3000, 65_535),
    // NATS's default max_payload is 1 MB; pages and uploads of the viewer need no more than this either.
    maxBodyBytes: integer(env, 'MAX_BODY_BYTES', 8 * 1024 * 1024, 1024 ** 3),
    drainServeMs: integer(env, 'DRAIN_SERVE_MS', 0, 600_000),
    // Kubernetes kills after 30 s unless told otherwise.
    drainTimeoutMs: integer(env, 'DRAIN_TIMEOUT_MS', 28_000, 3_600_000),
  };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function integer(
  env: Record<string, string | undefined>,
  name: string,
  otherwise: number,
  most: number,
): number {
  const text = nonEmpty(env[name]);
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= most) return value;
  throw new UsageError(
    'bad-setting',
    `Environment variable ${name} must be a whole number from 0 to ${most}.`,
  );
}
