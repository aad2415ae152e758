import { readFile, stat } from 'node:fs/promises';
import { FaascamError, systemCodeOf, UsageError } from '@faascam/core/errors';
import { detectSettings } from '@faascam/core/settings';
import { loadDetector, type Detector, type Planner } from '@faascam/detect/detector';
import { tilesOver, wholeOnly } from '@faascam/detect/regions';
import { resolveModel } from '@faascam/detect/registry';
import { writeJson } from '../json-output.ts';
import { modelDirectoryOf } from '../model-choice.ts';
import { configOf, type CommandLine } from '../quick-config.ts';
import { print } from '../terminal.ts';

export interface DetectCommand extends CommandLine {
  minScore?: number | undefined;
  json?: string | undefined;
  /** Looks at the whole and at overlapping parts of the model's size. */
  regions?: boolean | undefined;
}

interface Detection {
  /** Absent labels are numbered from 0 as the model does. */
  classId: number;
  label: string;
  score: number;
  /** [x, y, width, height] in pixels of the image. */
  box: [number, number, number, number];
}

interface SeenImage {
  file: string;
  width: number;
  height: number;
  detections: Detection[];
}

/** `faascam detect`: what the detect function sees in pictures, each looked at as a whole, or also in parts. */
export async function detect(files: string[], command: DetectCommand, signal: AbortSignal): Promise<void> {
  const pictures: { file: string; encoded: Buffer }[] = [];
  for (const file of files) pictures.push({ file, encoded: await readPicture(file) });
  const config = configOf({ ...command, source: undefined });
  const model = await resolveModel(config.detect.model, modelDirectoryOf(config));
  const minScore = command.minScore ?? config.detect.minScore;
  // What is below the minimum is not told here, so that it takes no places either.
  const settings = detectSettings.parse({ ...config.detect, minScore, minScores: {}, lowScore: minScore });
  const detector = await loadDetector(model, settings);
  const plan: Planner = (picture) =>
    command.regions === true ? { whole: true, regions: tilesOver(picture, detector.layout) } : wholeOnly;
  const images: SeenImage[] = [];
  try {
    for (const { file, encoded } of pictures) {
      signal.throwIfAborted();
      images.push(await look(detector, file, encoded, plan));
    }
  } finally {
    await detector.close();
  }
  if (command.json === undefined) {
    for (const image of images) tellOf(image);
    return;
  }
  const { name, sha256, demo } = model;
  const { family, width, height } = detector.layout;
  await writeJson({ v: 1, model: { name, sha256, demo, family, width, height }, images }, command.json);
}

async function look(detector: Detector, file: string, encoded: Buffer, plan: Planner): Promise<SeenImage> {
  let seen;
  try {
    seen = await detector.look(encoded, plan);
  } catch (cause) {
    if (!(cause instanceof FaascamError) || cause.code !== 'malformed-input') throw cause;
    throw new FaascamError(
      'no-picture',
      `${file} is no picture that can be decoded, or it is cut off: give a JPEG, PNG or WebP file.`,
      { cause },
    );
  }
  const { width, height } = seen;
  const detections = seen.objects.map(({ label, score, box: [x, y, across, down] }): Detection => ({
    classId: classOf(detector.labels, label),
    label,
    score,
    box: [x * width, y * height, across * width, down * height],
  }));
  return { file, width, height, detections };
}

/** The class number of a label; one that the model has no word for is called `class N`. */
function classOf(labels: readonly string[], label: string): number {
  const at = labels.indexOf(label);
  return at >= 0 ? at : Number(/^class (\d+)$/.exec(label)?.[1] ?? -1);
}

function tellOf({ file, detections }: SeenImage): void {
  print(`${file}: ${detections.length} objects`);
  for (const { label, score, box } of detections) {
    print(`  ${label} ${score.toFixed(3)} at ${box.map((side) => side.toFixed(1)).join(' ')}`);
  }
}

async function readPicture(path: string): Promise<Buffer> {
  try {
    if (!(await stat(path)).isFile()) throw new UsageError('no-picture', `${path} is no file.`);
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof FaascamError) throw cause;
    const why = systemCodeOf(cause) === 'ENOENT' ? 'does not exist' : 'cannot be read';
    throw new FaascamError('no-picture', `The picture ${path} ${why}: check the path.`, { cause });
  }
}
