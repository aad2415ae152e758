import { describe, expect, it } from 'vitest';
import { demoScene, demoVisits } from './demo-scene.ts';
import { randomScene, randomSceneMs } from './random-scene.ts';
import { objectsAt, renderFrame, sceneHeight, sceneWidth, type Scene } from './scene.ts';

function picture(scene: Scene, timeMs: number): Uint8Array {
  const pixels = new Uint8Array(sceneWidth * sceneHeight * 3);
  renderFrame(scene, timeMs, pixels);
  return pixels;
}

/** Mean of the absolute differences between two pictures, in grey levels. */
function difference(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
  return sum / a.length;
}

function labelsAt(timeMs: number): string[] {
  return objectsAt(demoScene, timeMs)
    .map(({ label }) => label)
    .sort();
}

describe('demo scene', () => {
  it('gives the same picture for the same time, and another after the next tenth of a second', () => {
    const again: Scene = { ...demoScene };
    expect(difference(picture(again, 6000), picture(demoScene, 6000))).toBe(0);
    expect(difference(picture(demoScene, 6100), picture(demoScene, 6000))).toBeGreaterThan(0);
  });

  it('shows the objects of its visits, and nobody outside them', () => {
    for (let timeMs = 0; timeMs < demoScene.durationMs; timeMs += 100) {
      const visit = demoVisits.find(({ fromMs, toMs }) => timeMs >= fromMs && timeMs < toMs);
      if (visit === undefined) expect(labelsAt(timeMs), `at ${timeMs} ms`).toEqual([]);
      else if (timeMs > visit.fromMs + 700 && timeMs < visit.toMs - 700) {
        expect(labelsAt(timeMs), `at ${timeMs} ms`).toEqual([...visit.labels].sort());
      }
    }
  });

  it('begins its first visit after the 5 s that belong to its clip, ends it by 15 s, and stays empty for 6 s and more between visits', () => {
    const [first] = demoVisits;
    expect(first?.fromMs).toBeGreaterThanOrEqual(5500);
    expect(first?.toMs).toBeLessThanOrEqual(15_000);
    for (const [index, visit] of demoVisits.entries()) {
      const next = demoVisits[index + 1]?.fromMs ?? demoScene.durationMs + (first?.fromMs ?? 0);
      expect(next - visit.toMs).toBeGreaterThanOrEqual(6000);
    }
  });

  it('joins its end to its start: both are the same empty yard but for noise', () => {
    const noise = difference(picture(demoScene, 100), picture(demoScene, 200));
    expect(difference(picture(demoScene, demoScene.durationMs - 100), picture(demoScene, 0))).toBeLessThan(
      noise * 1.1,
    );
    expect(difference(picture(demoScene, demoScene.durationMs), picture(demoScene, 0))).toBe(0);
  });

  it('switches a light on and off and lets a cloud pass while nobody is there', () => {
    const before = picture(demoScene, 15_500);
    const noise = difference(before, picture(demoScene, 15_600));
    for (const timeMs of [17_500, 31_500]) {
      expect(labelsAt(timeMs)).toEqual([]);
      expect(difference(before, picture(demoScene, timeMs))).toBeGreaterThan(noise * 3);
    }
    expect(difference(before, picture(demoScene, 21_000))).toBeLessThan(noise * 1.1);
  });

  it('shows people between 60 and 160 pixels tall, in boxes that hold what changed', () => {
    for (const { label, box } of objectsAt(demoScene, 9500)) {
      expect(label).toBe('person');
      expect(box[3] * sceneHeight).toBeGreaterThan(60);
      expect(box[3] * sceneHeight).toBeLessThan(160);
    }
    const [person] = objectsAt(demoScene, 9500);
    expect(person).toBeDefined();
    if (person === undefined) return;
    const empty = picture(demoScene, 1000);
    const busy = picture(demoScene, 9500);
    const [x, y, width, height] = person.box;
    let changedOutside = 0;
    for (let i = 0; i < empty.length; i += 3) {
      const px = ((i / 3) % sceneWidth) / sceneWidth;
      const py = Math.floor(i / 3 / sceneWidth) / sceneHeight;
      const inside = px > x - 0.01 && px < x + width + 0.01 && py > y - 0.01 && py < y + height + 0.01;
      // A shadow is darker by less than what a red coat differs from the lawn.
      if (!inside && Math.abs((empty[i] ?? 0) - (busy[i] ?? 0)) > 90) changedOutside += 1;
    }
    expect(changedOutside).toBe(0);
  });
});

describe('random scenes', () => {
  it('differ by seed, repeat for the same one, and are empty now and then', () => {
    expect(randomScene(5)).toEqual(randomScene(5));
    expect(randomScene(5)).not.toEqual(randomScene(6));
    const counts = Array.from(
      { length: 60 },
      (_, seed) => objectsAt(randomScene(seed), randomSceneMs / 2).length,
    );
    expect(counts.filter((count) => count === 0).length).toBeGreaterThan(5);
    expect(Math.max(...counts)).toBeGreaterThan(1);
  });

  it('have boxes inside the frame and a visible part between 0 and 1', () => {
    for (let seed = 100; seed < 140; seed += 1) {
      for (const { box, visible } of objectsAt(randomScene(seed), 1000)) {
        const [x, y, width, height] = box;
        expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
        expect(Math.max(x + width, y + height)).toBeLessThanOrEqual(1.000001);
        expect(visible).toBeGreaterThanOrEqual(0);
        expect(visible).toBeLessThanOrEqual(1);
      }
    }
  });
});
