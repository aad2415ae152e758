import type { AgentHealth } from '@faascam/core/messages';

/** How many cameras a status line names; health tells of all. */
const MOST_NAMED = 3;

/** An agent's health in one line, for who asks the service manager: what streams, what does not and why, and its NATS. */
export function statusLine({ cameras, uplink }: Pick<AgentHealth, 'cameras' | 'uplink'>): string {
  const all = Object.entries(cameras);
  const troubled = all.filter(([, { state, cause }]) => state !== 'streaming' || cause !== undefined);
  const streaming = all.filter(([, { state }]) => state === 'streaming').length;
  const named = troubled
    .slice(0, MOST_NAMED)
    .map(([id, { state, cause }]) => `${id}: ${withoutStop(cause ?? state)}`);
  const more = troubled.length - named.length;
  return [
    `${streaming} of ${all.length} cameras stream`,
    ...(uplink?.state === 'reconnecting' ? [withoutStop(uplink.cause ?? 'NATS is away')] : []),
    ...named,
    ...(more > 0 ? [`and ${more} more`] : []),
  ]
    .join('; ')
    .replaceAll('\n', ' ');
}

function withoutStop(sentence: string): string {
  return sentence.replace(/[.\s]+$/, '');
}
