import { sharedData } from '@faascam/test-servers/shared-data';

/** Footage of six people who come one after the other, and a detector for it; undefined where they are not at hand. */
export const footage = sharedData('videos/one-by-one-person-detection.mp4');
export const model = sharedData('models/yolox_nano_416.onnx');

/** Seconds in which a person is in the picture, as someone has written them down. */
export const visits = [
  [6.1, 19.5],
  [22.8, 44.8],
  [50.3, 69.8],
  [74.5, 86.7],
  [92.6, 119.7],
  [123.5, 135.8],
] as const;

/** The objects in each of its frames, as a larger detector saw them. */
export const truth = sharedData('groundtruth/one-by-one-person-detection.ref_yolov8n.csv');
