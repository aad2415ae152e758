import { readFile } from 'node:fs/promises';
import { readAgents } from '@faascam/core/agent-health';
import { FaascamError, messageOf, systemCodeOf, UsageError } from '@faascam/core/errors';
import { agentHealth, parseMessage, type AgentHealth } from '@faascam/core/messages';
import { connectNats } from '@faascam/core/messaging';
import type { NatsAccess } from '@faascam/core/nats-access';
import type { ChainHead } from './chain-check.ts';

/** The newest links of an agent's cameras, out of its health. An older agent does not tell. */
export function headsOf({ publicKey, cameras }: AgentHealth): ChainHead[] {
  if (publicKey === undefined) return [];
  return Object.entries(cameras).flatMap(([camera, { chain }]) =>
    chain === undefined ? [] : [{ camera, publicKey, ...chain }],
  );
}

/** Out of a file with an agent's health, as the bucket `agents` holds it. Throws `UsageError`. */
export async function headsFromFile(path: string): Promise<ChainHead[]> {
  try {
    return headsOf(parseMessage(agentHealth, await readFile(path), path));
  } catch (cause) {
    const why = systemCodeOf(cause) ?? messageOf(cause);
    throw new UsageError('usage', `--head ${path} holds no agent's health (${why}).`, { cause });
  }
}

/** Of all agents that tell their health there. Throws `FaascamError`. */
export async function headsFromNats(nats: NatsAccess): Promise<ChainHead[]> {
  const messaging = await connectNats(nats, 'faascam verify');
  try {
    return (await readAgents(messaging)).flatMap(headsOf);
  } catch (cause) {
    throw new FaascamError(
      'health-unreadable',
      `The agents' health cannot be read (${messageOf(cause)}): check --nats, or leave --live out.`,
      { cause },
    );
  } finally {
    await messaging.nc.close();
  }
}
