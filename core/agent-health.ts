import { Kvm } from '@nats-io/kv';
import { agentHealth, parseMessage, type AgentHealth } from './messages.ts';
import type { Messaging } from './messaging.ts';
import { buckets } from './subjects.ts';

/**
 * What every agent said of itself last. Throws `MalformedInputError` for what is no health, and what NATS says, also when
 * no agent has said anything yet.
 */
export async function readAgents({ nc }: Pick<Messaging, 'nc'>): Promise<AgentHealth[]> {
  const bucket = await new Kvm(nc).open(buckets.agents);
  const agents: string[] = [];
  for await (const agent of await bucket.keys()) agents.push(agent);
  const all: AgentHealth[] = [];
  for (const agent of agents) {
    const entry = await bucket.get(agent);
    if (entry?.operation === 'PUT')
      all.push(parseMessage(agentHealth, entry.value, `the health of agent ${agent}`));
  }
  return all;
}
