import type { ClipStored } from '@faascam/core/clip-messages';
import { cameraId, eventId } from '@faascam/core/ids';
import { parseMessage, timeUs, type EventMessage } from '@faascam/core/messages';
import type { NotifyRule, NotifySettings } from '@faascam/core/notify-settings';
import { z } from 'zod';
import { notice, type Notice } from './notice.ts';
import { judge, labelsFor } from './rules.ts';
import { filled, valuesOf } from './template.ts';

/** An event as far as notifications go. */
export const visit = z.object({
  id: eventId,
  camera: cameraId,
  startUs: timeUs,
  endUs: timeUs,
  ended: z.boolean(),
  labels: z.array(z.string()),
  zones: z.array(z.string()),
  score: z.number().min(0).max(1),
  /** The first part of the visit, where a long one was split and this is a later part. */
  first: eventId.optional(),
  /** Rules that have judged it for good. */
  judged: z.array(z.string()),
});
export type Visit = z.infer<typeof visit>;

/** KV `notify`, key = camera. */
const cameraNotices = z.object({
  v: z.literal(1),
  /** The newest, oldest first. */
  visits: z.array(visit),
  /** By rule and label: when it was told last. */
  told: z.record(z.string(), z.record(z.string(), timeUs)),
  /** Decided, and perhaps not handed on yet. */
  outbox: z.array(notice),
});
export type CameraNotices = z.infer<typeof cameraNotices>;

/** Clips come seconds to hours after their event; of older ones only the clip itself is known. */
const VISITS_KEPT = 64;
/** A clip whose event is not known waits this long for it: the two come by different ways. */
const EVENT_COMES_WITHIN_US = 60_000_000;

export function decodeNotices(bytes: Uint8Array | undefined, camera: string): CameraNotices {
  if (bytes === undefined) return { v: 1, visits: [], told: {}, outbox: [] };
  return parseMessage(cameraNotices, bytes, `What was told of camera ${camera}`);
}

export function encodeNotices(notices: CameraNotices): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(notices));
}

/** The state after an event's message, with what is to be told in its outbox. Pure; the same message again changes nothing. */
export function afterEvent(
  before: CameraNotices,
  message: EventMessage,
  settings: NotifySettings,
  nowUs: number,
): CameraNotices {
  const known = before.visits.find(({ id }) => id === message.id);
  // What was said of an ended visit has been said: this message was delivered late.
  if (known?.ended === true && message.phase !== 'end') return before;
  const parent = before.visits.find(({ id }) => id === message.began?.after);
  const first = known?.first ?? parent?.first ?? message.began?.after;
  const now: Visit = {
    id: message.id,
    camera: message.camera,
    startUs: message.startUs,
    endUs: message.endUs,
    ended: message.phase === 'end',
    labels: message.labels,
    zones: message.zones,
    score: message.bestScore,
    ...(first === undefined ? {} : { first }),
    judged: known?.judged ?? [],
  };
  const { judged, ...more } = judgedBy(settings, before, now, nowUs);
  return { v: 1, ...more, visits: withVisit(before.visits, { ...now, judged }) };
}

/**
 * The state after a clip was stored; undefined where its event is not known yet and must be awaited. A clip alone is no
 * visit: nothing says that somebody is there. What somebody asked for is no news to them, nor is what cannot be played. Pure.
 */
export function afterClip(
  before: CameraNotices,
  stored: ClipStored,
  settings: NotifySettings,
  nowUs: number,
): CameraNotices | undefined {
  if (stored.removed === true || stored.exported === true || stored.keys.clip === undefined) return before;
  const known = before.visits.find(({ id }) => id === stored.eventId);
  const { fromUs, toUs } = stored.delivered ?? stored.requested;
  if (known === undefined && nowUs - toUs < EVENT_COMES_WITHIN_US) return undefined;
  const nothingKnown: Visit = {
    ...{ id: stored.eventId, camera: stored.camera, startUs: fromUs, endUs: toUs, ended: true },
    ...{ labels: [], zones: [], score: 0, judged: [] },
  };
  const { judged, ...more } = judgedBy(settings, before, known ?? nothingKnown, nowUs, stored);
  return {
    ...{ v: 1, ...more },
    visits: before.visits.map((each) => (each.id === known?.id ? { ...each, judged } : each)),
  };
}

/** The state once these were handed on. */
export function withoutSent(before: CameraNotices, sent: ReadonlySet<string>): CameraNotices {
  return { ...before, outbox: before.outbox.filter((each) => !sent.has(outboxKey(each))) };
}

/** Tells notices of one camera apart. */
export function outboxKey({ id, target }: Notice): string {
  return `${target}.${id}`;
}

/** What the rules make of an event, or with `stored` of its clip, and which of them have judged it for good by then. */
function judgedBy(
  settings: NotifySettings,
  before: CameraNotices,
  now: Visit,
  nowUs: number,
  stored?: ClipStored,
): Pick<CameraNotices, 'told' | 'outbox'> & Pick<Visit, 'judged'> {
  let { told } = before;
  const outbox = [...before.outbox];
  const judged = judgedOfVisit(before.visits, now);
  for (const rule of settings.rules) {
    if (rule.when !== (stored === undefined ? 'event' : 'clip') || judged.has(rule.name)) continue;
    const judgement = judge(rule, now, { told: told[rule.name] ?? {}, nowUs, settings });
    if (judgement === 'not-yet') continue;
    judged.add(rule.name);
    if (judgement !== 'tell') continue;
    outbox.push(...noticesOf(rule, now, settings, nowUs, stored));
    const heard = Object.fromEntries(labelsFor(rule, now).map((label) => [label, now.endUs]));
    told = { ...told, [rule.name]: { ...told[rule.name], ...heard } };
  }
  return { told, outbox, judged: [...judged] };
}

/** Rules that have judged any part of the visit: clips of its parts are stored in any order. */
function judgedOfVisit(visits: readonly Visit[], now: Visit): Set<string> {
  const firstOf = ({ id, first = id }: Visit): string => first;
  const parts = visits.filter((each) => firstOf(each) === firstOf(now));
  return new Set([now, ...parts].flatMap(({ judged }) => judged));
}

/** A camera has one event at a time: a newer one says that those before it are over, should their end not have been heard. */
function withVisit(visits: readonly Visit[], now: Visit): Visit[] {
  const others = visits
    .filter(({ id }) => id !== now.id)
    .map((each) => (each.startUs < now.startUs ? { ...each, ended: true } : each));
  const newer = others.some(({ startUs }) => startUs > now.startUs);
  return [...others, newer ? { ...now, ended: true } : now]
    .sort((a, b) => a.startUs - b.startUs)
    .slice(-VISITS_KEPT);
}

function noticesOf(
  rule: NotifyRule,
  { camera, id, labels, zones, score, startUs, endUs }: Visit,
  settings: NotifySettings,
  nowUs: number,
  stored: ClipStored | undefined,
): Notice[] {
  const event = { id, camera, labels, zones, score, startUs, endUs };
  const url = eventUrl(settings.pageUrl, id);
  const values = valuesOf(event, { rule: rule.name, url, timeZone: settings.timeZone });
  return [...new Set(rule.to)].flatMap((target) => {
    const { expireAfterMs } = settings.targets[target] ?? {};
    if (expireAfterMs === undefined) return [];
    return {
      v: 1,
      id: `${rule.name}.${id}`,
      when: rule.when,
      rule: rule.name,
      target,
      atUs: nowUs,
      expiresAtUs: nowUs + expireAfterMs * 1000,
      title: filled(rule.title, values),
      text: filled(rule.text, values),
      ...(url === undefined ? {} : { url }),
      event,
      ...(stored === undefined ? {} : { clip: { complete: stored.complete } }),
    };
  });
}

/** Where the page shows an event; undefined where nobody said where the page is. */
export function eventUrl(pageUrl: string, id: string): string | undefined {
  if (pageUrl === '') return undefined;
  const url = new URL(pageUrl);
  url.searchParams.set('event', id);
  return url.href;
}
