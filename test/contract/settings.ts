import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf, UsageError } from '@faascam/core/errors';
import { natsAccessFromEnv, type NatsAccess } from '@faascam/core/nats-access';
import { readSecret } from '@faascam/core/settings';
import { storeSettings, type StoreSettings } from '@faascam/core/store-settings';

export interface Login {
  user: string;
  password: string;
}

export interface ContractSettings {
  /** The gateway's address, without a slash at its end. */
  gateway: string;
  nats: NatsAccess;
  login: Login | undefined;
  /** Of the page, where it has users. */
  pageToken: string | undefined;
  /** Real footage instead of the drawn scene: a video, or a folder of JPEG files. */
  footage: string | undefined;
  /** The store of the clip function, as it is reached from here. */
  store: StoreSettings | undefined;
  /** Without any news for so long, what is waited for does not come. */
  patienceMs: number;
}

const filled = z.string().trim().min(1).optional();
const environment = z.object({
  FAASCAM_GATEWAY: z.url({ protocol: /^https?$/ }),
  FAASCAM_NATS: z.string().min(1),
  FAASCAM_GATEWAY_USER: filled,
  FAASCAM_GATEWAY_PASSWORD_FILE: filled,
  FAASCAM_PAGE_TOKEN_FILE: filled,
  FAASCAM_CONTRACT_FRAMES: filled,
  FAASCAM_STORE: filled,
  FAASCAM_CONTRACT_PATIENCE: z.coerce.number().int().min(5).max(3600).default(90),
});

/** Unset and empty are the same: a shell's `NAME= command` unsets. Throws `UsageError`. */
export function contractSettings(env: NodeJS.ProcessEnv): ContractSettings {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new UsageError(
      'bad-setting',
      `Environment variable ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}; docs/contract-suite.md tells all of them.`,
    );
  }
  const { data } = parsed;
  return {
    gateway: data.FAASCAM_GATEWAY.replace(/\/+$/, ''),
    nats: natsAccessFromEnv('admin', { ...env, NATS_URL: data.FAASCAM_NATS }),
    login: loginOf(data.FAASCAM_GATEWAY_USER, data.FAASCAM_GATEWAY_PASSWORD_FILE),
    pageToken:
      data.FAASCAM_PAGE_TOKEN_FILE === undefined
        ? undefined
        : readSecret(data.FAASCAM_PAGE_TOKEN_FILE, 'token of the page'),
    footage: data.FAASCAM_CONTRACT_FRAMES,
    store: data.FAASCAM_STORE === undefined ? undefined : storeOf(data.FAASCAM_STORE),
    patienceMs: data.FAASCAM_CONTRACT_PATIENCE * 1000,
  };
}

function loginOf(user: string | undefined, file: string | undefined): Login | undefined {
  if (file === undefined) return undefined;
  return { user: user ?? 'admin', password: readSecret(file, 'password of the gateway') };
}

/** YAML or JSON as the clip function has it, or the path of a file with it. */
function storeOf(text: string): StoreSettings {
  try {
    const value: unknown = parse(text);
    return storeSettings.parse(typeof value === 'string' ? parse(readFileSync(value, 'utf8')) : value);
  } catch (cause) {
    throw new UsageError('bad-setting', `Environment variable FAASCAM_STORE: ${messageOf(cause)}`, { cause });
  }
}
