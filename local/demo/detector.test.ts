import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { intersection, iou } from '@faascam/core/box';
import type { DetectedObject } from '@faascam/core/messages';
import { detectSettings } from '@faascam/core/settings';
import { loadDetector, type Detector } from '@faascam/detect/detector';
import { resolveModel } from '@faascam/detect/registry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoScene } from './demo-scene.ts';
import { objectsAt, type SceneObject } from './scene.ts';
import { demoVideo } from './video.ts';

interface SeenFrame {
  timeMs: number;
  objects: SceneObject[];
  detections: DetectedObject[];
}

/** Frames a second, as the agent samples them. */
const fps = 5;

let directory: string;
let detector: Detector;
const frames: SeenFrame[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-demo-detector-'));
  const video = await demoVideo(directory);
  const sampled = ['-vf', `fps=${fps}:round=up:start_time=0`, '-q:v', '5'];
  const ffmpeg = spawn('ffmpeg', ['-v', 'error', '-i', video, ...sampled, join(directory, '%04d.jpg')]);
  await once(ffmpeg, 'close');
  const settings = detectSettings.parse({ model: 'faascam-demo', minScore: 0.02 });
  detector = await loadDetector(await resolveModel(settings.model, directory), settings);
  const names = (await readdir(directory)).filter((name) => name.endsWith('.jpg')).sort();
  for (const [index, name] of names.entries()) {
    const timeMs = (index * 1000) / fps;
    const detections = await detector.detect(await readFile(join(directory, name)));
    frames.push({ timeMs, objects: objectsAt(demoScene, timeMs), detections });
  }
});

afterAll(async () => {
  await detector.close();
  await rm(directory, { recursive: true, force: true });
});

/** The best score of a detection that is where the object is, and says what it is. */
function scoreOf(object: SceneObject, { detections }: SeenFrame): number {
  const own = detections.filter(({ label, box }) => label === object.label && iou(box, object.box) >= 0.5);
  return Math.max(0, ...own.map(({ score }) => score));
}

describe('demo detector on the demo video', () => {
  it('sees whoever is fully in view, nearly always with a score of .8 and more', () => {
    expect(frames).toHaveLength(300);
    const scores = frames.flatMap((frame) =>
      frame.objects.filter(({ visible }) => visible >= 0.95).map((object) => scoreOf(object, frame)),
    );
    expect(scores.length).toBeGreaterThan(100);
    expect(scores.filter((score) => score >= 0.8).length / scores.length).toBeGreaterThan(0.95);
    expect(scores.filter((score) => score >= 0.4).length / scores.length).toBeGreaterThan(0.99);
  });

  it('sees nothing in the empty yard: neither in the lamp’s light nor in the cloud’s shadow', () => {
    for (const { timeMs, detections } of frames.filter(({ objects }) => objects.length === 0)) {
      expect(
        detections.filter(({ score }) => score >= 0.3),
        `at ${timeMs} ms`,
      ).toEqual([]);
    }
  });

  it('takes nothing for what it is not in one frame after the other, so that no event comes of it', () => {
    const ghosts = frames.map(({ objects, detections }) =>
      detections.filter(
        ({ score, box }) => score >= 0.4 && !objects.some((object) => intersection(object.box, box) > 0),
      ),
    );
    const lasting = ghosts.flatMap((here, index) =>
      here.filter(({ box }) => (ghosts[index + 1] ?? []).some((next) => iou(next.box, box) > 0.3)),
    );
    expect(lasting).toEqual([]);
  });
});
