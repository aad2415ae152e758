import type { JSX } from 'preact';
import { barsOf, MOST_LEVEL, type Motion } from '../data/motion.ts';
import type { Span } from '../data/time-axis.ts';

const PARTS = 480;

/** What moved, as a row of bars below the events. */
export function MotionLane(props: { motion: Motion; shown: Span; name: string }): JSX.Element {
  const { motion, shown, name } = props;
  return (
    <svg
      class="track-motion"
      viewBox={`0 0 ${String(PARTS)} ${String(MOST_LEVEL)}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <title>{name}</title>
      <path d={outlineOf(barsOf(motion, shown, PARTS))} />
    </svg>
  );
}

/** Bars beside each other that are equally high are one. */
function outlineOf(bars: readonly number[]): string {
  let path = '';
  let from = 0;
  for (const [at, level] of bars.entries()) {
    if (bars[at + 1] === level) continue;
    if (level > 0)
      path += `M${String(from)} ${String(MOST_LEVEL)}V${String(MOST_LEVEL - level)}H${String(at + 1)}V${String(MOST_LEVEL)}Z`;
    from = at + 1;
  }
  return path;
}
