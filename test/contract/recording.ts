import { execFile } from 'node:child_process';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { systemCodeOf, UsageError } from '@faascam/core/errors';
import { demoVideo } from '@faascam/local/demo/video';
import { checkout } from '../faults/checkout.ts';

const run = promisify(execFile);

/** Of the drawn scene, so that a person and a car come by and have gone again, and the footage after them is there. */
const SCENE_SECONDS = 34;
/** Of a folder of pictures. */
const PICTURES_A_SECOND = 5;

/** The footage that is played: a video as it is, pictures as a video of them, or else the scene that the demo model knows. */
export async function recordingFor(footage: string | undefined, scratch: string): Promise<string> {
  if (footage === undefined) return await drawnScene(scratch);
  const isFolder = await stat(footage).then(
    (found) => found.isDirectory(),
    (cause: unknown) => {
      const why = systemCodeOf(cause) === 'ENOENT' ? 'does not exist' : 'cannot be read';
      throw new UsageError('bad-setting', `FAASCAM_CONTRACT_FRAMES: ${footage} ${why}.`, { cause });
    },
  );
  return isFolder ? await ofPictures(resolve(footage), scratch) : resolve(footage);
}

async function drawnScene(scratch: string): Promise<string> {
  const kept = join(checkout, '.cache/contract');
  await mkdir(kept, { recursive: true });
  const path = join(scratch, 'scene.mp4');
  const cut = ['-i', await demoVideo(kept), '-t', String(SCENE_SECONDS), '-c', 'copy', path];
  await run('ffmpeg', ['-v', 'error', '-y', ...cut]);
  return path;
}

/** Pictures in the order of their names. They are not encoded anew. */
async function ofPictures(folder: string, scratch: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => /\.jpe?g$/i.test(name)).sort();
  if (names.length === 0) {
    throw new UsageError('bad-setting', `FAASCAM_CONTRACT_FRAMES: there is no .jpg file in ${folder}.`);
  }
  const list = join(scratch, 'pictures.txt');
  const lines = names.map((name) => `file '${join(folder, name).replaceAll("'", String.raw`'\''`)}'`);
  await writeFile(list, `${lines.join('\n')}\n`);
  const path = join(scratch, 'pictures.mkv');
  const input = ['-f', 'concat', '-safe', '0', '-r', String(PICTURES_A_SECOND), '-i', list];
  await run('ffmpeg', ['-v', 'error', '-y', ...input, '-c', 'copy', path]);
  return path;
}
