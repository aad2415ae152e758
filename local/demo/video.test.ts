import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoVideo } from './video.ts';

const run = promisify(execFile);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-demo-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('demo video', () => {
  it('is one minute of H.264 with a keyframe every second and no B-frames', async () => {
    const steps: number[] = [];
    const path = await demoVideo(directory, { onProgress: (done) => steps.push(done) });
    expect(steps.at(-1)).toBe(600);
    const { stdout } = await run('ffprobe', [
      ...['-v', 'error', '-select_streams', 'v:0', '-of', 'json'],
      ...['-show_entries', 'stream=codec_name,width,height,has_b_frames,pix_fmt:packet=pts_time,flags', path],
    ]);
    expect(stdout).toContain('"h264"');
    expect(stdout).toContain('"yuv420p"');
    expect(stdout).toMatch(/"width": 640,\s+"height": 360/);
    expect(stdout).toMatch(/"has_b_frames": 0/);
    const packets = [...stdout.matchAll(/"pts_time": "([\d.]+)",\s+"flags": "(K?)/g)];
    expect(packets).toHaveLength(600);
    const keyframes = packets.filter(([, , flag]) => flag === 'K').map(([, time]) => Number(time));
    expect(keyframes).toEqual(Array.from({ length: 60 }, (_, second) => second));
  });

  it('is rendered once: the second time its path comes at once', async () => {
    const path = await demoVideo(directory);
    const before = await stat(path);
    const again = await demoVideo(directory, {
      onProgress: () => expect.unreachable('it was rendered again'),
    });
    expect(again).toBe(path);
    expect((await stat(path)).mtimeMs).toBe(before.mtimeMs);
  });

  it('leaves nothing behind when it is aborted, and says why', async () => {
    const stopped = join(directory, 'stopped');
    const abort = new AbortController();
    const reason = new Error('the user pressed Ctrl-C');
    const video = demoVideo(stopped, {
      signal: abort.signal,
      onProgress: (done) => {
        if (done === 20) abort.abort(reason);
      },
    });
    await expect(video).rejects.toBe(reason);
    expect(await readdir(stopped)).toEqual([]);
  });

  it('says what failed when the folder cannot be written', async () => {
    const file = await demoVideo(directory);
    await expect(demoVideo(join(file, 'below'))).rejects.toThrow(/demo-\d+\.mp4/);
  });
});
