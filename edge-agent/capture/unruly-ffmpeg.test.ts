import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { ProgramError } from '@faascam/core/errors';
import { createLogger } from '@faascam/core/log';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CaptureArgs } from './ffmpeg-args.ts';
import { processor } from './hardware.ts';
import { runSession, type ClosedSegment, type SampledFrame, type SessionEnd } from './session.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-unruly-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

/** What the program that stands for ffmpeg pays no heed to. */
function captureIn(incoming: string, mode: 'all' | 'keyframes' = 'all'): CaptureArgs {
  const picture = { width: 640, quality: 5, rotate: 0 } as const;
  return {
    input: { args: [], copy: [] },
    frames: { mode, picture, thumbnails: false, decoder: processor },
    segments: { segmentMs: 2000, incoming },
  };
}

interface Run {
  frames: SampledFrame[];
  segments: ClosedSegment[];
  end: SessionEnd;
}

/** Runs a session with a program in ffmpeg's place, which writes into the same pipes. */
async function runWith(script: string, stallMs = 60_000, mode?: 'all' | 'keyframes'): Promise<Run> {
  const program = join(directory, 'ffmpeg');
  const helpers = `
    frame() { printf 'frame:%s pts:%s pts_time:0\\nsampled=1\\n' "$1" "$2" >&3; }
    jpeg() { printf -- '--ffmpeg\\r\\nContent-type: image/jpeg\\r\\nContent-length: 4\\r\\n\\r\\n\\377\\330\\377\\331\\r\\n'; }
  `;
  await writeFile(program, `#!/bin/bash\n${helpers}\n${script}\n`);
  await chmod(program, 0o755);
  vi.stubEnv('PATH', `${directory}${delimiter}${process.env['PATH'] ?? ''}`);
  const frames: SampledFrame[] = [];
  const segments: ClosedSegment[] = [];
  const end = await runSession({
    capture: captureIn(directory, mode),
    stallMs,
    clock: systemClock,
    log: createLogger('test'),
    signal: new AbortController().signal,
    onFrame: (frame) => void frames.push(frame),
    onSegment: (segment) => {
      segments.push(segment);
      if (segment.path.endsWith('000001.mkv')) throw new Error('the disk has a fault');
    },
  });
  return { frames, segments, end };
}

describe('session with an unruly ffmpeg', () => {
  test('malformed lines cost what they describe and nothing else', async () => {
    const { frames, segments, end } = await runWith(`
      frame 0 0; jpeg
      printf 'nonsense\\n\\377\\376\\n' >&3
      frame 1 NOPTS; jpeg
      frame 2 400000; jpeg
      printf '000000.mkv,0.0,2.0\\nwhat is this\\n../../etc.mkv,1,2\\n000001.mkv,2.0,4.0\\n000002.mkv,4.0,6.0\\n' >&4
    `);
    expect(frames.map(({ streamUs }) => streamUs)).toEqual([0, 400_000]);
    expect(segments.map(({ startUs }) => startUs)).toEqual([0, 2_000_000, 4_000_000]);
    expect(end).toMatchObject({ ending: 'ended', frames: 2, exit: 'exit code 0' });
  });

  test('junk among the pictures ends the session: times could belong to other pictures', async () => {
    const { frames, end } = await runWith(`
      frame 0 0; jpeg
      frame 1 200000; printf 'junk, junk, junk\\r\\n\\r\\n'
      frame 2 400000; jpeg
      while :; do sleep 0.1; done
    `);
    expect(frames.map(({ streamUs }) => streamUs).filter((us) => us > 0)).toEqual([]);
    expect(end.ending).toBe('garbled');
  });

  test('a picture without a time of its own waits for it, and is left out if none comes', async () => {
    const { frames, end } = await runWith(`
      jpeg; sleep 0.2; frame 0 0
      jpeg
    `);
    expect(frames.map(({ streamUs }) => streamUs)).toEqual([0]);
    expect(end.ending).toBe('ended');
  });

  test('one that neither writes nor ends is killed', async () => {
    const { end } = await runWith(`trap '' TERM; frame 0 0; jpeg; while :; do sleep 0.1; done`, 300);
    expect(end).toMatchObject({ ending: 'stalled', exit: 'signal SIGKILL' });
  });

  describe('whose footage grows while no frame comes', () => {
    const growing = `frame 0 0; jpeg
      for i in {1..25}; do echo more >>"$(dirname "$0")/000000.mkv"; sleep 0.1; done`;

    test('has stalled where every picture is decoded', async () => {
      const { end } = await runWith(growing, 1000, 'all');
      expect(end.ending).toBe('stalled');
    });

    test('waits for its next keyframe where those alone are', async () => {
      const { end } = await runWith(growing, 1000, 'keyframes');
      expect(end.ending).toBe('ended');
    });
  });

  test('frames cannot hide that footage has stopped', async () => {
    const { end } = await runWith(
      `i=0; while :; do frame $i $((i * 100000)); jpeg; i=$((i + 1)); sleep 0.1; done`,
      1000,
      'keyframes',
    );
    expect(end.ending).toBe('stalled');
  });

  test('one that crashes is told by its signal, and its last complaints are kept', async () => {
    const { end } = await runWith(
      `for i in {1..100}; do echo "[error] complaint $i" >&2; done; kill -SEGV $$`,
    );
    expect(end.exit).toBe('signal SIGSEGV');
    expect(end.complaints.at(-1)).toBe('[error] complaint 100');
    expect(end.complaints.length).toBe(40);
  });

  test('a missing ffmpeg is an error that says what to install', async () => {
    vi.stubEnv('PATH', directory);
    const session = runSession({
      ...{ capture: captureIn(directory), stallMs: 1000, clock: systemClock, log: createLogger('test') },
      ...{ signal: new AbortController().signal, onFrame: () => undefined, onSegment: () => undefined },
    });
    await expect(session).rejects.toThrow(ProgramError);
    await expect(session).rejects.toThrow(/apt-get install ffmpeg/);
  });
});
