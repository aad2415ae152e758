import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makeVideo } from '../capture/test-video.ts';
import { bestFormat, v4l2Args } from './v4l2.ts';
import { csiArgs } from './csi.ts';
import { openInput, SourceError } from './input.ts';
import { screenArgs } from './screen.ts';
import { parseSource } from './source.ts';
import { openOptions, play, watch } from './test-play.ts';
import type { CsiSource, ScreenSource, Source, V4l2Source } from './kinds.ts';

let directory: string;
const PATH = process.env['PATH'] ?? '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-local-'));
});

afterEach(() => {
  process.env['PATH'] = PATH;
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function errorOf(text: string, allowExec = false): Promise<SourceError> {
  try {
    const input = await openInput(parseSource(text), openOptions({ allowExec }));
    await input.close();
  } catch (error) {
    if (error instanceof SourceError) return error;
    throw error;
  }
  throw new Error(`${text} was opened`);
}

function parsed<K extends Source['kind']>(text: string, kind: K): Extract<Source, { kind: K }> {
  const source = parseSource(text);
  const isKind = (one: Source): one is Extract<Source, { kind: K }> => one.kind === kind;
  if (isKind(source)) return source;
  throw new Error(`${text} is ${source.kind}`);
}

/** A program in a directory of its own, which is all there is in PATH before the system's. */
async function program(name: string, script: string): Promise<void> {
  const bin = await mkdtemp(join(directory, 'bin-'));
  await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, name), 0o755);
  process.env['PATH'] = `${bin}:${PATH}`;
}

/** Whether a process is there. */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const LIVE_H264 =
  'exec ffmpeg -v error -re -f lavfi -i testsrc2=size=320x240:rate=20 -c:v libx264 -preset ultrafast ' +
  '-tune zerolatency -g 20 -f h264 -flush_packets 1 pipe:1';

describe('test:', () => {
  test('is a moving picture of the given size and rate, with times of its own', async () => {
    const { input, times, size } = await watch('test:?size=320x240&rate=20', 10);
    expect(input.jpeg).toBe(false);
    expect(size).toBe('320x240');
    const steps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    for (const step of steps) expect(step).toBeCloseTo(0.05, 3);
  });

  test('has a keyframe a second, so that the ring is cut there', async () => {
    const input = await openInput(parseSource('test:?size=320x240&rate=10'), openOptions({ pace: 'replay' }));
    const path = join(directory, 'generated.nut');
    if (input.stdin === undefined) throw new Error('no stream');
    const writer = spawn('ffmpeg', ['-v', 'error', '-y', ...input.args, '-c', 'copy', '-t', '4', path], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    writer.stdin.on('error', () => undefined);
    input.stdin.pipe(writer.stdin);
    await once(writer, 'close');
    await input.close();
    const probe = spawn('ffprobe', [
      '-v',
      'error',
      '-show_entries',
      'packet=pts_time,flags',
      '-of',
      'csv=p=0',
      path,
    ]);
    let packets = '';
    probe.stdout.setEncoding('utf8').on('data', (text: string) => (packets += text));
    await once(probe, 'close');
    const keyframes = packets
      .split('\n')
      .filter((line) => line.includes('K'))
      .map((line) => Number.parseFloat(line));
    expect(keyframes).toEqual([0, 1, 2, 3]);
  });
});

describe('numbered pictures', () => {
  test('JPEG is passed on as it is, from the first number that is there, over and over', async () => {
    const folder = join(directory, 'shots');
    await mkdir(folder);
    const pattern = join(folder, 'img%04d.jpg');
    await makeVideo(
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=320x240:rate=10',
      '-frames:v',
      '3',
      '-start_number',
      '117',
      pattern,
    );
    const { input, times } = await watch(`images:${pattern}?rate=10`, 8);
    expect(input.jpeg).toBe(true);
    expect(times).toHaveLength(8);
    expect((times[7] ?? 0) - (times[0] ?? 0)).toBeCloseTo(0.7, 3);
    // A recording that is replayed ends.
    const once = await watch(`file:${pattern}`, 100, { pace: 'replay' });
    expect(once.times).toHaveLength(3);
  });

  test('PNG is encoded', async () => {
    const pattern = join(directory, '%d.png');
    await makeVideo('-f', 'lavfi', '-i', 'testsrc2=size=321x241:rate=10', '-frames:v', '3', pattern);
    const { input, times, size } = await watch(`images:${pattern}`, 3);
    expect(input.jpeg).toBe(false);
    expect(times).toHaveLength(3);
    expect(size).toBe('320x240');
  });

  test('that are missing are told', async () => {
    expect(await errorOf(`images:${directory}/no-%d.jpg`)).toMatchObject({
      code: 'no-file',
      message: 'has no picture that is named as no-%d.jpg',
    });
    expect(await errorOf('images:/no/such/folder/%d.jpg')).toMatchObject({ code: 'no-file', retry: 'slow' });
  });
});

describe('v4l2:', () => {
  const device = (text: string): V4l2Source => parsed(text, 'v4l2');

  test('passes on what is coded, with size and rate as asked', () => {
    expect(v4l2Args(device('v4l2:/dev/video0?size=1280x720&rate=30'), 'mjpeg')).toEqual([
      ...['-f', 'v4l2', '-input_format', 'mjpeg', '-video_size', '1280x720', '-framerate', '30'],
      ...['-i', '/dev/video0'],
    ]);
    expect(v4l2Args(device('v4l2:/dev/video0'), undefined)).toEqual(['-f', 'v4l2', '-i', '/dev/video0']);
  });

  test('takes the best that a device has: H.264, then MJPEG, then uncompressed', () => {
    const format = (name: string, raw: boolean) => ({ format: name, raw, sizes: [] });
    const [yuyv, mjpeg, h264] = [format('yuyv422', true), format('mjpeg', false), format('h264', false)];
    expect(bestFormat([yuyv, mjpeg, h264])).toBe('h264');
    expect(bestFormat([yuyv, mjpeg])).toBe('mjpeg');
    expect(bestFormat([yuyv])).toBe('yuyv422');
    expect(bestFormat([])).toBeUndefined();
  });

  test('without its node says what to do, and is looked for again soon', async () => {
    expect(await errorOf('v4l2:/dev/video97')).toMatchObject({
      ...{ code: 'no-device', retry: 'soon' },
      message: expect.stringMatching(/no device \/dev\/video97: plug it in.*faascam discover/) as unknown,
    });
  });
});

describe('csi:', () => {
  const camera = (text: string): CsiSource => parsed(text, 'csi');

  test('asks the camera program for H.264 with a keyframe a second', () => {
    expect(csiArgs(camera('csi:1?size=640x480&rate=15'), '')).toEqual([
      ...['--timeout', '0', '--nopreview', '--camera', '1', '--width', '640', '--height', '480'],
      ...['--framerate', '15', '--codec', 'h264', '--inline', '--intra', '15', '--flush', '--output', '-'],
    ]);
    expect(csiArgs(camera('csi:'), 'Options: --libav-format arg').join(' ')).toContain('--libav-format h264');
  });

  test.each(['rpicam-vid', 'libcamera-vid'])('plays what %s writes', async (name) => {
    await program(name, `[ "$1" = --help ] && exit 0\n${LIVE_H264.replace('rate=20', 'rate=10')}`);
    const { times, size } = await watch('csi:', 20);
    expect(size).toBe('320x240');
    expect(times).toHaveLength(20);
    // Its own rate, by the time at which pictures came: not 25 a second.
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1.2);
  });

  test('without a camera program says what to install', async () => {
    expect(await errorOf('csi:')).toMatchObject({
      ...{ code: 'no-program', retry: 'slow' },
      message: expect.stringMatching(/rpicam-vid or libcamera-vid.*install rpicam-apps-lite/) as unknown,
    });
  });

  test('tells what the camera program complains of', async () => {
    await program('rpicam-vid', 'echo "ERROR: *** no cameras available ***" >&2\nexit 255');
    expect(await errorOf('csi:')).toMatchObject({
      code: 'program-failed',
      message: expect.stringMatching(
        /rpicam-vid, which ended with exit code 255: .*no cameras available/,
      ) as unknown,
    });
  });
});

describe('screen:', () => {
  const display = (text: string): ScreenSource => parsed(text, 'screen');

  test('is the whole screen or a part', () => {
    expect(screenArgs(display('screen::0.0'))).toEqual(['-f', 'x11grab', '-framerate', '10', '-i', ':0.0']);
    expect(screenArgs(display('screen:host:1?size=640x480&rate=5'))).toEqual([
      ...['-f', 'x11grab', '-framerate', '5', '-video_size', '640x480', '-i', 'host:1'],
    ]);
  });

  test('that is not there is told', async () => {
    expect(await errorOf('screen::973')).toMatchObject({
      ...{ code: 'program-failed', retry: 'soon' },
      message: expect.stringMatching(/Cannot open display :973/) as unknown,
    });
  });

  test('plays', async () => {
    const xvfb = await startXvfb();
    if (xvfb === undefined) return;
    try {
      const { times, size } = await watch(`screen:${xvfb.display}?rate=20`, 10);
      expect(size).toBe('320x240');
      expect(times).toHaveLength(10);
    } finally {
      xvfb.child.kill('SIGKILL');
      await once(xvfb.child, 'close');
    }
  });
});

describe('exec:', () => {
  const TS =
    'ffmpeg -v error -re -f lavfi -i testsrc2=size=320x240:rate=20 -c:v libx264 -tune zerolatency -g 20 -f mpegts -';

  test('is refused unless it is allowed, and then does not run', async () => {
    const mark = join(directory, 'was-run');
    expect(await errorOf(`exec:touch ${mark}`)).toMatchObject({
      ...{ code: 'exec-not-allowed', retry: 'slow' },
      message: expect.stringMatching(/not allowed here: set agent.allowExec to true/) as unknown,
    });
    await expect(access(mark)).rejects.toThrow();
  });

  test('plays a container that the command writes', async () => {
    expect((await watch(`exec:${TS} | cat`, 20, { allowExec: true })).times).toHaveLength(20);
  });

  test('plays MJPEG and raw H.264 where it is said', async () => {
    const mjpeg = 'ffmpeg -v error -re -f lavfi -i testsrc2=size=320x240:rate=20 -c:v mjpeg -f mjpeg -';
    const pictures = await watch(`exec+mjpeg:${mjpeg}`, 5, { allowExec: true });
    expect(pictures.times).toHaveLength(5);
    expect(pictures.input.jpeg).toBe(true);
    expect((await watch(`exec+h264:${LIVE_H264}`, 5, { allowExec: true })).times).toHaveLength(5);
  });

  test('may not name files of this host in its output', async () => {
    const path = join(directory, 'secret.ts');
    await makeVideo('-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=10', '-t', '1', path);
    const { times } = await watch(`exec:printf "ffconcat version 1.0\\nfile '${path}'\\n"; sleep 1`, 1, {
      allowExec: true,
    });
    expect(times).toEqual([]);
  });

  test('its end takes everything with it that the command started', async () => {
    const pids = join(directory, 'pids');
    const command = `sleep 600 & echo $! > ${pids}; trap "" TERM; ${TS} | cat`;
    const input = await openInput(parseSource(`exec:${command}`), openOptions({ allowExec: true }));
    await play(input, 2);
    const sleeper = Number(await readFile(pids, 'utf8'));
    expect(lives(sleeper)).toBe(true);
    await input.close();
    await expect.poll(() => lives(sleeper)).toBe(false);
  });

  test('that fails says so with its own words, without passwords', async () => {
    expect(await errorOf('exec:echo cannot reach http://u:geheim@h/x >&2; exit 3', true)).toMatchObject({
      ...{ code: 'program-failed', retry: 'soon' },
      message: 'has a command that ended with exit code 3: cannot reach http://u:***@h/x',
    });
    expect(await errorOf('exec:no-such-program-here', true)).toMatchObject({
      message: expect.stringMatching(/exit code 127: .*not found/) as unknown,
    });
    expect(await errorOf('exec:true', true)).toMatchObject({
      message: expect.stringMatching(/without a picture/) as unknown,
    });
  });

  test('that fails later leaves its reason', async () => {
    const input = await openInput(
      parseSource(`exec:${TS.replace('-re', '-t 1')}; echo lens fell off >&2; exit 4`),
      openOptions({ allowExec: true, pace: 'replay' }),
    );
    await play(input, 1000);
    await expect.poll(() => input.failure?.()?.message).toMatch(/exit code 4: lens fell off/);
    await input.close();
  });

  test('that says nothing is given up when the camera is', async () => {
    const stop = new AbortController();
    const opening = openInput(
      parseSource('exec:sleep 600'),
      openOptions({ allowExec: true, signal: stop.signal }),
    );
    setTimeout(() => stop.abort(new Error('enough')), 50);
    await expect(opening).rejects.toThrow('enough');
  });
});

/** An X server without a screen, of 320x240. Undefined, said on stderr, where there is none. */
async function startXvfb(): Promise<{ display: string; child: ChildProcess } | undefined> {
  const args = ['-displayfd', '3', '-screen', '0', '320x240x24', '-nolisten', 'tcp'];
  const child = spawn('Xvfb', args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const number = child.stdio[3];
  const missing = once(child, 'error').then(() => undefined);
  if (number === null || number === undefined || !('setEncoding' in number)) throw new Error('no pipe');
  const ready = once(number, 'data').then(([bytes]) => String(bytes).trim());
  const display = await Promise.race([missing, ready]);
  if (display !== undefined) return { display: `:${display}`, child };
  if (process.env['CI'] === 'true') throw new Error('Xvfb is not installed: apt-get install xvfb');
  console.warn('left out: screen: needs Xvfb, apt-get install xvfb');
  return undefined;
}
