import type { Track } from './state.ts';

/** Labels that detectors confuse on one and the same thing: a track may be seen as any of its family. */
const families = [
  new Set(['car', 'truck', 'bus']),
  new Set(['bicycle', 'motorcycle']),
  new Set(['dog', 'cat']),
];

export function sameFamily(a: string, b: string): boolean {
  return a === b || families.some((family) => family.has(a) && family.has(b));
}

/** The label that the track was seen as most often. */
export function labelOf(track: Pick<Track, 'votes'>): string {
  let best = '';
  let most = 0;
  for (const [label, votes] of Object.entries(track.votes)) {
    if (votes > most) [best, most] = [label, votes];
  }
  return best;
}

export function medianScore(track: Pick<Track, 'scores'>): number {
  const sorted = [...track.scores].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
