import type { CameraProfile } from '@faascam/core/camera-profile';
import type { Began, Crossing, DetectionsMessage } from '@faascam/core/messages';
import type { EventSettings } from '@faascam/core/settings';
import { candidateOf } from './best-picture.ts';
import { endEvent, growEvent, startEvent, summaryOf, updateEvent, type Activity } from './event.ts';
import { filtered } from './filters.ts';
import { orderOf } from './frame-order.ts';
import { labelOf, medianScore } from './label.ts';
import { motionSpellAfter, motionSummary } from './motion-spell.ts';
import { cross, stay } from './places.ts';
import type { CameraTracks, MotionSpell, Outgoing, Track } from './state.ts';
import { aspectOf, follow, TENTATIVE_MS } from './tracker.ts';

/** What of a camera's profile the rules look at. */
export type Places = Pick<CameraProfile, 'zones' | 'lines' | 'objects'> & { revision?: string };

export const noPlaces: Places = { zones: {}, lines: {}, objects: {} };

/**
 * What a frame led to. `advanced`: a new state, and messages; `again`: the frame came twice, its messages go out again,
 * and their ids make that harmless; `late`: it came out of order and is not looked at; `strange`: its time is far from
 * that of the frame before, the next frame tells which is right.
 */
export type Step =
  | { kind: 'advanced'; state: CameraTracks; outgoing: readonly Outgoing[] }
  | { kind: 'again'; outgoing: readonly Outgoing[] }
  | { kind: 'late' }
  | { kind: 'strange'; state: CameraTracks };

/**
 * What a camera's tracks and events are after one more frame, and the messages that follow from it. Pure, on frame
 * time alone: the same frames give the same events whenever they are looked at. `before` is of the same camera.
 */
export function advance(
  before: CameraTracks | undefined,
  frame: DetectionsMessage,
  settings: EventSettings,
  places: Places = noPlaces,
): Step {
  const order = before === undefined ? 'next' : orderOf(before, frame, settings.lostAfterMs);
  if (before !== undefined) {
    if (order === 'again') return { kind: 'again', outgoing: before.outgoing };
    if (order === 'late') return { kind: 'late' };
    if (order === 'strange') return { kind: 'strange', state: { ...before, strange: frame.capturedAtUs } };
  }
  const state: CameraTracks = { ...(before ?? emptyTracks(frame)), strange: undefined, outgoing: [] };
  const elapsedMs = order === 'next' ? (frame.capturedAtUs - state.lastUs) / 1000 : 0;
  const away = frame.motion === 'lost';
  const interrupted = away || order !== 'next' ? interrupt(state, frame, settings, places) : state;
  // Times of what stood there would lie ahead of all that comes: an event of it would not end before they are reached.
  const standing = order === 'set-back' ? [] : interrupted.tracks;
  const now = { ...interrupted, tracks: standing, lastUs: frame.capturedAtUs, lastSeq: frame.seq, away };
  const after = away ? now : see(now, frame, elapsedMs, settings, places);
  return { kind: 'advanced', state: after, outgoing: after.outgoing };
}

function emptyTracks(frame: DetectionsMessage): CameraTracks {
  return {
    v: 2,
    camera: frame.camera,
    lastUs: frame.capturedAtUs,
    lastSeq: frame.seq,
    away: false,
    nextTrack: 0,
    tracks: [],
    model: frame.model,
    outgoing: [],
  };
}

/** The camera went away: its event ends with its last sight. What stood still will most likely still stand there. */
function interrupt(
  state: CameraTracks,
  frame: DetectionsMessage,
  settings: EventSettings,
  places: Places,
): CameraTracks {
  const ended = endEvent(state, 'camera-lost', frame, settings, places.revision);
  const standing = ended.tracks.filter((track) => !track.moving);
  return {
    ...ended,
    motion: undefined,
    tracks: standing.map((track) => ({ ...track, zones: {}, lines: {} })),
  };
}

/** A track that counts at this frame, and since when. */
interface Active {
  track: Track;
  sinceUs: number;
  zone?: string;
}

function see(
  before: CameraTracks,
  frame: DetectionsMessage,
  elapsedMs: number,
  settings: EventSettings,
  places: Places,
): CameraTracks {
  const at = frame.capturedAtUs;
  const sights = filtered(frame, places.objects, settings.labels);
  const minMedianOf = (label: string): number =>
    places.objects[label]?.minMedianScore ?? settings.minMedianScore;
  const followed = follow(before.tracks, frame, sights, elapsedMs, settings, minMedianOf, before.nextTrack);
  const crossings: Crossing[] = [];
  const arrived = new Set<number>();
  const tracks = followed.tracks.map((track) => {
    const zones = stay(track, places.zones, at, elapsedMs);
    const crossed = cross(track, places.lines, at, aspectOf(frame));
    crossings.push(...crossed.crossings);
    if (
      Object.keys(zones).some((name) => zones[name]?.entered === true && track.zones[name]?.entered !== true)
    )
      arrived.add(track.id);
    return { ...track, zones, lines: crossed.lines };
  });
  const required = Object.entries(places.zones).filter(([, zone]) => zone.required);
  const active = tracks.flatMap((track): Active[] => {
    // Who stood still while the time to loiter went by is told of when it is over.
    if (!track.confirmed || !(track.moving || (track.moved && arrived.has(track.id)))) return [];
    if (required.length === 0) return [{ track, sinceUs: track.movingSinceUs }];
    const stays = required.flatMap(([zone]) => {
      const found = track.zones[zone];
      return found?.entered === true ? [{ zone, sinceUs: found.sinceUs }] : [];
    });
    const [first] = stays.sort((a, b) => a.sinceUs - b.sinceUs);
    if (first === undefined) return [];
    return [{ track, sinceUs: Math.max(track.movingSinceUs, first.sinceUs), zone: first.zone }];
  });
  const spell = settings.motionEvents
    ? motionSpellAfter(
        before.motion,
        frame,
        required.map(([, zone]) => zone),
        followed.nextTrack,
      )
    : undefined;
  const state: CameraTracks = {
    ...before,
    tracks,
    nextTrack: followed.nextTrack + (spell !== undefined && spell.id === followed.nextTrack ? 1 : 0),
    model: frame.inferred ? frame.model : before.model,
    motion: spell,
  };
  const now: Now = { frame, settings, places, active, crossings };
  return state.open === undefined ? beginIfAny(state, now) : goOn(state, state.open, now);
}

interface Now {
  frame: DetectionsMessage;
  settings: EventSettings;
  places: Places;
  active: readonly Active[];
  crossings: readonly Crossing[];
}

function beginIfAny(state: CameraTracks, now: Now): CameraTracks {
  const { frame, settings, active } = now;
  const at = frame.capturedAtUs;
  const [first] = [...active].sort((a, b) => a.sinceUs - b.sinceUs);
  if (first !== undefined) {
    const rule = first.zone === undefined ? 'object-moved' : 'entered-zone';
    return startEvent(state, first.sinceUs, activityOf(now, undefined), beganBy(first, rule, now), at);
  }
  const { motion } = state;
  if (motion === undefined || motion.lastUs - motion.sinceUs < settings.motionAfterMs * 1000) return state;
  const began: Began = {
    rule: 'motion',
    atUs: at,
    seq: frame.seq,
    track: motion.id,
    label: 'motion',
    sightings: [],
    medianScore: motion.best.score,
    needed: { hits: 1, medianScore: 0 },
    model: state.model.sha256,
    ...revisionOf(now),
  };
  return startEvent(state, motion.sinceUs, activityOf(now, motion), began, at);
}

function goOn(state: CameraTracks, open: NonNullable<CameraTracks['open']>, now: Now): CameraTracks {
  const { frame, settings, places, active } = now;
  const at = frame.capturedAtUs;
  const isOfMotion = open.members.some(({ label }) => label === 'motion');
  const spell = isOfMotion && state.motion !== undefined ? state.motion : undefined;
  // Motion while objects are seen is theirs.
  const rest = isOfMotion ? state : { ...state, motion: undefined };
  if (active.length > 0 || spell !== undefined) {
    const grown = growEvent(open, activityOf(now, spell));
    if (at - grown.startUs < settings.maxMs * 1000) return updateEvent({ ...rest, open: grown }, at);
    const whole = { ...grown, endUs: at };
    const ended = endEvent({ ...rest, open: whole }, 'longest', frame, settings, places.revision);
    return split(ended, open.id, now, spell);
  }
  const closing = open.closing ?? whyQuiet(state, open, now);
  const closed = { ...rest, open: { ...open, closing } };
  const quietMs = (at - open.endUs) / 1000;
  if (quietMs < settings.mergeGapMs || isAwaited(state, open.endUs, at, settings)) return closed;
  return endEvent(closed, closing, frame, settings, places.revision);
}

/** Whether something that came within the merge gap may still prove to be an object. */
function isAwaited(state: CameraTracks, endUs: number, at: number, settings: EventSettings): boolean {
  return state.tracks.some(
    (track) =>
      !track.confirmed &&
      track.missedMs === 0 &&
      track.touched !== undefined &&
      track.firstUs - endUs < settings.mergeGapMs * 1000 &&
      at - track.firstUs < TENTATIVE_MS * 1000,
  );
}

function whyQuiet(state: CameraTracks, { members }: NonNullable<CameraTracks['open']>, now: Now) {
  const ids = new Set(members.map(({ id }) => id));
  const known = state.tracks.filter(({ id }) => ids.has(id));
  if (known.some(({ moving }) => !moving)) return 'objects-still';
  if (known.length > 0 && Object.values(now.places.zones).some(({ required }) => required))
    return 'left-zones';
  return members.every(({ label }) => label === 'motion') ? 'motion-ceased' : 'objects-left';
}

/** The next part of an event that has become too long: it begins where that one ends, with what is active. */
function split(state: CameraTracks, after: string, now: Now, spell: MotionSpell | undefined): CameraTracks {
  const at = now.frame.capturedAtUs;
  const [first] = now.active;
  if (first === undefined && spell === undefined) return state;
  const began: Began = {
    ...(first === undefined
      ? {
          track: spell?.id ?? 0,
          label: 'motion',
          sightings: [],
          medianScore: spell?.best.score ?? 0,
          needed: { hits: 1, medianScore: 0 },
        }
      : beganBy(first, 'split', now)),
    rule: 'split',
    atUs: at,
    seq: now.frame.seq,
    after,
    model: state.model.sha256,
    ...revisionOf(now),
  };
  return startEvent(state, at, activityOf(now, spell), began, at);
}

function activityOf({ active, crossings, frame }: Now, spell: MotionSpell | undefined): Activity {
  const at = frame.capturedAtUs;
  const seen = active.map(({ track }) => track).filter(({ lastUs }) => lastUs === at);
  const ids = new Set(active.map(({ track }) => track.id));
  const [last] = [...active].sort((a, b) => b.track.lastUs - a.track.lastUs);
  const lastSight =
    last === undefined
      ? undefined
      : { ...last.track.lastSight, track: last.track.id, label: labelOf(last.track) };
  const lastMotion =
    spell === undefined
      ? undefined
      : { atUs: spell.lastUs, seq: frame.seq, score: spell.best.score, track: spell.id, label: 'motion' };
  const candidate =
    seen.length > 0
      ? candidateOf(seen, at)
      : spell === undefined
        ? undefined
        : { atUs: spell.best.atUs, value: spell.best.score / 100, objects: [] };
  return {
    members: [
      ...active.map(({ track, sinceUs }) => summaryOf(track, sinceUs)),
      ...(spell === undefined ? [] : [motionSummary(spell)]),
    ],
    crossings: crossings.filter(({ track }) => ids.has(track)),
    candidate,
    lastSight: [lastSight, lastMotion]
      .flatMap((each) => (each === undefined ? [] : [each]))
      .sort((a, b) => b.atUs - a.atUs)[0],
  };
}

function beganBy({ track, zone }: Active, rule: Began['rule'], now: Now): Began {
  const { frame, settings, places } = now;
  const label = labelOf(track);
  return {
    rule,
    atUs: frame.capturedAtUs,
    seq: frame.seq,
    track: track.id,
    label,
    ...(zone === undefined ? {} : { zone }),
    sightings: track.firstSights,
    medianScore: medianScore(track),
    needed: {
      hits: settings.confirmHits,
      medianScore: places.objects[label]?.minMedianScore ?? settings.minMedianScore,
    },
    model: frame.model.sha256,
    ...revisionOf(now),
  };
}

function revisionOf({ places }: Now): { configRevision?: string } {
  return places.revision === undefined ? {} : { configRevision: places.revision };
}
