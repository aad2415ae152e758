import type { EventMessage } from '@faascam/core/messages';
import { sizeOf } from '@faascam/core/event-walk';
import type { SelectedEvent } from './event-selection.ts';
import { localTime } from './local-time.ts';

/** Events as rows of a table, for people. */
export const EVENT_COLUMNS = ['EVENT', 'BEGAN', 'LENGTH', 'LABELS', 'ZONES', 'SCORE', 'SIZE', 'NOTES'];

export function eventRow({ stored, receipt, kept }: SelectedEvent): string[] {
  const { event, complete, clip, parts } = receipt;
  const videos = parts ?? (clip === undefined ? [] : [clip]);
  const durationMs = videos.reduce((sum, video) => sum + video.durationMs, 0);
  const notes = [
    kept ? 'kept' : '',
    videos.length === 0 ? 'no clip' : '',
    videos.length > 1 ? `${videos.length} parts` : '',
    complete ? '' : `incomplete (${[...new Set(receipt.gaps.map(({ cause }) => cause))].join(', ')})`,
    event.model.demo ? 'demo model' : '',
  ];
  return [...cellsOf(event, durationMs), sizeText(sizeOf(stored)), notes.filter(Boolean).join(', ')];
}

/** The row of an event that is not stored yet. */
export function pendingRow(event: EventMessage, note: string): string[] {
  return [...cellsOf(event, (event.endUs - event.startUs) / 1000), '-', note];
}

function cellsOf(event: EventMessage, lengthMs: number): string[] {
  return [
    event.id,
    localTime(event.startUs),
    `${(lengthMs / 1000).toFixed(1)} s`,
    [...new Set(event.labels)].join(','),
    event.zones.join(',') || '-',
    event.bestScore.toFixed(2),
  ];
}

/** Bytes for people: `12.3 MB`. */
export function sizeText(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e3).toFixed(1)} kB`;
}
