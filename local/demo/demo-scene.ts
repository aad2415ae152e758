import type { Actor } from './actor.ts';
import { rectangleCorners, type BackdropPlan } from './backdrop.ts';
import type { CarLook } from './car.ts';
import type { Waypoint } from './path.ts';
import type { PersonLook } from './person.ts';
import type { Scene } from './scene.ts';
import { box, building, bush, door, fence, ground, tree, windowPane } from './yard.ts';

/** Part of the rendered video's name: count it up whenever the pictures of the demo change. */
export const demoVersion = 3;

export const demoFps = 10;

/** A visit of the demo: whoever comes by is in the picture from `fromMs` until `toMs` after the loop's start. */
export interface DemoVisit {
  fromMs: number;
  toMs: number;
  labels: readonly ('person' | 'car')[];
}

/**
 * What happens in one loop. The first visit comes late enough that the footage before it is there. Between visits nothing that counts is in the picture for more than 6 s, so that each is
 * an event of its own (it ends 2 s after its last object left, and footage from 5 s before and after belongs to it).
 */
export const demoVisits: readonly DemoVisit[] = [
  { fromMs: 5500, toMs: 13_900, labels: ['person'] },
  { fromMs: 22_500, toMs: 27_500, labels: ['car'] },
  { fromMs: 36_000, toMs: 44_500, labels: ['person'] },
  { fromMs: 51_100, toMs: 59_500, labels: ['person', 'person'] },
];

const horizonY = 120;

/** Where the ground is, `y` in the picture, a metre is as many pixels as perspective leaves of it. */
function waypoint(atMs: number, x: number, y: number): Waypoint {
  return { atMs, x, y, pixelsPerMetre: (y - horizonY) * 0.4 };
}

const postman: PersonLook = {
  heightM: 1.78,
  girth: 1.05,
  skin: [206, 160, 132],
  hair: [60, 44, 34],
  top: [196, 62, 46],
  trousers: [48, 56, 84],
  shoes: [36, 32, 30],
  coat: false,
  backpack: [44, 62, 52],
};

const neighbour: PersonLook = {
  heightM: 1.7,
  girth: 1,
  skin: [232, 188, 160],
  hair: [176, 140, 86],
  top: [64, 98, 156],
  trousers: [92, 84, 76],
  shoes: [210, 208, 200],
  coat: true,
};

const walker: PersonLook = {
  heightM: 1.84,
  girth: 1.15,
  skin: [140, 98, 74],
  hair: [28, 24, 22],
  top: [226, 208, 92],
  trousers: [40, 40, 44],
  shoes: [60, 40, 30],
  coat: false,
  hat: [60, 60, 66],
};

const friend: PersonLook = {
  heightM: 1.66,
  girth: 0.92,
  skin: [222, 176, 146],
  hair: [90, 50, 30],
  top: [228, 228, 224],
  trousers: [130, 60, 66],
  shoes: [40, 40, 40],
  coat: false,
};

const car: CarLook = {
  body: 'hatchback',
  lengthM: 4.1,
  heightM: 1.5,
  paint: [52, 92, 158],
  glass: [40, 44, 50],
  rims: [170, 172, 176],
  lightsOn: true,
};

const actors: readonly Actor[] = [
  { kind: 'person', look: postman, path: [waypoint(5500, -45, 330), waypoint(13_900, 690, 332)] },
  { kind: 'car', look: car, path: [waypoint(22_500, -105, 240), waypoint(27_500, 745, 240)] },
  {
    kind: 'person',
    look: neighbour,
    path: [
      waypoint(36_000, 680, 334),
      waypoint(38_900, 440, 300),
      waypoint(40_500, 310, 240),
      waypoint(44_500, -25, 234),
    ],
  },
  { kind: 'person', look: walker, path: [waypoint(51_100, -45, 318), waypoint(59_500, 690, 322)] },
  { kind: 'person', look: friend, path: [waypoint(51_100, 668, 246), waypoint(59_500, -28, 244)] },
];

const backdrop: BackdropPlan = {
  seed: 4711,
  colour: [178, 192, 204],
  uneven: 0.06,
  surfaces: [
    ...bush(470, 190, 170, 120, [70, 96, 58], 21),
    ...bush(600, 196, 190, 150, [62, 88, 56], 25),
    ...fence(424, 650, 138, 214, [148, 124, 96], 13, 2),
    ...building({ left: -8, top: -4, right: 430, bottom: 206 }, [158, 104, 84], {
      kind: 'brick',
      rowPx: 8,
      lengthPx: 22,
      rough: 0.2,
    }),
    ...windowPane(36, 58, 92, 78, [226, 224, 216], [64, 78, 90]),
    ...windowPane(300, 58, 92, 78, [226, 224, 216], [70, 82, 92]),
    ...door(196, 206, 46, 104, [66, 88, 74]),
    // The lamp beside the door.
    {
      corners: rectangleCorners(262, 92, 272, 108),
      colour: [244, 236, 206],
      material: { kind: 'plain', rough: 0.05 },
    },
    {
      corners: rectangleCorners(259, 87, 275, 92),
      colour: [44, 44, 46],
      material: { kind: 'plain', rough: 0.05 },
    },
    ground(206, 228, [164, 160, 152], { kind: 'slabs', pitchPx: 90, horizonY, rough: 0.1 }),
    ground(228, 268, [112, 112, 114], { kind: 'plain', rough: 0.16 }),
    ground(266, 271, [186, 184, 178], { kind: 'plain', rough: 0.12 }),
    ground(271, 362, [104, 128, 70], { kind: 'grass', rough: 0.3 }),
    {
      corners: [-10, 316, 650, 312, 650, 344, -10, 340],
      colour: [178, 166, 144],
      material: { kind: 'plain', rough: 0.2 },
    },
    ...bush(462, 286, 74, 40, [84, 110, 62], 31),
    ...box(96, 222, 26, 38, [66, 84, 72]),
    ...tree(566, 302, 17, 46, 98, [86, 118, 64], 41),
  ],
};

/** A house, a street and a garden in the late afternoon: one minute, whose end joins its start. */
export const demoScene: Scene = {
  backdrop,
  ambient: [0.88, 0.86, 0.82],
  lamp: { x: 267, y: 100, radiusPx: 300, gain: [0.62, 0.5, 0.28], on: [[16_500, 20_000]] },
  clouds: [{ time: [29_000, 34_500], depth: 0.32, widthPx: 520, softPx: 170, fromLeft: false }],
  treeShadow: {
    seed: 51,
    left: 300,
    top: 268,
    width: 300,
    height: 84,
    depth: 0.36,
    swayPx: 3,
    gusts: [[45_500, 50_300]],
  },
  shadowDepth: 0.42,
  noise: { seed: 61, sigma: 2.6 },
  actors,
  durationMs: 60_000,
};
