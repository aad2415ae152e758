import { iou, type Box } from '@faascam/core/box';
import { assign } from '../assignment.ts';
import type { TrueObject } from './world.ts';

/** What a tracker said of one frame. */
export interface ToldObject {
  track: number;
  box: Box;
}

export interface IdentityScores {
  /** True objects over all frames. */
  objects: number;
  missed: number;
  invented: number;
  /** How often a true object was followed by another track than before. */
  switches: number;
  /** 1 - (missed + invented + switches) / objects: Bernardin and Stiefelhagen, "CLEAR MOT", 2008. */
  mota: number;
  /** Root of detection and association accuracy, at IoU .5 alone: after Luiten et al., "HOTA", IJCV 2021. */
  hota: number;
}

const MATCH_IOU = 0.5;

/** Judges tracks against the truth, frame by frame. */
export function judgeIdentities(
  frames: readonly { truth: readonly TrueObject[]; told: readonly ToldObject[] }[],
): IdentityScores {
  const lastTrack = new Map<number, number>();
  const pairs = new Map<string, number>();
  const trueCounts = new Map<number, number>();
  const toldCounts = new Map<number, number>();
  let [objects, matched, invented, switches] = [0, 0, 0, 0];
  for (const { truth, told } of frames) {
    objects += truth.length;
    for (const { id } of truth) trueCounts.set(id, (trueCounts.get(id) ?? 0) + 1);
    for (const { track } of told) toldCounts.set(track, (toldCounts.get(track) ?? 0) + 1);
    const costs = truth.map(({ id, box }) =>
      told.map((each) => {
        const overlap = iou(box, each.box);
        if (overlap < MATCH_IOU) return Infinity;
        // Who was followed by a track before is so still, as long as it fits.
        return 1 - overlap - (lastTrack.get(id) === each.track ? 1 : 0);
      }),
    );
    const columns = assign(costs, told.length, () => 2);
    let here = 0;
    for (const [row, column] of columns.entries()) {
      const [object, each] = [truth[row], told[column]];
      if (object === undefined || each === undefined) continue;
      here += 1;
      const before = lastTrack.get(object.id);
      if (before !== undefined && before !== each.track) switches += 1;
      lastTrack.set(object.id, each.track);
      const key = `${object.id} ${each.track}`;
      pairs.set(key, (pairs.get(key) ?? 0) + 1);
    }
    matched += here;
    invented += told.length - here;
  }
  let association = 0;
  for (const [key, together] of pairs) {
    const [id = NaN, track = NaN] = key.split(' ').map(Number);
    const either = (trueCounts.get(id) ?? 0) + (toldCounts.get(track) ?? 0) - together;
    association += (together * together) / either;
  }
  const detection = matched / Math.max(1, objects + invented);
  return {
    objects,
    missed: objects - matched,
    invented,
    switches,
    mota: 1 - (objects - matched + invented + switches) / Math.max(1, objects),
    hota: Math.sqrt(detection * (association / Math.max(1, matched))),
  };
}
