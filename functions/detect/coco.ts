/** The 80 classes of COCO in the order in which detectors number them (Lin et al., arXiv:1405.0312). */
export const coco80: readonly string[] = [
  ...['person', 'bicycle', 'car', 'motorcycle', 'airplane', 'bus', 'train', 'truck', 'boat', 'traffic light'],
  ...['fire hydrant', 'stop sign', 'parking meter', 'bench', 'bird', 'cat', 'dog', 'horse', 'sheep', 'cow'],
  ...[
    'elephant',
    'bear',
    'zebra',
    'giraffe',
    'backpack',
    'umbrella',
    'handbag',
    'tie',
    'suitcase',
    'frisbee',
  ],
  ...[
    'skis',
    'snowboard',
    'sports ball',
    'kite',
    'baseball bat',
    'baseball glove',
    'skateboard',
    'surfboard',
  ],
  ...['tennis racket', 'bottle', 'wine glass', 'cup', 'fork', 'knife', 'spoon', 'bowl', 'banana', 'apple'],
  ...['sandwich', 'orange', 'broccoli', 'carrot', 'hot dog', 'pizza', 'donut', 'cake', 'chair', 'couch'],
  ...['potted plant', 'bed', 'dining table', 'toilet', 'tv', 'laptop', 'mouse', 'remote', 'keyboard'],
  ...['cell phone', 'microwave', 'oven', 'toaster', 'sink', 'refrigerator', 'book', 'clock', 'vase'],
  ...['scissors', 'teddy bear', 'hair drier', 'toothbrush'],
];

/** COCO's own category numbers that no class has. */
const unusedNumbers = new Set([0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83]);

/** Names by COCO's own category numbers, 0 to 90, which some DETR models answer with. */
export const coco91: readonly string[] = Array.from({ length: 91 }, (_, number) => {
  if (unusedNumbers.has(number)) return `class ${number}`;
  const skipped = [...unusedNumbers].filter((unused) => unused < number).length;
  return coco80[number - skipped] ?? `class ${number}`;
});
