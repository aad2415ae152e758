import type { DetectedObject, DetectionsMessage, EventMessage, TrackSummary } from '@faascam/core/messages';
import type { EventSettings } from '@faascam/core/settings';
import { eventIdOf } from '@faascam/core/ids';
import type { CameraTracks, OpenEvent, Outgoing, Track } from './state.ts';
import { follow, labelOf, medianScore } from './tracker.ts';

/** An event tells of itself again after this long, or when its labels change. */
const UPDATE_US = 5_000_000;
/** A frame older than the newest by less than this came out of order; by more, the clock was set back. */
const LATE_US = 60_000_000;

type EndReason = NonNullable<EventMessage['endReason']>;

/**
 * What a camera's tracks and events are after one more frame, and the messages that follow from it. Pure, on frame
 * time alone: the same frames give the same events whenever they are looked at. Answers `late` for a frame out of
 * order. The same frame given twice answers the same messages, which carry ids, so that sending them twice is harmless.
 */
export function advance(
  before: CameraTracks | undefined,
  frame: DetectionsMessage,
  settings: EventSettings,
): CameraTracks | 'late' {
  if (before !== undefined && frame.capturedAtUs === before.lastUs) return before;
  if (before !== undefined && frame.capturedAtUs < before.lastUs) {
    if (before.lastUs - frame.capturedAtUs < LATE_US) return 'late';
    const ended = endIfOpen(before, 'camera-lost', settings);
    return advanceFrom({ ...emptyTracks(frame), outgoing: ended.outgoing }, frame, settings);
  }
  const silenceMs = before === undefined ? 0 : (frame.capturedAtUs - before.lastUs) / 1000;
  if (before !== undefined && (frame.motion === 'lost' || silenceMs > settings.lostAfterMs)) {
    const ended = endIfOpen(before, 'camera-lost', settings);
    // What stood still will most likely still stand there; what moved is gone.
    const tracks = ended.tracks.filter((track) => !track.moving);
    const rested = { ...ended, tracks, lastUs: frame.capturedAtUs };
    return frame.motion === 'lost' ? rested : advanceFrom(rested, frame, settings);
  }
  return advanceFrom({ ...(before ?? emptyTracks(frame)), outgoing: [] }, frame, settings);
}

function emptyTracks(frame: DetectionsMessage): CameraTracks {
  return {
    v: 1,
    camera: frame.camera,
    lastUs: frame.capturedAtUs,
    nextTrack: 0,
    tracks: [],
    model: frame.model,
    outgoing: [],
  };
}

function advanceFrom(before: CameraTracks, frame: DetectionsMessage, settings: EventSettings): CameraTracks {
  const at = frame.capturedAtUs;
  const elapsedMs = (at - before.lastUs) / 1000;
  const followed = follow(before.tracks, frame, elapsedMs, settings, before.nextTrack);
  const tracks = followed.tracks.map((track) =>
    track.moving && track.stillMs >= stillAfterMs(track, settings) ? { ...track, moving: false } : track,
  );
  const stopped = new Set(tracks.filter((track) => !track.moving).map(({ id }) => id));
  const now: CameraTracks = {
    ...before,
    lastUs: at,
    tracks,
    nextTrack: followed.nextTrack,
    model: frame.inferred ? frame.model : before.model,
  };

  const active = tracks.filter((track) => track.moving && track.confirmed);
  const { open } = now;
  if (open === undefined) return active.length > 0 ? start(now, active, frame) : now;

  const grown = grow(open, active, frame);
  if (active.length === 0) {
    const reason = open.members.some(({ id }) => stopped.has(id)) ? 'still' : 'left';
    return end({ ...now, open: grown }, reason, settings);
  }
  if (at - grown.startUs >= settings.maxMs * 1000) {
    const split = end({ ...now, open: { ...grown, endUs: at } }, 'split', settings);
    return start(split, active, frame, at);
  }
  const labels = labelsOf(grown).join();
  if (labels === grown.toldLabels && at - grown.toldUs < UPDATE_US) return { ...now, open: grown };
  const told = { ...grown, updates: grown.updates + 1, toldUs: at, toldLabels: labels };
  const message = eventMessageOf(now, told, 'update');
  return {
    ...now,
    open: told,
    outgoing: [...now.outgoing, { kind: 'event', msgID: `${told.id}-update-${told.updates}`, message }],
  };
}

function stillAfterMs(track: Track, settings: EventSettings): number {
  return settings.stillAfterMsOf[labelOf(track)] ?? settings.stillAfterMs;
}

function start(
  state: CameraTracks,
  active: readonly Track[],
  frame: DetectionsMessage,
  fromUs?: number,
): CameraTracks {
  const startUs = fromUs ?? Math.min(...active.map((track) => track.movingSinceUs));
  const begun: OpenEvent = {
    id: eventIdOf(state.camera, startUs),
    startUs,
    endUs: frame.capturedAtUs,
    members: [...active],
    best: bestOf(active, frame),
    updates: 0,
    toldUs: frame.capturedAtUs,
    toldLabels: '',
  };
  const open = { ...begun, toldLabels: labelsOf(begun).join() };
  const message = eventMessageOf(state, open, 'start');
  return {
    ...state,
    open,
    outgoing: [...state.outgoing, { kind: 'event', msgID: `${open.id}-start`, message }],
  };
}

/** The open event after a frame: its members as they are now, its end at the last sight of one that moves. */
function grow(open: OpenEvent, active: readonly Track[], frame: DetectionsMessage): OpenEvent {
  const members = new Map(open.members.map((member) => [member.id, member]));
  for (const track of active) members.set(track.id, track);
  const seen = active.filter((track) => track.lastUs === frame.capturedAtUs);
  const best = bestOf(seen, frame);
  return {
    ...open,
    members: [...members.values()],
    endUs: Math.max(open.endUs, ...seen.map(({ lastUs }) => lastUs)),
    best: best.value > open.best.value ? best : open.best,
  };
}

function endIfOpen(state: CameraTracks, reason: EndReason, settings: EventSettings): CameraTracks {
  return end({ ...state, outgoing: [] }, reason, settings);
}

function end(state: CameraTracks, reason: EndReason, settings: EventSettings): CameraTracks {
  const { open, ...rest } = state;
  if (open === undefined) return state;
  const event = { ...eventMessageOf(state, open, 'end'), endReason: reason };
  const outgoing: Outgoing[] = [
    ...state.outgoing,
    { kind: 'event', msgID: `${open.id}-end`, message: event },
    {
      kind: 'wanted',
      msgID: `wanted-${open.id}`,
      message: {
        v: 1,
        eventId: open.id,
        camera: state.camera,
        fromUs: Math.max(0, open.startUs - settings.preRollMs * 1000),
        toUs: open.endUs + settings.postRollMs * 1000,
        event,
      },
    },
  ];
  return { ...rest, outgoing };
}

/** How good a picture the frame makes: every object seen clearly, large, and not cut by the border. */
function bestOf(active: readonly Track[], frame: DetectionsMessage): OpenEvent['best'] {
  const value = active.reduce((sum, { box: [x, y, width, height], scores }) => {
    const cut = x < 0.005 || y < 0.005 || x + width > 0.995 || y + height > 0.995;
    return sum + (scores.at(-1) ?? 0) * (cut ? 0.6 : 1) * (0.5 + Math.sqrt(width * height));
  }, 0);
  const objects: DetectedObject[] = active.map((track) => ({
    label: labelOf(track),
    score: track.scores.at(-1) ?? 0,
    box: track.box,
  }));
  return { atUs: frame.capturedAtUs, value, objects };
}

function labelsOf(open: OpenEvent): string[] {
  return [...new Set(open.members.map(labelOf))].sort();
}

function eventMessageOf(state: CameraTracks, open: OpenEvent, phase: EventMessage['phase']): EventMessage {
  const tracks: TrackSummary[] = open.members.map((member) => ({
    id: member.id,
    label: labelOf(member),
    startUs: Math.max(member.movingSinceUs, open.startUs),
    endUs: Math.max(member.movingSinceUs, open.startUs, Math.min(member.lastUs, open.endUs)),
    hits: member.hits,
    medianScore: medianScore(member),
    best: member.best,
  }));
  return {
    v: 1,
    id: open.id,
    camera: state.camera,
    phase,
    startUs: open.startUs,
    endUs: open.endUs,
    labels: labelsOf(open),
    tracks,
    zones: [],
    bestScore: Math.max(...open.members.map(({ best }) => best.score)),
    best: { atUs: open.best.atUs, objects: open.best.objects },
    model: state.model,
  };
}
