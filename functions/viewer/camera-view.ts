import type { AgentHealth, CameraHealth } from '@faascam/core/messages';
import type { CameraView } from './api/camera-schema.ts';

/** Agents report every few seconds; one that has not for this long is not there. */
export const HEALTH_STALE_MS = 10_000;

/**
 * The report of each camera, by its name: where two agents report it (it was moved), the newer one. An agent that is gone
 * leaves its last report behind. Pure.
 */
export function newestReports(healths: readonly AgentHealth[]): Map<string, AgentHealth> {
  const oldestFirst = [...healths].sort((a, b) => a.atUs - b.atUs);
  return new Map(
    oldestFirst.flatMap((health) => Object.keys(health.cameras).map((id) => [id, health] as const)),
  );
}

/** The cameras of all agents, by name, each as its newest report has it. Pure: `nowUs` is the time to judge age by. */
export function cameraViews(healths: AgentHealth[], nowUs: number): CameraView[] {
  const views = [...newestReports(healths)].flatMap(([id, health]): CameraView[] => {
    const camera = health.cameras[id];
    if (camera === undefined) return [];
    const ageMs = (nowUs - health.atUs) / 1000;
    const stale = ageMs > HEALTH_STALE_MS;
    return [
      {
        id,
        agent: health.agent,
        state: stale ? 'offline' : camera.state,
        cause: stale
          ? `Its agent ${health.agent} was last heard of ${ageText(ageMs)} ago; check that it runs and reaches NATS.`
          : camera.cause,
        lastFrameAgeMs:
          camera.lastFrameAtUs === undefined ? undefined : Math.max(0, (nowUs - camera.lastFrameAtUs) / 1000),
        restarts: camera.restarts,
        causeCode: stale ? 'agent-offline' : camera.causeCode,
        framesPerSecond: stale ? undefined : camera.framesPerSecond,
        decoding: decodingText(camera.decoding),
        bytesSentLastHour: camera.bytesSentLastHour,
        dropped: Object.entries(camera.framesDroppedFor ?? {})
          .map(([reason, frames]) => ({ reason, frames }))
          .sort((a, b) => b.frames - a.frames),
        ring: {
          ...camera.ring,
          pinnedBytes: camera.ring.pinnedBytes,
          bytesWrittenLastHour: camera.ring.bytesWrittenLastHour,
        },
        urls: { frame: `api/cameras/${id}/frame.jpg` },
      },
    ];
  });
  return views.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function decodingText(decoding: CameraHealth['decoding']): string | undefined {
  if (decoding?.hardware === undefined) return decoding?.mode;
  return `${decoding.mode} by ${decoding.hardware}`;
}

function ageText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
