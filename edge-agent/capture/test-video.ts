import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);

/** Runs ffmpeg for a test's material. */
export async function makeVideo(...args: string[]): Promise<void> {
  await run('ffmpeg', ['-nostdin', '-loglevel', 'error', '-y', ...args]);
}

/** A real recording for tests, `../shared/data/videos/NAME` beside the repository; undefined if there is none. */
export function sharedVideo(name: string): string | undefined {
  const path = new URL(`../../../shared/data/videos/${name}`, import.meta.url).pathname;
  if (existsSync(path)) return path;
  if (process.env['CI'] === 'true') throw new Error(`the test recording ${path} is missing`);
  console.warn(`left out: a test that needs ${path}`);
  return undefined;
}

export interface Packet {
  ptsUs: number | undefined;
  keyframe: boolean;
  dataHash: string;
}

const probed = z.object({
  packets: z.array(z.object({ pts_time: z.string().optional(), flags: z.string(), data_hash: z.string() })),
});

/** Every packet of a file's first video (`v:0`) or audio (`a:0`) stream, in file order. */
export async function packetsOf(path: string, stream = 'v:0'): Promise<Packet[]> {
  const args = [
    '-v',
    'error',
    '-select_streams',
    stream,
    '-show_packets',
    '-show_data_hash',
    'md5',
    '-of',
    'json',
    path,
  ];
  const { stdout } = await run('ffprobe', args, { maxBuffer: 256 * 1024 * 1024 });
  return probed.parse(JSON.parse(stdout)).packets.map((packet) => ({
    ptsUs: packet.pts_time === undefined ? undefined : Math.round(Number(packet.pts_time) * 1e6),
    keyframe: packet.flags.startsWith('K'),
    dataHash: packet.data_hash,
  }));
}

/** The md5 of every video packet of several files, one after the other, by one ffprobe. */
export async function dataHashesOf(paths: string[]): Promise<string[]> {
  const list = ['ffconcat version 1.0', ...paths.map((path) => `file 'file:${path}'`)].join('\n');
  const input = [
    '-f',
    'concat',
    '-safe',
    '0',
    '-auto_convert',
    '0',
    '-protocol_whitelist',
    'pipe,file',
    '-i',
    'pipe:0',
  ];
  const args = ['-v', 'error', ...input, '-select_streams', 'v:0', '-show_packets', '-show_data_hash', 'md5'];
  const probe = run('ffprobe', [...args, '-of', 'json'], { maxBuffer: 256 * 1024 * 1024 });
  probe.child.stdin?.end(list);
  const { stdout } = await probe;
  return probed.parse(JSON.parse(stdout)).packets.map(({ data_hash: hash }) => hash);
}
