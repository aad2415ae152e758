/**
 * Writes pictures of random scenes with what is in them, for train.py.
 *
 *   node models/train/dataset.js DIRECTORY FIRST_SEED SCENES
 *
 * For each scene two frames go through JPEG, as the agent's frames do, and are then seen as the detector sees
 * them: the whole frame, or a crop of it, letterboxed to the top left of 320x192 with grey 114.
 *
 * DIRECTORY/pictures.u8   pictures one after the other, 192 rows of 320 pixels of red, green and blue
 * DIRECTORY/sizes.f32     for each picture the width and height of what is not grey
 * DIRECTORY/objects.f32   for each object: picture, class (0 person, 1 car), left, top, right, bottom in pixels of the
 *                         320x192, and the part of it that is visible (0..1)
 */
import { Buffer } from 'node:buffer';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { createRandom } from '@faascam/local/demo/random';
import { randomScene, randomSceneMs } from '@faascam/local/demo/random-scene';
import { objectsAt, renderFrame, sceneHeight, sceneWidth } from '@faascam/local/demo/scene';
import sharp from 'sharp';

const inputWidth = 320;
const inputHeight = 192;
const framesPerScene = 2;
const classes = ['person', 'car'];

/** Below this visible part nothing is said of an object: it is as good as not there. */
const leastVisible = 0.06;

/** The part of the frame that is looked at, in pixels. Most often all of it. */
function randomView(random) {
  if (random.chance(0.6)) return { left: 0, top: 0, width: sceneWidth, height: sceneHeight };
  const aspect = random.pick([16 / 9, 16 / 9, 1, 4 / 3, random.between(0.5, 2.5)]);
  const height = Math.round(sceneHeight * random.between(0.35, 1));
  const width = Math.min(sceneWidth, Math.round(height * aspect));
  return {
    left: random.integer(0, sceneWidth - width),
    top: random.integer(0, sceneHeight - height),
    width,
    height,
  };
}

/** An object's box in the letterboxed view, or undefined if next to nothing of it is in there. */
function labelIn(view, scale, { label, box, visible }) {
  const x = box[0] * sceneWidth;
  const y = box[1] * sceneHeight;
  const width = box[2] * sceneWidth;
  const height = box[3] * sceneHeight;
  const left = Math.max(x, view.left);
  const top = Math.max(y, view.top);
  const right = Math.min(x + width, view.left + view.width);
  const bottom = Math.min(y + height, view.top + view.height);
  if (right <= left || bottom <= top) return undefined;
  const seen = (visible * ((right - left) * (bottom - top))) / (width * height);
  if (seen < leastVisible) return undefined;
  const edges = [left - view.left, top - view.top, right - view.left, bottom - view.top];
  return [classes.indexOf(label), ...edges.map((edge) => edge * scale), seen];
}

async function lookAt(jpeg, view, random) {
  const scale = Math.min(inputWidth / view.width, inputHeight / view.height);
  const width = Math.round(view.width * scale);
  const height = Math.round(view.height * scale);
  const whole = view.width === sceneWidth && view.height === sceneHeight;
  const opened = whole ? sharp(jpeg) : sharp(jpeg).extract(view);
  const blurred = random.chance(0.08) ? opened.blur(random.between(0.4, 1.5)) : opened;
  const pixels = await blurred
    .resize(width, height, { fit: 'fill', kernel: random.pick(['lanczos3', 'lanczos3', 'cubic', 'linear']) })
    .extend({
      right: inputWidth - width,
      bottom: inputHeight - height,
      background: { r: 114, g: 114, b: 114 },
    })
    .raw()
    .toBuffer();
  return { pixels, width, height, scale };
}

async function main() {
  const [directory, firstSeed, scenes] = process.argv.slice(2);
  if (scenes === undefined) throw new Error('usage: node dataset.js DIRECTORY FIRST_SEED SCENES');
  await mkdir(directory, { recursive: true });
  const pictures = createWriteStream(join(directory, 'pictures.u8'));
  const sizes = [];
  const objects = [];
  const frame = Buffer.alloc(sceneWidth * sceneHeight * 3);
  for (let number = 0; number < Number(scenes); number += 1) {
    const seed = Number(firstSeed) + number;
    const scene = randomScene(seed);
    const random = createRandom(seed + 500_000_000);
    for (let i = 0; i < framesPerScene; i += 1) {
      const timeMs = ((i + random.next()) / framesPerScene) * randomSceneMs;
      renderFrame(scene, timeMs, frame);
      const raw = { width: sceneWidth, height: sceneHeight, channels: 3 };
      const jpeg = await sharp(frame, { raw })
        .jpeg({ quality: random.integer(45, 92) })
        .toBuffer();
      const view = randomView(random);
      const seen = await lookAt(jpeg, view, random);
      for (const object of objectsAt(scene, timeMs)) {
        const label = labelIn(view, seen.scale, object);
        if (label !== undefined) objects.push(sizes.length / 2, ...label);
      }
      sizes.push(seen.width, seen.height);
      if (!pictures.write(seen.pixels)) await once(pictures, 'drain');
    }
    if ((number + 1) % 100 === 0) console.error(`${number + 1} of ${scenes} scenes`);
  }
  pictures.end();
  await once(pictures, 'finish');
  await writeFile(join(directory, 'sizes.f32'), Buffer.from(Float32Array.from(sizes).buffer));
  await writeFile(join(directory, 'objects.f32'), Buffer.from(Float32Array.from(objects).buffer));
}

await main();
