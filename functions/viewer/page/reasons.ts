import type { BeganView, CrossingView, EndedView } from './api.ts';
import { durationText, percentText } from './words.ts';

/** Why an event began and ended, in plain words. Pure. What is not known yet is told by its own name. */

/** As many sights as an event keeps of what made it begin. */
const SIGHTS_KEPT = 10;

/** `person moved, seen 3 times, median score 81 %`. */
export function beganText({ rule, label, zone, sights, medianScore }: BeganView): string {
  const seen = `seen ${timesText(sights, SIGHTS_KEPT)}, median score ${percentText(medianScore)}`;
  switch (rule) {
    case 'object-moved':
      return `${label} moved, ${seen}`;
    case 'entered-zone':
      return `${label} entered ${zone === undefined ? 'a zone' : `the zone ${zone}`}, ${seen}`;
    case 'motion':
      return `something moved that was not made out, over ${percentText(medianScore)} of the picture`;
    case 'split':
      return `goes on with the event before, which had reached its greatest length (${label})`;
    default:
      return `${rule} (${label}), ${seen}`;
  }
}

const rules: Record<string, string> = {
  'objects-left': 'the last object left',
  'left-zones': 'the last object left the zones that count',
  'objects-still': 'the last object stood still',
  'motion-ceased': 'the motion ceased',
  longest: 'it had reached its greatest length; the next event goes on',
  'camera-lost': 'the camera was lost',
  'state-lost': 'what was known of it was lost; this is what had been told until then',
};

/** Of events from before they told their rule. */
const reasons: Record<string, string> = {
  left: 'the last object left',
  still: 'the last object stood still',
  split: 'it was split; the next event goes on',
  'camera-lost': 'the camera was lost',
};

/** Rules after which an event waits whether it goes on. */
const awaited = new Set(['objects-left', 'left-zones', 'motion-ceased']);

/** `the last object left, and nothing followed for 2 s`; undefined where the event does not tell. */
export function endedText(ended: EndedView | undefined, endReason: string | undefined): string | undefined {
  if (ended === undefined) return endReason === undefined ? undefined : (reasons[endReason] ?? endReason);
  const text = rules[ended.rule] ?? ended.rule;
  if (!awaited.has(ended.rule) || ended.quietMs <= 0) return text;
  return `${text}, and nothing followed for ${durationText(ended.quietMs)}`;
}

/** `gate left to right, 2 times; drive right to left`. */
export function crossingsText(crossings: readonly CrossingView[]): string {
  const counts = new Map<string, number>();
  for (const { line, direction } of crossings) {
    const way = `${line} ${direction.replaceAll('-', ' ')}`;
    counts.set(way, (counts.get(way) ?? 0) + 1);
  }
  return [...counts].map(([way, count]) => (count === 1 ? way : `${way}, ${timesText(count)}`)).join('; ');
}

function timesText(count: number, most = Infinity): string {
  if (count >= most) return `${String(most)} times and more`;
  return count === 1 ? 'once' : `${String(count)} times`;
}
