import { eventIdOf } from '@faascam/core/ids';
import type { Began, Crossing, Ended, EventMessage, TrackSummary } from '@faascam/core/messages';
import type { EventSettings } from '@faascam/core/settings';
import { withCandidate } from './best-picture.ts';
import { labelOf, medianScore } from './label.ts';
import type { CameraTracks, Candidate, OpenEvent, Outgoing, Track } from './state.ts';

/** An event tells of itself again after this long, or when its labels, zones or crossings change. */
const UPDATE_US = 5_000_000;
/** A message holds so many tracks; those seen least surely are only counted. */
const MEMBERS_KEPT = 100;

/** What prolongs an event at a frame. */
export interface Activity {
  members: TrackSummary[];
  crossings: Crossing[];
  /** The picture that the frame makes; none where nothing of it was seen. */
  candidate: Candidate | undefined;
  lastSight: OpenEvent['lastSight'];
}

/** A track as an event that it belongs to since `sinceUs` tells of it. */
export function summaryOf(track: Track, sinceUs: number): TrackSummary {
  const zones = Object.keys(track.zones).filter((name) => track.zones[name]?.entered === true);
  return {
    id: track.id,
    label: labelOf(track),
    startUs: sinceUs,
    endUs: Math.max(sinceUs, track.lastUs),
    hits: track.hits,
    medianScore: medianScore(track),
    best: track.best,
    ...(zones.length > 0 ? { zones } : {}),
  };
}

/** Begins an event at `startUs` with what is active at a frame, and tells of it. */
export function startEvent(
  state: CameraTracks,
  startUs: number,
  activity: Activity,
  began: Began,
  atUs: number,
): CameraTracks {
  const empty: OpenEvent = {
    id: eventIdOf(state.camera, startUs),
    startUs,
    endUs: startUs,
    members: [],
    membersLeftOut: 0,
    zones: [],
    crossings: [],
    candidates: [activity.candidate ?? { atUs, value: 0, objects: [] }],
    began,
    lastSight: activity.lastSight,
    updates: 0,
    toldUs: atUs,
    told: '',
  };
  const grown = growEvent(empty, activity);
  const open = { ...grown, told: gistOf(grown) };
  const message = eventMessageOf(state, open, 'start');
  return tell({ ...state, open }, { kind: 'event', msgID: `${open.id}-start`, message });
}

/** The open event after a frame in which something of it was active. */
export function growEvent(open: OpenEvent, activity: Activity): OpenEvent {
  const members = new Map(open.members.map((member) => [member.id, member]));
  for (const { zones = [], ...member } of activity.members) {
    const before = members.get(member.id);
    const all = [...new Set([...(before?.zones ?? []), ...zones])];
    const startUs = Math.max(before?.startUs ?? member.startUs, open.startUs);
    const endUs = Math.max(startUs, member.endUs);
    members.set(member.id, { ...member, startUs, endUs, ...(all.length > 0 ? { zones: all } : {}) });
  }
  const kept = [...members.values()];
  // The one to be left out is told of no more: who was seen worst.
  while (kept.length > MEMBERS_KEPT) {
    const worst = kept.reduce((a, b) => (b.best.score < a.best.score ? b : a));
    kept.splice(kept.indexOf(worst), 1);
  }
  return {
    ...open,
    closing: undefined,
    members: kept,
    membersLeftOut: open.membersLeftOut + members.size - kept.length,
    zones: [...new Set([...open.zones, ...activity.members.flatMap(({ zones = [] }) => zones)])],
    crossings: [...open.crossings, ...activity.crossings].slice(-MEMBERS_KEPT),
    endUs: Math.max(open.endUs, activity.lastSight?.atUs ?? 0),
    lastSight: activity.lastSight ?? open.lastSight,
    candidates:
      activity.candidate === undefined ? open.candidates : withCandidate(open.candidates, activity.candidate),
  };
}

/** Tells of the open event again if there is something to tell. */
export function updateEvent(state: CameraTracks, atUs: number): CameraTracks {
  const { open } = state;
  if (open === undefined) return state;
  const gist = gistOf(open);
  if (gist === open.told && atUs - open.toldUs < UPDATE_US) return state;
  const told = { ...open, updates: open.updates + 1, toldUs: atUs, told: gist };
  return tell(
    { ...state, open: told },
    {
      kind: 'event',
      msgID: `${told.id}-update-${told.updates}`,
      message: eventMessageOf(state, told, 'update'),
    },
  );
}

const endReasons: Record<Ended['rule'], EventMessage['endReason']> = {
  'objects-left': 'left',
  'left-zones': 'left',
  'objects-still': 'still',
  'motion-ceased': 'still',
  longest: 'split',
  'camera-lost': 'camera-lost',
  'state-lost': undefined,
};

/** Ends the open event, if there is one: tells of its end, and asks for its clip. */
export function endEvent(
  state: CameraTracks,
  rule: Ended['rule'],
  frame: { capturedAtUs: number; seq: number },
  settings: EventSettings,
  configRevision: string | undefined,
): CameraTracks {
  const { open, ...rest } = state;
  if (open === undefined) return state;
  const ended: Ended = {
    rule,
    atUs: frame.capturedAtUs,
    seq: frame.seq,
    ...(open.lastSight === undefined ? {} : { lastSight: open.lastSight }),
    quietMs: Math.max(0, frame.capturedAtUs - open.endUs) / 1000,
    model: state.model.sha256,
    ...(configRevision === undefined ? {} : { configRevision }),
  };
  const outgoing = endOf({ ...eventMessageOf(state, open, 'end'), ended }, settings);
  return { ...rest, outgoing: [...state.outgoing, ...outgoing] };
}

/**
 * The end of an event of which no more is known than what was told last: its camera's state was lost. The same message
 * always gives the same end, so that telling it twice is harmless.
 */
export function endOfForgotten(told: EventMessage, settings: EventSettings): Outgoing[] {
  const ended: Ended = {
    rule: 'state-lost',
    atUs: told.endUs,
    seq: told.began?.seq ?? 0,
    quietMs: 0,
    model: told.model.sha256,
  };
  return endOf({ ...told, phase: 'end', ended }, settings);
}

function endOf(message: EventMessage & { ended: Ended }, settings: EventSettings): Outgoing[] {
  const endReason = endReasons[message.ended.rule];
  const event: EventMessage = { ...message, ...(endReason === undefined ? {} : { endReason }) };
  const { id, camera, startUs, endUs } = event;
  const fromUs = Math.max(0, startUs - settings.preRollMs * 1000);
  const toUs = endUs + settings.postRollMs * 1000;
  return [
    { kind: 'event', msgID: `${id}-end`, message: event },
    { kind: 'wanted', msgID: `wanted-${id}`, message: { v: 1, eventId: id, camera, fromUs, toUs, event } },
  ];
}

function tell(state: CameraTracks, message: Outgoing): CameraTracks {
  return { ...state, outgoing: [...state.outgoing, message] };
}

function labelsOf(open: OpenEvent): string[] {
  return [...new Set(open.members.map(({ label }) => label))].sort();
}

function gistOf(open: OpenEvent): string {
  return [labelsOf(open).join(), [...open.zones].sort().join(), open.crossings.length].join(';');
}

function eventMessageOf(state: CameraTracks, open: OpenEvent, phase: EventMessage['phase']): EventMessage {
  const candidates = open.candidates.map(({ atUs, objects }) => ({ atUs, objects }));
  const [best = { atUs: open.startUs, objects: [] }] = candidates;
  return {
    v: 1,
    id: open.id,
    camera: state.camera,
    phase,
    startUs: open.startUs,
    endUs: open.endUs,
    labels: labelsOf(open),
    tracks: open.members.map((member) => ({
      ...member,
      endUs: Math.min(member.endUs, Math.max(open.endUs, member.startUs)),
    })),
    zones: open.zones,
    bestScore: Math.max(...open.members.map(({ best: { score } }) => score)),
    best,
    model: state.model,
    candidates,
    ...(open.crossings.length > 0 ? { crossings: open.crossings } : {}),
    ...(open.membersLeftOut > 0 ? { tracksLeftOut: open.membersLeftOut } : {}),
    began: open.began,
  };
}
