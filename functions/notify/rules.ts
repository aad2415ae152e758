import type { NotifyRule, NotifySettings } from '@faascam/core/notify-settings';
import { isQuiet } from './quiet.ts';
import type { Visit } from './visits.ts';

/** When a rule has told of a label at a camera last, in frame time: microseconds since the Unix epoch. */
export type Told = Readonly<Record<string, number>>;

/**
 * What a rule makes of a visit. `not-yet`: it is not what the rule asks for, but may become so; the others are the last
 * word on this visit, which is never judged again.
 */
export type Judgement = 'tell' | 'not-yet' | 'quiet' | 'cooling-down' | 'late';

/** Pure. `nowUs` is the wall clock's, by which news is late; all else goes by the time of the pictures. */
export function judge(
  rule: NotifyRule,
  visit: Visit,
  { told, nowUs, settings }: { told: Told; nowUs: number; settings: NotifySettings },
): Judgement {
  if (!asksFor(rule, visit)) return 'not-yet';
  if (nowUs - visit.endUs > settings.maxAgeMs * 1000) return 'late';
  if (isQuiet(rule.quiet, visit.endUs, settings.timeZone)) return 'quiet';
  const cold = (label: string): boolean => {
    const lastUs = told[label];
    return lastUs === undefined || visit.endUs - lastUs >= rule.cooldownMs * 1000;
  };
  return labelsFor(rule, visit).some(cold) ? 'tell' : 'cooling-down';
}

function asksFor({ cameras, labels, zones, minScore }: NotifyRule, visit: Visit): boolean {
  const oneOf = (wanted: readonly string[], there: readonly string[]): boolean =>
    wanted.length === 0 || wanted.some((each) => there.includes(each));
  return (
    oneOf(cameras, [visit.camera]) &&
    oneOf(labels, visit.labels) &&
    oneOf(zones, visit.zones) &&
    visit.score >= minScore
  );
}

/** The visit's labels that the rule is about. A visit of which nothing is known counts as one label. */
export function labelsFor({ labels }: NotifyRule, visit: Visit): string[] {
  const found = visit.labels.filter((label) => labels.length === 0 || labels.includes(label));
  return found.length === 0 ? [''] : found;
}
