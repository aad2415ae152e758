import type { AgentHealth } from '@faascam/core/messages';

/** Agents report every few seconds; one that has not for this long is not there. */
const HEALTH_STALE_US = 15_000_000;

/**
 * Which cameras can be seen now. Pure: `nowUs` is the time to judge age by. A camera that two agents report (it was moved)
 * is as the newer report has it; one whose agent says nothing more cannot be seen, whatever it said last.
 */
export function onlineCameras(healths: readonly AgentHealth[], nowUs: number): Map<string, boolean> {
  const online = new Map<string, boolean>();
  for (const { atUs, cameras } of [...healths].sort((a, b) => a.atUs - b.atUs)) {
    const fresh = nowUs - atUs <= HEALTH_STALE_US;
    for (const [camera, { state }] of Object.entries(cameras))
      online.set(camera, fresh && state === 'streaming');
  }
  return online;
}
