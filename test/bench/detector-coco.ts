/** A box as [x, y, width, height] in pixels. */
export type PixelBox = readonly [number, number, number, number];

export interface Truth {
  image: number;
  category: number;
  box: PixelBox;
  /** A crowd: what lies in it counts neither way. */
  crowd: boolean;
}

export interface Detection {
  image: number;
  category: number;
  box: PixelBox;
  score: number;
}

const thresholds = Array.from({ length: 10 }, (_, index) => 0.5 + index * 0.05);
const recalls = Array.from({ length: 101 }, (_, index) => index / 100);
const MOST_DETECTIONS = 100;

/**
 * Mean average precision as COCO's evaluation defines it (Lin et al., arXiv:1405.0312): over IoU .50 to .95 in steps of
 * .05 and all classes that occur, precision at 101 recalls, all areas, at most 100 detections an image and class.
 */
export function meanAveragePrecision(truth: readonly Truth[], detections: readonly Detection[]): number {
  const categories = [...new Set(truth.filter(({ crowd }) => !crowd).map(({ category }) => category))];
  const of = <T extends { category: number }>(list: readonly T[], category: number): T[] =>
    list.filter((one) => one.category === category);
  const precisions = categories.flatMap((category) => {
    const images = imagesOf(of(truth, category), of(detections, category));
    return thresholds.map((threshold) => averagePrecision(images, threshold));
  });
  return precisions.reduce((sum, precision) => sum + precision, 0) / precisions.length;
}

interface Image {
  truth: Truth[];
  /** Best first. */
  detections: Detection[];
  /** IoU of each detection with each truth; with a crowd, the share of the detection that lies in it. */
  overlaps: number[][];
}

function imagesOf(truth: readonly Truth[], detections: readonly Detection[]): Image[] {
  const numbers = new Set([...truth, ...detections].map(({ image }) => image));
  return [...numbers].map((number) => {
    // Crowds last: what is no crowd is matched first.
    const here = truth
      .filter(({ image }) => image === number)
      .sort((a, b) => Number(a.crowd) - Number(b.crowd));
    const found = detections
      .filter(({ image }) => image === number)
      .sort((a, b) => b.score - a.score)
      .slice(0, MOST_DETECTIONS);
    const overlaps = found.map(({ box }) => here.map((one) => overlap(box, one.box, one.crowd)));
    return { truth: here, detections: found, overlaps };
  });
}

function averagePrecision(images: readonly Image[], threshold: number): number {
  const judged = images.flatMap((image) => judge(image, threshold));
  judged.sort((a, b) => b.score - a.score);
  const total = images.reduce((sum, { truth }) => sum + truth.filter(({ crowd }) => !crowd).length, 0);
  let hits = 0;
  const curve = judged.map(({ hit }, index) => {
    if (hit) hits++;
    return { recall: hits / total, precision: hits / (index + 1) };
  });
  // Precision at a recall is the best at that or any higher recall.
  for (let index = curve.length - 2; index >= 0; index--) {
    const [here, next] = [curve[index], curve[index + 1]];
    if (here && next) here.precision = Math.max(here.precision, next.precision);
  }
  const at = recalls.map((recall) => curve.find((point) => point.recall >= recall)?.precision ?? 0);
  return at.reduce((sum, precision) => sum + precision, 0) / recalls.length;
}

interface Judged {
  score: number;
  hit: boolean;
}

/** Which detections of an image find a truth that no better one has found. Those that only lie in a crowd are left out. */
function judge({ truth, detections, overlaps }: Image, threshold: number): Judged[] {
  const taken = new Set<number>();
  return detections.flatMap(({ score }, index): Judged[] => {
    let best: { at: number; overlap: number; crowd: boolean } | undefined;
    for (const [at, { crowd }] of truth.entries()) {
      if (taken.has(at) && !crowd) continue;
      if (best !== undefined && !best.crowd && crowd) break;
      const shared = overlaps[index]?.[at] ?? 0;
      if (shared < Math.max(threshold, best?.overlap ?? 0)) continue;
      best = { at, overlap: shared, crowd };
    }
    if (best === undefined) return [{ score, hit: false }];
    if (best.crowd) return [];
    taken.add(best.at);
    return [{ score, hit: true }];
  });
}

export function overlap(box: PixelBox, other: PixelBox, crowd = false): number {
  const width = Math.min(box[0] + box[2], other[0] + other[2]) - Math.max(box[0], other[0]);
  const height = Math.min(box[1] + box[3], other[1] + other[3]) - Math.max(box[1], other[1]);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (crowd ? box[2] * box[3] : box[2] * box[3] + other[2] * other[3] - shared);
}
