import { agentUser } from '@faascam/core/nats-users';
import { nkeys } from '@nats-io/transport-node';
import { z } from 'zod';
import { cameraId } from '@faascam/core/ids';
import { UsageError } from '@faascam/core/errors';
import { rightsOf, type Agents, type Rights } from './nats-rights.ts';

const streamName = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

/** What is known of a site's users: no secret, so that seeds can be taken away once they are where they belong. */
export const natsSite = z.strictObject({
  v: z.literal(1),
  agents: z.record(cameraId, z.array(cameraId).min(1).readonly()),
  /** Public keys by user. */
  keys: z.record(z.string(), z.string().regex(/^U[A-Z2-7]{55}$/)),
  /** Streams that are not faascam's, of functions of one's own. */
  streams: z.array(streamName).default([]),
});
export type NatsSite = z.infer<typeof natsSite>;

export interface NatsChange {
  /** Agents to add, or whose cameras change. */
  agents: Agents;
  /** Agents that are no more. */
  remove: readonly string[];
  /** Users that get a new key. */
  rotate: readonly string[];
  /** Further streams that the connector reads. */
  streams: readonly string[];
}

export interface ChangedSite {
  site: NatsSite;
  /** Seeds by user, of those that have a new key. */
  seeds: Map<string, string>;
  /** Users that are no more. */
  gone: string[];
}

/**
 * The site after a change. Users that are there keep their keys. Throws `UsageError` for an agent or a user that is not
 * there.
 */
export function changedSite(site: NatsSite | undefined, change: NatsChange): ChangedSite {
  const before = site?.agents ?? {};
  for (const id of change.remove) {
    if (before[id] === undefined) throw new UsageError('usage', `--remove ${id}: there is no such agent.`);
  }
  const kept = Object.entries(before).filter(([id]) => !change.remove.includes(id));
  const agents: Agents = { ...Object.fromEntries(kept), ...change.agents };
  for (const stream of change.streams) {
    if (!streamName.safeParse(stream).success)
      throw new UsageError(
        'usage',
        `--stream ${stream}: this is no name of a stream (A-Z, a-z, 0-9, _ and -).`,
      );
  }
  const streams = [...new Set([...(site?.streams ?? []), ...change.streams])];
  const users = Object.keys(rightsOf(agents));
  for (const user of change.rotate) {
    if (!users.includes(user))
      throw new UsageError(
        'usage',
        `--rotate ${user}: there is no such user; there are ${users.join(', ')}.`,
      );
  }
  const seeds = new Map<string, string>();
  const keys: Record<string, string> = {};
  for (const user of users) {
    const known = change.rotate.includes(user) ? undefined : site?.keys[user];
    if (known === undefined) {
      const pair = nkeys.createUser();
      seeds.set(user, new TextDecoder().decode(pair.getSeed()));
      keys[user] = pair.getPublicKey();
    } else keys[user] = known;
  }
  const gone = Object.keys(site?.keys ?? {}).filter((user) => !users.includes(user));
  return { site: { v: 1, agents, keys, streams }, seeds, gone };
}

/** An agent and its cameras as the command line has them: `yard:gate,door`. Throws `UsageError`. */
export function parseAgents(given: readonly string[]): Agents {
  const agents = new Map<string, string[]>();
  for (const text of given) {
    const [id = '', list = '', ...more] = text.split(':');
    const cameras = list.split(',').filter((camera) => camera !== '');
    const wrong = [id, ...cameras].find((each) => !cameraId.safeParse(each).success);
    if (more.length > 0 || cameras.length === 0 || wrong !== undefined) {
      throw new UsageError(
        'usage',
        `--agent ${text}: write the agent's id and its cameras, like --agent pi-yard:yard,door (a-z, 0-9, _ and -).`,
      );
    }
    agents.set(id, [...new Set([...(agents.get(id) ?? []), ...cameras])]);
  }
  return Object.fromEntries(agents);
}

/** The users as nats-server's configuration has them, to be included. It holds public keys only. */
export function authConfig({ agents, keys, streams }: NatsSite): string {
  const users = Object.entries(rightsOf(agents, streams)).map(([name, rights]) => {
    const lines = [`    # ${name}`, `    { nkey: ${keys[name] ?? ''}`, '      permissions: {'];
    lines.push(...permissions('publish', rights.publish), ...permissions('subscribe', rights.subscribe));
    return [...lines, '      } }'].join('\n');
  });
  return [
    '# Users of faascam and what each may do: made by "faascam nats-auth", which writes it anew.',
    '# In the configuration of nats-server: include "auth.conf"',
    'authorization {',
    '  users: [',
    users.join('\n'),
    '  ]',
    '}',
    '',
  ].join('\n');
}

function permissions(what: string, { allow, deny }: Rights['publish']): string[] {
  const list = (subjects: string[]): string[] =>
    [...new Set(subjects)].map((each) => `            "${each}"`);
  const lines = [`        ${what}: {`, '          allow: [', ...list(allow), '          ]'];
  if (deny !== undefined && deny.length > 0) lines.push('          deny: [', ...list(deny), '          ]');
  return [...lines, '        }'];
}

/** The secret of OpenFaaS or Kubernetes, and the file, that holds a user's seed. */
export function secretName(user: string): string {
  return `nats-${user}`;
}

/** The agents' users, for telling where their seeds belong. */
export function agentUsers({ agents }: NatsSite): string[] {
  return Object.keys(agents).map(agentUser);
}
