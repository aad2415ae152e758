import { createHash } from 'node:crypto';
import { eventIdOf } from '@faascam/core/ids';
import type { ClipWanted } from '@faascam/core/messages';

/** A camera's footage from `fromUs` to `toUs`, which somebody asks for. */
export interface ExportWish {
  camera: string;
  fromUs: number;
  toUs: number;
  by: string;
  atUs: number;
}

/** The label of what was exported: it is no object, and retention can name it. */
export const EXPORT_LABEL = 'export';

/**
 * The request for footage that makes a clip of it like any other. The same range always is the same event: asking twice is
 * harmless. Another range from the same start is another one, by less than a millisecond. Pure.
 */
export function exportRequestOf({ camera, fromUs, toUs, by, atUs }: ExportWish): ClipWanted {
  const digest = createHash('sha256').update(`${fromUs}-${toUs}`).digest();
  const startUs = fromUs + (digest.readUInt16BE(0) % 1000);
  const eventId = eventIdOf(camera, startUs);
  const endUs = Math.max(startUs, toUs);
  const box: [number, number, number, number] = [0, 0, 1, 1];
  const best = { atUs: startUs, score: 0, box };
  return {
    ...{ v: 1, eventId, camera, fromUs, toUs },
    event: {
      ...{ v: 1, id: eventId, camera, phase: 'end', startUs, endUs },
      labels: [EXPORT_LABEL],
      tracks: [{ id: 0, label: EXPORT_LABEL, startUs, endUs, hits: 1, medianScore: 0, best }],
      ...{ zones: [], bestScore: 0 },
      best: { atUs: Math.round((fromUs + toUs) / 2), objects: [] },
      // Nobody looked for anything in it: any picture will do.
      candidates: [],
      model: { name: 'none', sha256: '0'.repeat(64), demo: false },
      exported: { by, atUs },
    },
  };
}
