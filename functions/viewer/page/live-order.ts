import type { LiveWay, LiveWayKind } from './live-way.ts';

/** For so long a way that showed nothing comes after the others. */
const LATELY_MS = 5 * 60_000;

/**
 * In which order to try the ways of a camera: by kind, but what failed lately last. A network that lets WebRTC not through
 * makes one wait for it once, not with each camera view that is opened.
 */
export class WayOrder {
  readonly #failedAtMs = new Map<string, number>();

  failed(camera: string, way: LiveWay, nowMs: number): void {
    this.#failedAtMs.set(keyOf(camera, way), nowMs);
  }

  /** `kinds`: those to try, the best first. */
  of(
    camera: string,
    ways: readonly LiveWay[],
    kinds: readonly LiveWayKind[],
    nowMs: number,
  ): readonly LiveWay[] {
    const all = kinds.flatMap((kind) => ways.filter((way) => way.kind === kind));
    const failedLately = (way: LiveWay): boolean =>
      nowMs - (this.#failedAtMs.get(keyOf(camera, way)) ?? -Infinity) < LATELY_MS;
    return [...all.filter((way) => !failedLately(way)), ...all.filter(failedLately)];
  }
}

function keyOf(camera: string, { kind, by }: LiveWay): string {
  return `${camera} ${kind} ${by}`;
}
