/** Seconds from `from` to `to`. */
export type Span = readonly [from: number, to: number];

/** Moving frames with less than this between them are one event. */
const MERGE_S = 2;
/** A shorter event is none. */
const SHORTEST_S = 0.4;
/** Frames this close to a visit belong to it: who writes visits down is no more exact. */
const SLACK_S = 0.5;

/** The spans in which something moves, gaps up to 2 s merged and what is under 0.4 s dropped. */
export function eventsOf(moving: readonly boolean[], fps: number): Span[] {
  const found: [number, number][] = [];
  moving.forEach((is, frame) => {
    if (!is) return;
    const [from, to] = [frame / fps, (frame + 1) / fps];
    const last = found.at(-1);
    if (last !== undefined && from - last[1] <= MERGE_S) last[1] = to;
    else found.push([from, to]);
  });
  return found.filter(([from, to]) => to - from >= SHORTEST_S - 1e-9);
}

export interface QuietJudgement {
  seconds: number;
  events: Span[];
  movingShare: number;
}

export function judgeQuiet(moving: readonly boolean[], fps: number): QuietJudgement {
  return {
    seconds: moving.length / fps,
    events: eventsOf(moving, fps),
    movingShare: moving.filter(Boolean).length / moving.length,
  };
}

export interface VisitJudgement {
  visits: number;
  /** Visits with a moving frame. */
  seen: number;
  /** Visits that one event covers which covers no other. */
  own: number;
  /** Frames outside all visits, and those of them that move. */
  outside: number;
  falseFrames: number;
  /** From each seen visit's start to its first moving frame, in seconds. */
  delays: number[];
}

export function judgeVisits(
  moving: readonly boolean[],
  fps: number,
  visits: readonly Span[],
): VisitJudgement {
  const within = ([from, to]: Span, s: number): boolean => s >= from - SLACK_S && s <= to + SLACK_S;
  const events = eventsOf(moving, fps);
  const meets = ([a, b]: Span, [c, d]: Span): boolean => a < d && c < b;
  const delays: number[] = [];
  let own = 0;
  for (const visit of visits) {
    const first = moving.findIndex((is, frame) => is && within(visit, frame / fps));
    if (first >= 0) delays.push(Math.max(0, first / fps - visit[0]));
    const covering = events.filter((event) => meets(event, visit));
    const [event] = covering;
    if (covering.length !== 1 || event === undefined) continue;
    if (visits.every((other) => other === visit || !meets(event, other))) own++;
  }
  const outside = moving.flatMap((is, frame) =>
    visits.some((visit) => within(visit, frame / fps)) ? [] : [is],
  );
  return {
    visits: visits.length,
    seen: delays.length,
    own,
    outside: outside.length,
    falseFrames: outside.filter(Boolean).length,
    delays,
  };
}
