import type { Candidate } from './decode.ts';

/** Intersection over union. Boxes may reach beyond the picture. */
export function overlap(a: Candidate, b: Candidate): number {
  const shared = sharedArea(a, b);
  const union = areaOf(a) + areaOf(b) - shared;
  return union > 0 ? shared / union : 0;
}

export function sharedArea(a: Candidate, b: Candidate): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

export function areaOf({ left, top, right, bottom }: Candidate): number {
  return Math.max(0, right - left) * Math.max(0, bottom - top);
}
