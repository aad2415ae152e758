import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { decode, probe, runFfmpeg } from './ffmpeg.ts';
import { record, type Recording } from './testing/recording.ts';

const noAbort = new AbortController().signal;
let folder: string;
let recording: Recording;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-ffmpeg-'));
  recording = await record({ directory: folder, seconds: 2, video: ['-c:v', 'mjpeg'] });
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Copies a segment again and again until it is ended. */
function runForEver(output: string, signal: AbortSignal) {
  return runFfmpeg(
    {
      input: recording.segments[0]?.path ?? '',
      inputOptions: ['-re', '-stream_loop', '-1'],
      outputOptions: ['-c', 'copy', '-flush_packets', '1'],
      output,
    },
    'run for ever',
    signal,
  );
}

test('an aborted run ends its ffmpeg and rejects with the reason', async () => {
  const output = join(folder, 'endless.mkv');
  const abort = new AbortController();
  const run = runForEver(output, abort.signal);
  await vi.waitFor(() => access(output), { timeout: 20_000 });
  expect(await programsWith(output)).not.toEqual([]);
  abort.abort(new Error('closing down'));
  await expect(run).rejects.toThrow('closing down');
  await vi.waitFor(async () => expect(await programsWith(output)).toEqual([]), { timeout: 20_000 });
});

test('that there is no room for a file is told as such, and not as a fault of what was read', async () => {
  const job = {
    input: recording.segments[0]?.path ?? '',
    outputOptions: ['-c', 'copy', '-f', 'matroska'],
    output: '/dev/full',
  };
  await expect(runFfmpeg(job, 'read segment 1', noAbort)).rejects.toMatchObject({
    code: 'temp-full',
    message: `No room in ${tmpdir()} to read segment 1: free space there, or set TMPDIR.`,
  });
});

test('that ffmpeg was killed from outside is no fault of what was read either', async () => {
  const output = join(folder, 'killed.mkv');
  const run = runForEver(output, noAbort);
  const outcome = expect(run).rejects.toMatchObject({ code: 'ffmpeg-killed' });
  await vi.waitFor(() => access(output), { timeout: 20_000 });
  for (const pid of await programsWith(output)) process.kill(pid, 'SIGKILL');
  await outcome;
});

test('a failed run says what was being done and what ffmpeg said', async () => {
  const job = {
    input: join(folder, 'none.mkv'),
    outputOptions: ['-c', 'copy'],
    output: join(folder, 'out.mp4'),
  };
  await expect(runFfmpeg(job, 'join 3 segments', noAbort)).rejects.toMatchObject({ code: 'ffmpeg-failed' });
  await expect(runFfmpeg(job, 'join 3 segments', noAbort)).rejects.toThrow(
    /could not join 3 segments.*No such file/,
  );
});

test('pictures closer to each other than the camera says are no fault, as where two recordings meet', async () => {
  const path = join(folder, 'seam.mkv');
  const source = 'testsrc=size=160x120:rate=25:duration=2,settb=1/1000,setpts=PTS-gte(N\\,30)*35';
  const encoding = ['-r', '25', '-vsync', 'passthrough', '-enc_time_base', '1:1000', '-c:v', 'libx264'];
  await runFfmpeg(
    { input: source, inputOptions: ['-f', 'lavfi'], outputOptions: [...encoding, '-bf', '0'], output: path },
    'make the recording',
    noAbort,
  );
  expect(await decode(path, noAbort)).toEqual({ frames: 50, complaints: [] });
});

test('a file that is no media is not readable, whatever is in it', async () => {
  const path = join(folder, 'text.mkv');
  for (const content of ['', 'no media', '{"streams": []}']) {
    await writeFile(path, content);
    await expect(probe(path, noAbort)).rejects.toMatchObject({ code: 'not-readable' });
    expect((await decode(path, noAbort)).frames).toBe(0);
  }
});

/** Numbers of the running programs in whose command lines a path occurs. */
async function programsWith(path: string): Promise<number[]> {
  const pids: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    // A program may end while we look.
    const line = await readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => '');
    if (line.includes(path)) pids.push(Number(pid));
  }
  return pids;
}
