import { eventIdOf } from '@faascam/core/ids';
import { clipReady, type ClipReady } from '@faascam/core/clip-messages';
import type { SegmentFile } from '../segment.ts';

export interface ReadyOptions {
  camera?: string;
  /** What the agent says; without, what follows from the segments. */
  fromUs?: number;
  toUs?: number;
  bestAtUs?: number;
  gaps?: ClipReady['gaps'];
  demo?: boolean;
}

/** The message that an agent sends of these segments, for an event with a person and a dog in their middle. */
export function readyOf(files: SegmentFile[], options: ReadyOptions = {}): ClipReady {
  const camera = options.camera ?? 'yard';
  const first = files[0]?.ref;
  const last = files.at(-1)?.ref;
  const fromUs = options.fromUs ?? (first?.startUs ?? 0) + 100_000;
  const toUs =
    options.toUs ?? (last === undefined ? fromUs + 5_000_000 : last.startUs + last.durationUs - 100_000);
  const startUs = fromUs + 1_000_000;
  const objects = [
    { label: 'person', score: 0.87, box: [0.1, 0.2, 0.2, 0.6] },
    { label: 'dog', score: 0.6, box: [0.6, 0.6, 0.2, 0.2] },
  ];
  const bestAtUs = options.bestAtUs ?? startUs + 500_000;
  const track = { startUs, endUs: toUs, hits: 9, medianScore: 0.8 };
  return clipReady.parse({
    v: 1,
    eventId: eventIdOf(camera, startUs),
    camera,
    agent: 'edge-1',
    fromUs,
    toUs,
    segments: files.map(({ ref }) => ref),
    gaps: options.gaps ?? [],
    codec: { video: 'h264' },
    event: {
      v: 1,
      id: eventIdOf(camera, startUs),
      camera,
      phase: 'end',
      startUs,
      endUs: toUs - 100_000,
      labels: ['person', 'dog'],
      tracks: objects.map(({ label, score, box }, id) => ({
        ...track,
        id,
        label,
        best: { atUs: bestAtUs, score, box },
      })),
      zones: [],
      bestScore: 0.87,
      best: { atUs: bestAtUs, objects },
      model: { name: 'test', sha256: '0'.repeat(64), demo: options.demo ?? false },
      endReason: 'left',
    },
  });
}
