import { isInside, type Line, type Point, type Zone } from '@faascam/core/analysis-settings';
import type { Crossing } from '@faascam/core/messages';
import { measured } from './kalman.ts';
import { labelOf } from './label.ts';
import type { LineSide, Track, ZoneStay } from './state.ts';
import { footOf } from './tracker.ts';

/** Nearer to a line than this share of its own size, an object is on neither side: boxes tremble. */
const CLEAR_SHARE = 0.1;

/**
 * The track's stays in zones after a frame at `atUs`, `stepMs` after the one before. A sight counts; while it is not
 * looked at and stands, time passes where it is; while it is missed, nothing changes.
 */
export function stay(
  track: Track,
  zones: Readonly<Record<string, Zone>>,
  atUs: number,
  stepMs: number,
): Record<string, ZoneStay> {
  const stays: Record<string, ZoneStay> = {};
  const seen = track.lastUs === atUs;
  for (const [name, zone] of Object.entries(zones)) {
    const before = track.zones[name];
    if (!seen) {
      if (before === undefined) continue;
      const stays_ = before.in && track.missedMs === 0;
      stays[name] = stays_ ? entered({ ...before, stayMs: before.stayMs + stepMs }, zone) : before;
      continue;
    }
    const counts = zone.labels === undefined || zone.labels.includes(labelOf(track));
    const after = moveTo(before, counts && isInside(footOf(track.box), zone.polygon), zone, atUs, stepMs);
    if (after !== undefined) stays[name] = after;
  }
  return stays;
}

function moveTo(
  before: ZoneStay | undefined,
  isIn: boolean,
  zone: Zone,
  atUs: number,
  stepMs: number,
): ZoneStay | undefined {
  if (isIn) {
    const begun = before === undefined || (!before.in && before.inside === 0);
    const inside = (before?.inside ?? 0) + 1;
    return entered(
      {
        inside: Math.min(inside, zone.inertia),
        outside: 0,
        sinceUs: begun ? atUs : before.sinceUs,
        stayMs: begun ? 0 : before.stayMs + stepMs,
        in: before?.in === true || inside >= zone.inertia,
        entered: before?.entered ?? false,
      },
      zone,
    );
  }
  if (before?.in !== true) return undefined;
  const outside = before.outside + 1;
  if (outside >= zone.inertia) return undefined;
  return { ...before, outside, stayMs: before.stayMs + stepMs };
}

function entered(stays: ZoneStay, zone: Zone): ZoneStay {
  return stays.entered || !stays.in || stays.stayMs < zone.loiteringMs ? stays : { ...stays, entered: true };
}

/**
 * The lines that the track crossed at this frame, and on which side of each it is now. Sides are those for someone who
 * stands at the line's `from` and looks towards its `to`; only what passes between the two has crossed it.
 */
export function cross(
  track: Track,
  lines: Readonly<Record<string, Line>>,
  atUs: number,
  aspect: number,
): { lines: Record<string, LineSide>; crossings: Crossing[] } {
  const sides: Record<string, LineSide> = {};
  const crossings: Crossing[] = [];
  for (const [name, line] of Object.entries(lines)) {
    const before = track.lines[name];
    const now = track.lastUs === atUs ? sideOf(track, line, aspect) : undefined;
    const after = now ?? before;
    if (after !== undefined) sides[name] = after;
    if (before === undefined || now === undefined || before.side === now.side) continue;
    if (line.labels !== undefined && !line.labels.includes(labelOf(track))) continue;
    if (!meets(before.point, now.point, line.from, line.to)) continue;
    const direction = now.side > 0 ? 'left-to-right' : 'right-to-left';
    if (line.direction !== 'both' && line.direction !== direction) continue;
    crossings.push({ line: name, direction, atUs, track: track.id });
  }
  return { lines: sides, crossings };
}

function sideOf(track: Track, { from, to }: Line, aspect: number): LineSide | undefined {
  const point = footOf(track.box);
  const [along, down] = [(to[0] - from[0]) * aspect, to[1] - from[1]];
  const length = Math.hypot(along, down);
  if (length === 0) return undefined;
  // Positive to the right, as y grows downwards.
  const off = (along * (point[1] - from[1]) - down * (point[0] - from[0]) * aspect) / length;
  if (Math.abs(off) < CLEAR_SHARE * measured(track.box, aspect).scale) return undefined;
  return { side: off > 0 ? 1 : -1, point };
}

/** Whether the ways from a to b and from c to d cut each other. */
function meets(a: Point, b: Point, c: Point, d: Point): boolean {
  const turn = (p: Point, q: Point, r: Point): number =>
    (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
  return turn(a, b, c) * turn(a, b, d) <= 0 && turn(c, d, a) * turn(c, d, b) <= 0;
}
