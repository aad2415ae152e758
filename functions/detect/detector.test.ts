import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { detectSettings } from '@faascam/core/settings';
import { sharedData } from '@faascam/test-servers/shared-data';
import { loadDetector } from './detector.ts';

const settings = detectSettings.parse(undefined);
const bus = sharedData('images/bus.jpg');
const modelNames = [
  'yolox_nano_416',
  'yolov5n_640',
  'yolov8n_640_int8',
  'yolo26n_640_int8',
  'deimv2_atto_320',
];

describe.runIf(bus !== undefined)('a detector', () => {
  const picture = readFileSync(bus ?? '');

  it.each(modelNames)('sees the bus and three people with %s', async (name) => {
    const path = sharedData(`models/${name}.onnx`);
    if (path === undefined) return;
    const detector = await loadDetector({ name, path, sha256: 'a'.repeat(64), demo: false }, settings);
    try {
      const found = await detector.detect(picture);
      const sure = found.filter(({ score }) => score >= 0.4);
      expect(sure.filter(({ label }) => label === 'bus')).toHaveLength(1);
      expect(sure.filter(({ label }) => label === 'person').length).toBeGreaterThanOrEqual(3);
      const [left = 0, top = 0, width = 0, height = 0] = sure.find(({ label }) => label === 'bus')?.box ?? [];
      expect([left, top]).toEqual([expect.closeTo(0.02, 1), expect.closeTo(0.21, 1)]);
      expect([width, height]).toEqual([expect.closeTo(0.96, 1), expect.closeTo(0.47, 1)]);
    } finally {
      await detector.close();
    }
  });

  it('refuses what is no picture, and sees the next one as well as before', async () => {
    const path = sharedData('models/yolox_nano_416.onnx') ?? '';
    const detector = await loadDetector({ name: 'x', path, sha256: 'a'.repeat(64), demo: false }, settings);
    try {
      const before = await detector.detect(picture);
      await expect(detector.detect(Buffer.from('no picture'))).rejects.toThrow(/cannot be decoded/);
      await expect(detector.detect(picture.subarray(0, 2000))).rejects.toThrow(/cannot be decoded/);
      expect(await detector.detect(picture)).toEqual(before);
      const grey = await sharp(picture).greyscale().jpeg().toBuffer();
      const cmyk = await sharp(picture).toColourspace('cmyk').jpeg().toBuffer();
      for (const other of [grey, cmyk]) {
        expect((await detector.detect(other)).map(({ label }) => label)).toContain('bus');
      }
    } finally {
      await detector.close();
    }
  });
});

describe('a detector file', () => {
  it('that is no ONNX model is refused with a sentence', async () => {
    const path = join(tmpdir(), `faascam-no-model-${process.pid}.onnx`);
    writeFileSync(path, 'no model');
    try {
      await expect(
        loadDetector({ name: 'x', path, sha256: 'a'.repeat(64), demo: false }, settings),
      ).rejects.toThrow(/is no ONNX model that onnxruntime can load/);
    } finally {
      rmSync(path);
    }
  });
});
