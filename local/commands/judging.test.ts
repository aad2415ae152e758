import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { detect } from './detect.ts';
import { motion } from './motion.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-judging-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const { signal } = new AbortController();

const motionReport = z.strictObject({
  v: z.literal(1),
  video: z.string(),
  width: z.number(),
  height: z.number(),
  grid: z.strictObject({ width: z.number(), height: z.number() }),
  frames: z.array(
    z.strictObject({
      frame: z.number(),
      timeMs: z.number(),
      moving: z.boolean(),
      score: z.number(),
      boxes: z.array(z.array(z.number().min(0).max(1)).length(4)),
    }),
  ),
});

describe('faascam motion', () => {
  it('tells of every frame of a recording and writes its masks', async () => {
    const video = join(scratch, 'box.mp4');
    const source =
      'color=c=gray:s=320x180:r=10:d=4,noise=alls=4:allf=t[empty];color=c=black:s=40x70:r=10:d=4[box]';
    const filter = `${source};[empty][box]overlay=x='if(lt(t,2),-100,(t-2)*120)':y=60`;
    execFileSync('ffmpeg', [
      '-v',
      'error',
      '-filter_complex',
      filter,
      '-t',
      '4',
      '-pix_fmt',
      'yuv420p',
      video,
    ]);
    const [json, masks] = [join(scratch, 'motion.json'), join(scratch, 'masks')];
    await motion(video, { json, masks }, signal);
    const { frames, width, height, grid } = motionReport.parse(JSON.parse(readFileSync(json, 'utf8')));
    expect({ width, height, grid }).toEqual({ width: 320, height: 180, grid: { width: 160, height: 90 } });
    expect(frames.map(({ frame }) => frame)).toEqual(Array.from({ length: 40 }, (_, index) => index));
    expect(frames[25]?.timeMs).toBe(2500);
    expect(frames.slice(0, 20).filter(({ moving }) => moving)).toEqual([]);
    expect(frames.slice(23).every(({ moving }) => moving)).toBe(true);
    const names = readdirSync(masks).sort();
    expect([names.length, names[0]]).toEqual([40, '000000.png']);
    const mask = sharp(join(masks, '000030.png'));
    expect(await mask.metadata()).toMatchObject({ width: 160, height: 90, channels: 1, depth: 'uchar' });
    const data = await mask.toColourspace('b-w').raw().toBuffer();
    expect([...new Set(data)].sort((a, b) => a - b)).toEqual([0, 255]);
  });

  it('says in a sentence that there is no such recording', async () => {
    await expect(motion(join(scratch, 'none.mp4'), {}, signal)).rejects.toThrow(
      /does not exist: check the path/,
    );
  });
});

describe('faascam detect', () => {
  it('tells of each picture with its size, and of nothing where nothing is', async () => {
    const file = join(scratch, 'empty.png');
    await sharp({ create: { width: 320, height: 180, channels: 3, background: '#888' } }).toFile(file);
    const json = join(scratch, 'detect.json');
    await detect([file, file], { model: 'faascam-demo', minScore: 0.5, json }, signal);
    const report: unknown = JSON.parse(readFileSync(json, 'utf8'));
    const image = { file, width: 320, height: 180, detections: [] };
    expect(report).toMatchObject({
      v: 1,
      model: { name: 'faascam-demo', demo: true },
      images: [image, image],
    });
  });

  it('names the file that is no picture', async () => {
    const file = join(scratch, 'text.jpg');
    writeFileSync(file, 'no picture');
    await expect(detect([file], { model: 'faascam-demo' }, signal)).rejects.toThrow(`${file} is no picture`);
  });
});
