import type { Clock } from '@faascam/core/clock';
import { UsageError } from '@faascam/core/errors';
import { loginSettings, type LoginSettings } from '@faascam/core/login-settings';
import type { Logger } from '@faascam/core/log';
import { readSecret, settingsFromEnv } from '@faascam/core/settings';
import { AuditLog } from './audit.ts';
import { SessionRegistry, type AskNats } from './session-registry.ts';
import { usersFileIn } from './users-place.ts';
import { UsersSource } from './users-source.ts';

/** Whom the page lets in while it has no users: nobody, whoever asks by a name of this host alone, or everybody. */
export type OpenTo = 'nobody' | 'loopback' | 'anybody';

/** What deciding about a call needs. */
export interface Gate {
  settings: LoginSettings;
  openTo: OpenTo;
  /** What the proxy that logs people in proves itself by, where there is one. */
  proxySecret: string | undefined;
  users: UsersSource;
  registry: SessionRegistry;
  audit: AuditLog;
  clock: Clock;
}

const SECRET = '/var/openfaas/secrets/viewer-users';
const MIN_SECRET = 16;

/**
 * What the environment says: FAASCAM_LOGIN (YAML), FAASCAM_VIEWER_OPEN, and FAASCAM_DATA where users may lie. Throws
 * `UsageError` that names the variable or file.
 */
export function gateFromEnv(
  { nats, clock, log }: { nats: AskNats; clock: Clock; log: Logger },
  env = process.env,
): Gate {
  const settings = settingsFromEnv(loginSettings, 'FAASCAM_LOGIN', env);
  const { usersFile, proxy } = settings;
  const places = {
    required: usersFile === '' ? undefined : usersFile,
    usual: [SECRET, usersFileIn(env['FAASCAM_DATA'] ?? 'faascam-data')],
  };
  const proxySecret = proxy === undefined ? undefined : readSecret(proxy.secretFile, 'page.login.proxy');
  if (proxySecret !== undefined && proxySecret.length < MIN_SECRET) {
    throw new UsageError(
      'bad-setting',
      `The secret of page.login.proxy has fewer than ${MIN_SECRET} characters: make one with "openssl rand -hex 32".`,
    );
  }
  return {
    settings,
    openTo: openToOf(env['FAASCAM_VIEWER_OPEN'] ?? ''),
    proxySecret,
    users: new UsersSource({ places, clock, log }),
    registry: new SessionRegistry({ nats, clock, log }),
    audit: new AuditLog({ nats, clock, log }),
    clock,
  };
}

function openToOf(text: string): OpenTo {
  if (['', '0', 'false'].includes(text)) return 'nobody';
  if (['1', 'true'].includes(text)) return 'anybody';
  if (text === 'loopback') return text;
  throw new UsageError(
    'bad-setting',
    'Environment variable FAASCAM_VIEWER_OPEN must be 1 (without users, everybody may do everything), loopback or empty.',
  );
}
