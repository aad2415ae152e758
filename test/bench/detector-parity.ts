import { readFileSync } from 'node:fs';
import { meanAveragePrecision, overlap, type Detection } from './detector-coco.ts';
import { detectionsIn, detectorFor, type CocoSet } from './detector-material.ts';

/** Down to this score the reference tells what it saw. */
const REFERENCE_SCORE = 0.05;
/** What a reference detection must score to be looked for, and how well it must be met. */
const SURE = 0.25;
const SAME = 0.9;

export interface Parity {
  map: number;
  /** What follows only where there is a reference. */
  referenceMap?: number;
  sure?: number;
  /** How many of the sure ones are met by one of ours of the same class. */
  met?: number;
}

export async function parityOf(
  shared: string,
  model: string,
  { images, truth }: CocoSet,
  reference: readonly Detection[] | undefined,
): Promise<Parity> {
  const detector = await detectorFor(shared, model, REFERENCE_SCORE);
  const ours: Detection[] = [];
  try {
    for (const { id, path } of images) {
      ours.push(...detectionsIn(id, await detector.look(readFileSync(path)), detector.labels));
    }
  } finally {
    await detector.close();
  }
  const map = meanAveragePrecision(truth, ours);
  if (reference === undefined) return { map };
  const sure = reference.filter(({ score }) => score >= SURE);
  const met = sure.filter((one) =>
    ours.some(
      ({ image, category, box }) =>
        image === one.image && category === one.category && overlap(box, one.box) >= SAME,
    ),
  );
  return { map, referenceMap: meanAveragePrecision(truth, reference), sure: sure.length, met: met.length };
}
