/** Where something stands on the ground at a time, and how large a metre looks there. */
export interface Waypoint {
  atMs: number;
  x: number;
  y: number;
  pixelsPerMetre: number;
}

export interface PathState {
  x: number;
  y: number;
  pixelsPerMetre: number;
  /** Direction of travel on screen in pixels a second; 0, 0 while it waits. */
  velocityX: number;
  velocityY: number;
  speedMps: number;
  /** Metres gone since the start. */
  distanceM: number;
}

/** The state on a path of straight stretches at constant speed; undefined before its start and from its end on. */
export function stateAt(path: readonly Waypoint[], timeMs: number): PathState | undefined {
  let distanceM = 0;
  for (const [index, from] of path.entries()) {
    const to = path[index + 1];
    if (to === undefined || timeMs < from.atMs) return undefined;
    const lengthPx = Math.hypot(to.x - from.x, to.y - from.y);
    const lengthM = lengthPx / ((from.pixelsPerMetre + to.pixelsPerMetre) / 2);
    const seconds = (to.atMs - from.atMs) / 1000;
    if (timeMs < to.atMs) {
      const part = (timeMs - from.atMs) / (to.atMs - from.atMs);
      return {
        x: from.x + (to.x - from.x) * part,
        y: from.y + (to.y - from.y) * part,
        pixelsPerMetre: from.pixelsPerMetre + (to.pixelsPerMetre - from.pixelsPerMetre) * part,
        velocityX: (to.x - from.x) / seconds,
        velocityY: (to.y - from.y) / seconds,
        speedMps: lengthM / seconds,
        distanceM: distanceM + lengthM * part,
      };
    }
    distanceM += lengthM;
  }
  return undefined;
}
