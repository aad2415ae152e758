import type { Actor } from './actor.ts';
import {
  ellipseCorners,
  rectangleCorners,
  type BackdropPlan,
  type Material,
  type Surface,
} from './backdrop.ts';
import { randomCarLook } from './car.ts';
import { demoScene } from './demo-scene.ts';
import type { Cloud, Lamp, TreeShadow } from './light.ts';
import { randomPersonLook } from './person.ts';
import { createRandom, type Random } from './random.ts';
import type { Rgb } from './raster.ts';
import { sceneHeight, sceneWidth, type Scene } from './scene.ts';
import { box, building, bush, door, fence, ground, tree, windowPane } from './yard.ts';

/** Every random scene lasts this long, and what is in it stays about as long. */
export const randomSceneMs = 4000;

/**
 * Another yard for every seed: other surfaces and colours, day or night, lamp, clouds, noise, things that stand about,
 * and none to four persons and cars of any size, also behind something or half outside. One in five has nobody in it,
 * and one in three is set in the demo's own yard.
 */
export function randomScene(seed: number): Scene {
  const random = createRandom(seed);
  const ambient = randomAmbient(random);
  const brightness = (ambient[0] + ambient[1] + ambient[2]) / 3;
  const night = brightness < 0.45;
  return {
    backdrop: random.chance(0.35) ? demoYard(random, seed) : randomBackdrop(random, seed),
    ambient,
    ...(random.chance(night ? 0.7 : 0.35) ? { lamp: randomLamp(random) } : {}),
    clouds: random.chance(0.3) ? [randomCloud(random)] : [],
    ...(random.chance(0.5) ? { treeShadow: randomTreeShadow(random, seed) } : {}),
    shadowDepth: random.between(0, 0.6),
    noise: { seed: seed + 7, sigma: random.between(0.5, 5) + (night ? random.between(0, 3) : 0) },
    actors: random.chance(0.2) ? [] : Array.from({ length: random.integer(1, 4) }, () => randomActor(random)),
    durationMs: randomSceneMs,
  };
}

function randomAmbient(random: Random): Rgb {
  const level = random.chance(0.25) ? random.between(0.28, 0.5) : random.between(0.5, 1.15);
  const warm = random.between(-0.12, 0.12);
  return [level * (1 + warm), level * (1 + random.between(-0.04, 0.04)), level * (1 - warm)];
}

function randomLamp(random: Random): Lamp {
  const gain = random.between(0.3, 1);
  return {
    x: random.between(0, sceneWidth),
    y: random.between(0, sceneHeight * 0.6),
    radiusPx: random.between(120, 420),
    gain: [gain, gain * random.between(0.75, 1), gain * random.between(0.4, 1)],
    on: [[0, random.between(0, randomSceneMs * 1.4)]],
  };
}

function randomCloud(random: Random): Cloud {
  const from = random.between(-2000, 1000);
  return {
    time: [from, from + random.between(2500, 8000)],
    depth: random.between(0.1, 0.5),
    widthPx: random.between(200, 700),
    softPx: random.between(60, 200),
    fromLeft: random.chance(0.5),
  };
}

function randomTreeShadow(random: Random, seed: number): TreeShadow {
  const width = random.integer(120, 400);
  const height = random.integer(50, 140);
  return {
    seed: seed + 13,
    left: random.integer(-60, sceneWidth - width + 60),
    top: random.integer(160, sceneHeight - 60),
    width,
    height,
    depth: random.between(0.15, 0.6),
    swayPx: random.between(0, 6),
    gusts: [[0, randomSceneMs]],
  };
}

function randomActor(random: Random): Actor {
  const speed = random.chance(0.12) ? 0 : random.between(0.4, 2.2);
  if (random.chance(0.6)) {
    const look = randomPersonLook(random);
    const heightPx = 44 * (200 / 44) ** random.next();
    return { kind: 'person', look, path: randomPath(random, heightPx, heightPx / look.heightM, speed, 0.35) };
  }
  const look = randomCarLook(random);
  const lengthPx = 70 * (350 / 70) ** random.next();
  const scale = lengthPx / look.lengthM;
  return { kind: 'car', look, path: randomPath(random, look.heightM * scale, scale, speed * 2.5, 0.05) };
}

/** Through a random place at a random time; `steep` is how often the way leads toward the camera or away. */
function randomPath(
  random: Random,
  heightPx: number,
  pixelsPerMetre: number,
  speedMps: number,
  steep: number,
): Actor['path'] {
  const x = random.between(-0.02, 1.02) * sceneWidth;
  const y = random.between(Math.min(120, 0.35 * sceneHeight) + heightPx * 0.4, sceneHeight + heightPx * 0.3);
  const direction = random.chance(0.5) ? 1 : -1;
  const middleMs = random.between(0.3, 0.7) * randomSceneMs;
  const across = direction * Math.max(0.05, speedMps) * pixelsPerMetre;
  const away = random.chance(steep)
    ? random.between(-0.6, 0.6) * across
    : random.between(-0.04, 0.04) * across;
  const at = (atMs: number): Actor['path'][number] => ({
    atMs,
    x: x + (across * (atMs - middleMs)) / 1000,
    y: y + (away * (atMs - middleMs)) / 1000,
    pixelsPerMetre: pixelsPerMetre * (1 + (0.1 * away * (atMs - middleMs)) / 1000 / Math.max(40, heightPx)),
  });
  return [at(0), at(randomSceneMs)];
}

/** The demo's yard as it is, or with its bricks, blades and leaves another way. */
function demoYard(random: Random, seed: number): BackdropPlan {
  const { backdrop } = demoScene;
  return random.chance(0.5) ? backdrop : { ...backdrop, seed };
}

function randomBackdrop(random: Random, seed: number): BackdropPlan {
  const horizonY = random.between(-40, 160);
  const floorY = Math.max(60, horizonY + random.between(40, 130));
  const surfaces: Surface[] = [];
  if (random.chance(0.4))
    surfaces.push(...bush(random.between(0, 640), floorY, 260, 140, leafColour(random), seed));
  if (random.chance(0.75)) surfaces.push(...randomBuilding(random, floorY));
  if (random.chance(0.5)) {
    const left = random.between(-50, 500);
    const top = floorY - random.between(30, 90);
    surfaces.push(
      ...fence(
        left,
        left + random.between(100, 600),
        top,
        floorY + 6,
        randomColour(random),
        random.integer(6, 22),
        random.integer(0, 5),
      ),
    );
  }
  surfaces.push(...randomGround(random, floorY, horizonY));
  for (let i = random.integer(0, 3); i > 0; i -= 1) surfaces.push(...randomThing(random, floorY, seed + i));
  for (let i = random.integer(0, 5); i > 0; i -= 1) surfaces.push(randomPatch(random, seed + i));
  return { seed, colour: randomColour(random, 110, 235), surfaces, uneven: random.between(0, 0.2) };
}

function randomBuilding(random: Random, floorY: number): Surface[] {
  const left = random.between(-100, 250);
  const right = left + random.between(220, 640);
  const material = random.pick<Material>([
    {
      kind: 'brick',
      rowPx: random.integer(5, 12),
      lengthPx: random.integer(14, 34),
      rough: random.between(0.05, 0.3),
    },
    { kind: 'boards', pitchPx: random.integer(6, 20), rough: random.between(0.05, 0.25) },
    { kind: 'plain', rough: random.between(0.02, 0.2) },
  ]);
  const top = random.between(-20, floorY * 0.4);
  const surfaces = building({ left, top, right, bottom: floorY }, randomColour(random, 60, 225), material);
  for (let x = left + random.between(10, 60); x < right - 60; x += random.between(80, 200)) {
    const width = random.between(30, 100);
    const height = random.between(0.25, 0.5) * (floorY - top);
    if (random.chance(0.3))
      surfaces.push(...door(x, floorY, width * 0.6, height * 1.5, randomColour(random)));
    else {
      const glass = randomColour(random, 30, 130);
      surfaces.push(
        ...windowPane(x, top + (floorY - top) * 0.2, width, height, randomColour(random, 90, 235), glass),
      );
    }
  }
  return surfaces;
}

function randomGround(random: Random, floorY: number, horizonY: number): Surface[] {
  const surfaces = [ground(floorY, 380, groundColour(random), groundMaterial(random, horizonY))];
  let y = floorY;
  for (let bands = random.integer(0, 4); bands > 0; bands -= 1) {
    y += random.between(5, 60);
    const slope = random.between(-12, 12);
    surfaces.push(
      ground(y, y + random.between(4, 80), groundColour(random), groundMaterial(random, horizonY), slope),
    );
  }
  if (random.chance(0.3)) {
    const middle = random.between(100, 540);
    const wide = random.between(20, 120);
    surfaces.push({
      corners: [
        middle - wide * 0.4,
        floorY,
        middle + wide * 0.4,
        floorY,
        middle + wide * 2,
        370,
        middle - wide * 1.4,
        370,
      ],
      colour: groundColour(random),
      material: groundMaterial(random, horizonY),
    });
  }
  return surfaces;
}

function groundMaterial(random: Random, horizonY: number): Material {
  return random.pick<Material>([
    { kind: 'plain', rough: random.between(0.05, 0.35) },
    { kind: 'grass', rough: random.between(0.15, 0.45) },
    { kind: 'slabs', pitchPx: random.between(40, 200), horizonY, rough: random.between(0.05, 0.2) },
  ]);
}

function groundColour(random: Random): Rgb {
  if (random.chance(0.35)) return leafColour(random);
  return randomColour(random, 60, 210);
}

/** Something that stands about, behind which others may pass. */
function randomThing(random: Random, floorY: number, seed: number): Surface[] {
  const x = random.between(0, 640);
  const base = Math.round(random.between(floorY + 4, 370));
  const kind = random.pick(['tree', 'bush', 'box', 'post', 'post'] as const);
  switch (kind) {
    case 'tree':
      return tree(
        x,
        base,
        random.between(6, 34),
        random.between(-20, base * 0.35),
        random.between(40, 130),
        leafColour(random),
        seed,
      );
    case 'bush':
      return bush(x, base, random.between(24, 160), random.between(20, 110), leafColour(random), seed);
    case 'box':
      return box(x, base, random.between(14, 90), random.between(16, 90), randomColour(random));
    case 'post':
      return box(x, base, random.between(4, 18), random.between(40, 220), randomColour(random));
  }
}

/** A patch of any colour that is nothing in particular: neither every blob is a person nor every slab a car. */
function randomPatch(random: Random, seed: number): Surface {
  const x = random.between(0, 640);
  const y = random.between(0, 360);
  const width = random.between(6, 90);
  const height = random.between(6, 110);
  return {
    corners: random.chance(0.5)
      ? ellipseCorners(x, y, width / 2, height / 2, random.between(0, 0.3), seed)
      : rectangleCorners(x - width / 2, y - height / 2, x + width / 2, y + height / 2),
    colour: randomColour(random),
    material: random.chance(0.3)
      ? { kind: 'leaves', rough: 0.35 }
      : { kind: 'plain', rough: random.between(0, 0.25) },
  };
}

function leafColour(random: Random): Rgb {
  const value = random.between(60, 150);
  return [value * random.between(0.55, 1.05), value, value * random.between(0.4, 0.8)];
}

function randomColour(random: Random, low = 20, high = 240): Rgb {
  const value = random.between(low, high);
  const strength = random.next() ** 2 * 0.6;
  const channel = (): number => value * (1 - strength * random.next());
  return [channel(), channel(), channel()];
}
