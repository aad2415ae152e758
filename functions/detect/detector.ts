import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { clampBox } from '@faascam/core/box';
import type { DetectedObject } from '@faascam/core/messages';
import { FaascamError, messageOf } from '@faascam/core/errors';
import type { DetectSettings } from '@faascam/core/settings';
import {
  decodeFinished,
  decodeLabelled,
  decodeQueries,
  decodeRows,
  type Candidate,
  type Reading,
} from './decode.ts';
import { labelOfNumber, labelsFor } from './labels.ts';
import { layoutOf, pictureInputOf, type Answer, type Layout, type LayoutHints } from './layout.ts';
import { placementOf, type Rectangle } from './letterbox.ts';
import { mergeViews, type View } from './merge.ts';
import { inputSizeOf, namesOf, readMetadata } from './metadata.ts';
import { decodePicture } from './picture.ts';
import { channelsOf } from './pixels.ts';
import { wholeOnly, type Look } from './regions.ts';
import type { ResolvedModel } from './registry.ts';
import { Resampler, type Picture } from './resample.ts';
import { feedsOf, floatsOf, inputArrayOf, openModel, seenOutputs, type OpenedModel } from './session.ts';

/** What a detector saw in a picture. */
export interface Seen {
  /** Size of the upright picture in pixels, of which boxes are fractions. */
  width: number;
  height: number;
  /** Objects that reach their minimum score, best first. */
  objects: DetectedObject[];
  /** Those below, down to the settings' `lowScore`. */
  low: DetectedObject[];
  look: Look;
}

/** Decides where to look, once the picture's size is known. */
export type Planner = (picture: { width: number; height: number }) => Look;

export interface Detector {
  readonly model: ResolvedModel;
  readonly layout: Layout;
  readonly labels: readonly string[];
  /** What runs it; `fallback` says why nothing better does. */
  readonly provider: string;
  readonly fallback: string | undefined;
  /** What is in an encoded picture; the whole of it unless planned otherwise. Throws `MalformedInputError` when it cannot be decoded. */
  look(encoded: Buffer, plan?: Planner): Promise<Seen>;
  /** The objects of a look at the whole picture, best first. */
  detect(encoded: Buffer): Promise<DetectedObject[]>;
  close(): Promise<void>;
}

/** As many as COCO's evaluation takes. */
const MOST_OBJECTS = 100;

/**
 * Loads a model and runs it once, so that the first picture is no slower than the others.
 * Throws `FaascamError` `model-unreadable`, `model-layout`, `provider-unavailable`, or `UsageError` `provider-unknown`,
 * `model-labels`.
 */
export async function loadDetector(model: ResolvedModel, settings: DetectSettings): Promise<Detector> {
  const opened = await openModel(model.path, settings);
  try {
    return await detectorOf(model, opened, settings);
  } catch (error) {
    await opened.session.release();
    throw error;
  }
}

async function detectorOf(
  model: ResolvedModel,
  { session, provider, fallback, inputs }: OpenedModel,
  settings: DetectSettings,
): Promise<Detector> {
  const metadata = await readMetadata(model.path);
  const names = namesOf(metadata.get('names'));
  const hints: LayoutHints = {
    labelCount: (model.labels ?? names)?.length,
    task: metadata.get('task'),
    inputSize: settings.inputSize ?? inputSizeOf(metadata.get('imgsz')),
  };
  const input = pictureInputOf(inputs, hints);
  const array = inputArrayOf(input);
  const feeds = feedsOf(input, array);
  const layout = await firstRun();
  const labels = labelsFor(model.path, model.labels, names, layout.classes);
  const labelOf = (classId: number): string => labels[classId] ?? labelOfNumber(classId);
  const minScoreOf = ({ label }: { label: string }): number => settings.minScores[label] ?? settings.minScore;
  const reading: Reading = {
    width: layout.width,
    height: layout.height,
    minScoreOf: (classId) => Math.min(settings.lowScore, minScoreOf({ label: labelOf(classId) })),
  };
  const resampler = new Resampler(layout, channelsOf(layout.pixels, layout.type), layout.channelsLast, array);
  const doubleFree = layout.family === 'end-to-end' || layout.family === 'detr';
  const merging = {
    maxIou: doubleFree ? 1 : settings.nmsIou,
    maxIouAcross: settings.nmsIou,
    limit: MOST_OBJECTS,
  };

  /** The shapes and numbers of a run over plain grey tell the layout. */
  async function firstRun(): Promise<Layout> {
    const grey = 114;
    array.fill(input.type === 'float32' ? grey / 255 : input.type === 'uint8' ? grey : HALF_GREY);
    try {
      const outputs = seenOutputs(await session.run(feeds));
      const found = layoutOf(input, inputs, outputs, hints);
      return settings.pixels === 'auto' ? found : { ...found, pixels: settings.pixels };
    } catch (cause) {
      if (cause instanceof FaascamError) throw cause;
      throw new FaascamError(
        'model-unreadable',
        `The model ${model.path} cannot be run on a picture of ${input.width}x${input.height} (${messageOf(cause).split('\n')[0] ?? ''}): choose another model, or set detect.inputSize if it leaves its size open.`,
        { cause },
      );
    }
  }

  const lookAt = async (picture: Picture, part: Rectangle): Promise<View> => {
    const placement = placementOf(part, layout, layout.placing);
    resampler.place(picture, part, placement);
    const found = candidatesOf(await session.run(feeds), layout.answer, reading);
    return { part, candidates: found.map((candidate) => inPicture(candidate, part, placement)) };
  };

  const lookNow = async (encoded: Buffer, plan: Planner): Promise<Seen> => {
    const picture = await decodePicture(encoded);
    const { width, height } = picture;
    const look = plan({ width, height });
    const views: View[] = [];
    if (look.whole) views.push(await lookAt(picture, { left: 0, top: 0, width, height }));
    for (const region of look.regions) views.push(await lookAt(picture, region));
    const all = mergeViews(views, picture, merging).map(({ classId, score, left, top, right, bottom }) => ({
      label: labelOf(classId),
      score,
      box: clampBox([left / width, top / height, (right - left) / width, (bottom - top) / height]),
    }));
    const objects = all.filter((object) => object.score >= minScoreOf(object));
    const low = all.filter((object) => object.score < minScoreOf(object));
    return { width, height, objects, low, look };
  };

  // One picture at a time goes through the session, whose input is used again.
  let turn: Promise<unknown> = Promise.resolve();
  const look: Detector['look'] = (encoded, plan = () => wholeOnly) => {
    const result = turn.then(() => lookNow(encoded, plan));
    turn = result.catch(() => undefined);
    return result;
  };
  return {
    ...{ model, layout, labels, provider, fallback, look },
    detect: async (encoded) => (await look(encoded)).objects,
    close: () => session.release(),
  };
}

/** 114/255 as a half-precision float. */
const HALF_GREY = 0x3727;

function inPicture(candidate: Candidate, part: Rectangle, placement: Rectangle): Candidate {
  const across = part.width / placement.width;
  const down = part.height / placement.height;
  return {
    classId: candidate.classId,
    score: candidate.score,
    left: part.left + (candidate.left - placement.left) * across,
    top: part.top + (candidate.top - placement.top) * down,
    right: part.left + (candidate.right - placement.left) * across,
    bottom: part.top + (candidate.bottom - placement.top) * down,
  };
}

function candidatesOf(outputs: InferenceSession.ReturnType, answer: Answer, reading: Reading): Candidate[] {
  const floats = (name: string): Float32Array => {
    const output = outputs[name];
    return (output instanceof Tensor ? floatsOf(output) : undefined) ?? new Float32Array();
  };
  switch (answer.kind) {
    case 'rows':
      return decodeRows(floats(answer.output), answer, reading);
    case 'finished':
      return decodeFinished(floats(answer.output), answer, reading);
    case 'queries':
      return decodeQueries(floats(answer.scores), floats(answer.boxes), answer, reading);
    case 'labelled': {
      const labels: unknown = outputs[answer.labels]?.data;
      const classIds = labels instanceof BigInt64Array || labels instanceof Int32Array ? labels : [];
      return decodeLabelled(classIds, floats(answer.boxes), floats(answer.scores), reading);
    }
  }
}
