import { stat } from 'node:fs/promises';
import { isMissing } from '@faascam/core/durable-file';
import type { Config } from '@faascam/core/config';
import { usersFileIn } from '@faascam/viewer/auth/users-place';

/** Whether nobody but this host can reach an address that is listened on. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Where the page listens, and what to tell whoever wanted another address. Pure. */
export function listeningHost(
  { host, open, login }: Config['page'],
  hasUsers: boolean,
): { host: string; notice?: string } {
  if (isLoopback(host) || open || hasUsers || login.proxy !== undefined) return { host };
  return {
    host: '127.0.0.1',
    notice: `The page has no users, so it listens on this host alone and not on ${host}: make users with "faascam user add NAME --role admin", then start again (docs/login.md).`,
  };
}

/** Whether there is a file of users; what it holds is the viewer's to judge, which lets nobody in if it is not in order. */
export async function hasUsersFile({ page, data }: Pick<Config, 'page' | 'data'>): Promise<boolean> {
  try {
    await stat(page.login.usersFile === '' ? usersFileIn(data) : page.login.usersFile);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
