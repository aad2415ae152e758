import { chmod, mkdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isMissing, replaceWhole } from '@faascam/core/durable-file';
import { messageOf, UsageError } from '@faascam/core/errors';
import { natsUsers } from '@faascam/core/nats-users';
import {
  agentUsers,
  authConfig,
  changedSite,
  natsSite,
  parseAgents,
  secretName,
  type NatsSite,
} from '../nats-auth.ts';
import { print } from '../terminal.ts';

export interface NatsAuthCommand {
  agent?: string[] | undefined;
  remove?: string[] | undefined;
  rotate?: string[] | undefined;
  stream?: string[] | undefined;
}

/**
 * `faascam nats-auth`: gives each part a user of its own on NATS with the rights that it needs. Into `folder` go
 * `auth.conf` for nats-server, `users.json` (what is known; no secret), and `secrets/` with a seed a user that is new.
 */
export async function natsAuth(folder: string, command: NatsAuthCommand): Promise<void> {
  const before = await siteIn(folder);
  const agents = parseAgents(command.agent ?? []);
  if (before === undefined && Object.keys(agents).length === 0) {
    throw new UsageError(
      'usage',
      'Give each agent with its cameras, as its faascam.yml names them: --agent pi-yard:yard,door.',
    );
  }
  const { remove = [], rotate = [], stream: streams = [] } = command;
  const change = { agents, remove, rotate, streams };
  const { site, seeds, gone } = changedSite(before, change);
  const secrets = join(folder, 'secrets');
  await mkdir(secrets, { recursive: true, mode: 0o700 });
  await chmod(secrets, 0o700);
  // Seeds first: a key that is known and has no seed could not be used by anyone.
  for (const [user, seed] of seeds) {
    await replaceWhole(join(secrets, secretName(user)), Buffer.from(`${seed}\n`), 0o600);
  }
  await replaceWhole(join(folder, 'users.json'), Buffer.from(`${JSON.stringify(site, null, 2)}\n`), 0o644);
  await replaceWhole(join(folder, 'auth.conf'), Buffer.from(authConfig(site)), 0o644);
  for (const user of gone) await rm(join(secrets, secretName(user)), { force: true });
  tellWhatToDo(resolve(folder), site, [...seeds.keys()], gone);
}

async function siteIn(folder: string): Promise<NatsSite | undefined> {
  const path = join(folder, 'users.json');
  try {
    return natsSite.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new UsageError(
      'usage',
      `The file ${path} cannot be read as what "faascam nats-auth" wrote (${messageOf(cause).split('\n')[0] ?? ''}): put it back, or begin in another folder with new keys for all.`,
      { cause },
    );
  }
}

function tellWhatToDo(
  folder: string,
  site: NatsSite,
  fresh: readonly string[],
  gone: readonly string[],
): void {
  print(`${join(folder, 'auth.conf')}: include it in nats-server's configuration, and reload the server.`);
  const agents = agentUsers(site);
  for (const user of fresh) {
    const path = join(folder, 'secrets', secretName(user));
    print(`${path}: ${placeOf(user, agents)}`);
  }
  if (fresh.length === 0) print('Every user keeps its key.');
  for (const user of gone) print(`${user} is let in no more once the server has reloaded.`);
}

function placeOf(user: string, agents: readonly string[]): string {
  if (agents.includes(user)) return `onto the host of ${user}, as nats.nkeyFile of its faascam.yml (0600).`;
  if (user === natsUsers.admin) return 'keep it away from all hosts; it may do everything.';
  if (user === natsUsers.reader) return 'for faascam events and verify --live: NATS_NKEY_FILE.';
  const name = secretName(user);
  if (user === natsUsers.connector) return `the connector's NATS_NKEY_FILE, or secret ${name}.`;
  return `faas-cli secret create ${name} --from-file ${name}; the function ${user} needs it.`;
}
