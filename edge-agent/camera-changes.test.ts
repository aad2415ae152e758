import { cameraSettings, type CameraSettings } from '@faascam/core/camera-settings';
import { expect, test } from 'vitest';
import { cameraChanges, changesText, recordingGoesOn } from './camera-changes.ts';

const camera = (more: object = {}): CameraSettings => cameraSettings.parse({ source: 'file:a.mp4', ...more });

test('a camera whose settings are the same is in no list', () => {
  expect(cameraChanges({ a: camera(), b: camera() }, { b: camera(), a: camera() })).toEqual({
    added: [],
    removed: [],
    changed: [],
  });
});

test('what differs is named down to the key, and without its value', () => {
  const changes = cameraChanges(
    { a: camera(), b: camera({ source: 'rtsp://u:old@h/1' }), c: camera() },
    {
      b: camera({ source: 'rtsp://u:new@h/1', crop: [0, 0, 0.5, 0.5] }),
      c: camera({ ring: { minutes: 3 } }),
      d: camera(),
    },
  );
  expect(changesText(changes)).toBe('added d; removed a; changed b (crop, source); changed c (ring.minutes)');
});

test('how much footage is kept can change while it is recorded', () => {
  expect(recordingGoesOn(['ring.minutes', 'ring.megabytes'])).toBe(true);
  expect(recordingGoesOn(['ring.minutes', 'ring.segmentMs'])).toBe(false);
});

test('what the functions look for can change while a camera records', () => {
  const before = camera({
    zones: {
      porch: {
        polygon: [
          [0, 0],
          [1, 0],
          [1, 1],
        ],
      },
    },
  });
  const after = camera({
    ...{
      zones: {
        porch: {
          polygon: [
            [0, 0],
            [1, 0],
            [1, 1],
          ],
          inertia: 5,
        },
      },
      masks: [
        [
          [0, 0],
          [1, 0],
          [1, 1],
        ],
      ],
    },
    ...{ motion: { sensitivity: 3 }, events: { labels: ['cat'] }, objects: { cat: { minArea: 0.1 } } },
  });
  const [changed] = cameraChanges({ a: before }, { a: after }).changed;
  expect(changed?.keys).toEqual([
    'events.labels',
    'masks',
    'motion.sensitivity',
    'objects.cat',
    'zones.porch.inertia',
  ]);
  expect(recordingGoesOn(changed?.keys ?? [])).toBe(true);
  expect(recordingGoesOn(['restream'])).toBe(true);
  expect(recordingGoesOn(['masks', 'source'])).toBe(false);
});
