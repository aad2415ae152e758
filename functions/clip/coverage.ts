import type { Gap } from '@faascam/core/messages';

/** From `fromUs` up to, and without, `toUs`. */
export interface Span {
  fromUs: number;
  toUs: number;
}

/** What is left of a span without the others, in order of time. */
export function without(span: Span, others: Span[]): Span[] {
  const left: Span[] = [];
  let { fromUs } = span;
  for (const other of [...others].sort((a, b) => a.fromUs - b.fromUs)) {
    if (other.toUs <= fromUs) continue;
    if (other.fromUs >= span.toUs) break;
    if (other.fromUs > fromUs) left.push({ fromUs, toUs: other.fromUs });
    fromUs = Math.max(fromUs, other.toUs);
  }
  if (fromUs < span.toUs) left.push({ fromUs, toUs: span.toUs });
  return left;
}

/**
 * What the receipt says is missing of the requested window: the agent's gaps as it gave them; segments that are
 * `damaged`; and any time longer than `toleranceUs` that neither footage nor a gap accounts for, of which the likely
 * cause is that no picture came. So no footage is missing in silence, whatever the agent said.
 */
export function gapsOf(values: {
  requested: Span;
  delivered: Span[];
  declared: Gap[];
  damaged: Span[];
  toleranceUs: number;
}): Gap[] {
  const { requested, delivered, declared, toleranceUs } = values;
  const damaged = values.damaged
    .map((span) => ({
      fromUs: Math.max(span.fromUs, requested.fromUs),
      toUs: Math.min(span.toUs, requested.toUs),
      cause: 'damaged' as const,
    }))
    .filter((gap) => gap.fromUs < gap.toUs);
  const unexplained = without(requested, [...delivered, ...declared, ...damaged])
    .filter((span) => span.toUs - span.fromUs > toleranceUs)
    .map((span) => ({ ...span, cause: 'camera-lost' as const }));
  return [...declared, ...damaged, ...unexplained].sort((a, b) => a.fromUs - b.fromUs);
}
