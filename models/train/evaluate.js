/**
 * Measures a detector, through the very code that the detect function runs, on scenes that training never saw and on
 * the demo's video.
 *
 *   node models/train/evaluate.js [MODEL] [SCENES]
 *
 * Needs the built packages (npm run build) and ffmpeg.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { iou } from '@faascam/core/box';
import { detectSettings } from '@faascam/core/settings';
import { loadDetector } from '@faascam/detect/detector';
import { resolveModel } from '@faascam/detect/registry';
import { demoFps, demoScene } from '@faascam/local/demo/demo-scene';
import { randomScene, randomSceneMs } from '@faascam/local/demo/random-scene';
import { objectsAt, renderFrame, sceneHeight, sceneWidth } from '@faascam/local/demo/scene';
import { demoVideo } from '@faascam/local/demo/video';
import sharp from 'sharp';

const labels = ['person', 'car'];
/** Seeds from here on are nobody's but this script's. */
const firstSeed = 20_000_001;
const least = { visible: 0.45, heightPx: 24 };

/** Whether an object is so well in view that a detector has to find it. One that is not counts neither way. */
const counts = ({ visible, box }) => visible >= least.visible && box[3] * sceneHeight >= least.heightPx;

/**
 * Pairs a frame's detections of one label with its objects, the best first: what each detection is ('right', 'wrong' or
 * 'free' for an object that does not count), and which objects were found with what score.
 */
function pair(detections, objects) {
  const left = new Set(objects);
  const found = new Map();
  const verdicts = [...detections]
    .sort((a, b) => b.score - a.score)
    .map((detection) => {
      let best;
      for (const object of left) {
        const overlap = iou(object.box, detection.box);
        if (overlap >= 0.5 && overlap > (best?.overlap ?? 0)) best = { object, overlap };
      }
      if (best === undefined) return { score: detection.score, verdict: 'wrong' };
      left.delete(best.object);
      found.set(best.object, detection.score);
      return { score: detection.score, verdict: counts(best.object) ? 'right' : 'free' };
    });
  return { verdicts, found };
}

/** Area under the curve of precision over recall, every point counted (as in PASCAL VOC since 2010). */
function averagePrecision(verdicts, wanted) {
  const sorted = verdicts.filter(({ verdict }) => verdict !== 'free').sort((a, b) => b.score - a.score);
  const points = [];
  let right = 0;
  for (const [index, { verdict }] of sorted.entries()) {
    if (verdict === 'right') right += 1;
    points.push({ recall: right / wanted, precision: right / (index + 1) });
  }
  let area = 0;
  let best = 0;
  for (let i = points.length - 1; i >= 0; i -= 1) {
    best = Math.max(best, points[i].precision);
    area += best * (points[i].recall - (points[i - 1]?.recall ?? 0));
  }
  return area;
}

function summary(frames) {
  return labels.map((label) => {
    const of = (things) => things.filter((thing) => thing.label === label);
    const verdicts = frames.flatMap(({ detections, objects }) => pair(of(detections), of(objects)).verdicts);
    const wanted = frames.flatMap(({ objects }) => of(objects)).filter(counts).length;
    const shown = verdicts.filter(({ score }) => score >= 0.4);
    const right = shown.filter(({ verdict }) => verdict === 'right').length;
    const wrong = shown.filter(({ verdict }) => verdict === 'wrong').length;
    return {
      label,
      objects: wanted,
      precision: (right / (right + wrong)).toFixed(3),
      recall: (right / wanted).toFixed(3),
      AP50: averagePrecision(verdicts, wanted).toFixed(3),
    };
  });
}

async function randomFrames(detector, scenes) {
  const frames = [];
  const pixels = Buffer.alloc(sceneWidth * sceneHeight * 3);
  const raw = { width: sceneWidth, height: sceneHeight, channels: 3 };
  for (let seed = firstSeed; seed < firstSeed + scenes; seed += 1) {
    const scene = randomScene(seed);
    for (const part of [0.15, 0.4, 0.6, 0.85]) {
      renderFrame(scene, part * randomSceneMs, pixels);
      const jpeg = await sharp(pixels, { raw }).jpeg({ quality: 80 }).toBuffer();
      frames.push({
        objects: objectsAt(scene, part * randomSceneMs),
        detections: await detector.detect(jpeg),
      });
    }
  }
  return frames;
}

/** The demo's frames as the edge agent would send them: from the video, as JPEG of quality 5. */
async function demoFrames(detector) {
  const directory = await mkdtemp(join(tmpdir(), 'faascam-evaluate-'));
  try {
    const video = await demoVideo(directory);
    const ffmpeg = spawn('ffmpeg', ['-v', 'error', '-i', video, '-q:v', '5', join(directory, '%04d.jpg')], {
      stdio: 'inherit',
    });
    const [code] = await once(ffmpeg, 'close');
    if (code !== 0) throw new Error('ffmpeg failed');
    const names = (await readdir(directory)).filter((name) => name.endsWith('.jpg')).sort();
    const frames = [];
    for (const [index, name] of names.entries()) {
      const timeMs = (index * 1000) / demoFps;
      const jpeg = await readFile(join(directory, name));
      const began = performance.now();
      const detections = await detector.detect(jpeg);
      const tookMs = performance.now() - began;
      frames.push({ timeMs, objects: objectsAt(demoScene, timeMs), detections, tookMs });
    }
    return frames;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function demoSummary(frames) {
  const inView = frames.flatMap(({ timeMs, detections, objects }) =>
    labels.flatMap((label) => {
      const { found } = pair(
        detections.filter((detection) => detection.label === label),
        objects.filter((object) => object.label === label),
      );
      return objects
        .filter((object) => object.label === label && object.visible >= 0.95)
        .map((object) => ({ timeMs, label, score: found.get(object) ?? 0 }));
    }),
  );
  const empty = frames.filter(({ objects }) => objects.length === 0);
  const took = frames.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  const scores = inView.map(({ score }) => score).sort((a, b) => a - b);
  return {
    'objects fully in view': inView.length,
    'of these with a score of .8 and more': (
      scores.filter((score) => score >= 0.8).length / scores.length
    ).toFixed(4),
    'lowest scores': inView
      .sort((a, b) => a.score - b.score)
      .slice(0, 5)
      .map(({ timeMs, label, score }) => `${label} ${score.toFixed(2)} at ${timeMs} ms`)
      .join(', '),
    'empty frames': empty.length,
    'best score in an empty frame': Math.max(
      ...empty.flatMap(({ detections }) => detections.map(({ score }) => score)),
      0,
    ).toFixed(3),
    'ms a frame, median': took[Math.floor(took.length / 2)].toFixed(1),
  };
}

async function main() {
  const [model = 'faascam-demo', scenes = '500'] = process.argv.slice(2);
  const settings = detectSettings.parse({ model, minScore: 0.02, threads: 1 });
  const resolved = await resolveModel(model, '.');
  const detector = await loadDetector({ ...resolved, labels: resolved.labels ?? labels }, settings);
  console.log(`${resolved.name}, sha256 ${resolved.sha256}`);
  console.log(
    `\nrandom scenes, seeds from ${firstSeed}, ${scenes} scenes of 4 frames; at IoU .5 and score .4:`,
  );
  console.table(summary(await randomFrames(detector, Number(scenes))));
  const frames = await demoFrames(detector);
  console.log('\ndemo loop:');
  console.table(summary(frames));
  console.log(demoSummary(frames));
  await detector.close();
}

await main();
