import type { BeganView, CrossingView, EndedView, EventView } from '../api.ts';
import { capital, durationText, listText, percentText } from './format.ts';
import { words } from './words.ts';

/** Events in words, in the language shown. What is not known yet is told by its own name. */

/** A label as it is called in the language shown. */
export function labelText(label: string): string {
  return words.value.labels[label] ?? label;
}

/** `Person`, `Person and car`, `Person, car and dog`. */
export function labelsText(labels: readonly string[]): string {
  return capital(labels.length === 0 ? words.value.events.something : listText(labels.map(labelText)));
}

/** `Person and dog on yard`. */
export function eventTitle({ labels, camera }: Pick<EventView, 'labels' | 'camera'>): string {
  return words.value.events.on(labelsText(labels), camera);
}

export type LabelGroup = 'person' | 'vehicle' | 'animal' | 'other';

const vehicles = new Set([
  'bicycle',
  'car',
  'motorcycle',
  'bus',
  'truck',
  'train',
  'boat',
  'airplane',
  'van',
]);
const animals = new Set([
  'dog',
  'cat',
  'bird',
  'horse',
  'sheep',
  'cow',
  'bear',
  'elephant',
  'zebra',
  'giraffe',
]);

/** What a label is shown as. */
export function groupOf(label: string): LabelGroup {
  if (label === 'person') return 'person';
  if (vehicles.has(label)) return 'vehicle';
  return animals.has(label) ? 'animal' : 'other';
}

/** `2.5 s missing: no picture came from the camera`. */
export function gapText(gap: { ms: number; cause: string }): string {
  const { gaps } = words.value;
  return gaps.missing(durationText(gap.ms), gaps.long[gap.cause] ?? gap.cause);
}

/** What to write on the badge of an incomplete event. */
export function incompleteText(gaps: readonly { cause: string }[]): string {
  const { gaps: names, events } = words.value;
  const causes = [...new Set(gaps.map(({ cause }) => names.short[cause] ?? cause))];
  return causes.length === 0 ? events.incomplete : events.incompleteFor(causes.join(', '));
}

/** Why the browser does not play a clip, and what to do. */
export function playbackFaultText(codec: string | undefined, network: boolean): string {
  const { player } = words.value;
  if (network) return player.notLoaded;
  if (codec === 'hevc' || codec === 'h265') return player.hevc;
  return codec === undefined ? player.noCodec : player.codec(codec);
}

/** As many sights as an event keeps of what made it begin. */
const SIGHTS_KEPT = 10;

/** `person moved, seen 3 times, median score 81%`. */
export function beganText({ rule, label, zone, sights, medianScore }: BeganView): string {
  const { reasons } = words.value;
  const times = sights >= SIGHTS_KEPT ? reasons.timesAndMore(SIGHTS_KEPT) : reasons.times(sights);
  const seen = reasons.seen(times, percentText(medianScore));
  const name = labelText(label);
  switch (rule) {
    case 'object-moved':
      return reasons.moved(name, seen);
    case 'entered-zone':
      return zone === undefined ? reasons.enteredSome(name, seen) : reasons.entered(name, zone, seen);
    case 'motion':
      return reasons.motion(percentText(medianScore));
    case 'split':
      return reasons.split(name);
    default:
      return reasons.other(rule, name, seen);
  }
}

/** Rules after which an event waits whether it goes on. */
const awaited = new Set(['objects-left', 'left-zones', 'motion-ceased']);

/** `the last object left, and nothing followed for 2 s`; undefined where the event does not tell. */
export function endedText(ended: EndedView | undefined, endReason: string | undefined): string | undefined {
  const { reasons } = words.value;
  // Events from before they told their rule have but a reason.
  if (ended === undefined)
    return endReason === undefined ? undefined : (reasons.ends[endReason] ?? endReason);
  const text = reasons.rules[ended.rule] ?? ended.rule;
  if (!awaited.has(ended.rule) || ended.quietMs <= 0) return text;
  return reasons.quiet(text, ended.quietMs);
}

/** `gate left to right, 2 times; drive right to left`. */
export function crossingsText(crossings: readonly CrossingView[]): string {
  const { reasons } = words.value;
  const counts = new Map<string, number>();
  for (const { line, direction } of crossings) {
    const way = `${line} ${reasons.ways[direction] ?? direction.replaceAll('-', ' ')}`;
    counts.set(way, (counts.get(way) ?? 0) + 1);
  }
  return [...counts].map(([way, count]) => reasons.crossed(way, count)).join('; ');
}
