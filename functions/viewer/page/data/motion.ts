import type { Span } from './time-axis.ts';

/** How much moved on a day, slot by slot, 0 to `MOST_LEVEL`. All pure. */
export interface Motion {
  fromUs: number;
  slotUs: number;
  levels: readonly number[];
}

export const MOST_LEVEL = 9;
/** Motion that pauses for less than this is one spell. */
const PAUSE_US = 60_000_000;

/** The level at a time; 0 where nothing is known. */
export function levelAt({ fromUs, slotUs, levels }: Motion, us: number): number {
  return levels[Math.floor((us - fromUs) / slotUs)] ?? 0;
}

/** The most that moved in each of so many equal parts of a span. */
export function barsOf({ fromUs, slotUs, levels }: Motion, shown: Span, parts: number): number[] {
  const partUs = (shown.toUs - shown.fromUs) / parts;
  return Array.from({ length: parts }, (_, part) => {
    const first = Math.floor((shown.fromUs + part * partUs - fromUs) / slotUs);
    const last = Math.ceil((shown.fromUs + (part + 1) * partUs - fromUs) / slotUs);
    return levels
      .slice(Math.max(0, first), Math.max(0, last))
      .reduce((most, level) => Math.max(most, level), 0);
  });
}

/** From when to when it moved, in order of time. */
export function spellsOf({ fromUs, slotUs, levels }: Motion): Span[] {
  const spells: Span[] = [];
  for (const [slot, level] of levels.entries()) {
    if (level === 0) continue;
    const startUs = fromUs + slot * slotUs;
    const last = spells.at(-1);
    if (last !== undefined && startUs - last.toUs < PAUSE_US) last.toUs = startUs + slotUs;
    else spells.push({ fromUs: startUs, toUs: startUs + slotUs });
  }
  return spells;
}

/** What was known, up to where what is newer begins. Slots of both begin at the same times. */
export function withNewer(known: Motion, newer: Motion): Motion {
  const kept = Math.max(0, Math.round((newer.fromUs - known.fromUs) / known.slotUs));
  return { ...known, levels: [...known.levels.slice(0, kept), ...newer.levels] };
}
