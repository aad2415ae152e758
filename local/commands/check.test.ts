import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '@faascam/core/ports';
import { startRtspCamera } from '@faascam/test-servers/rtsp-camera';
import { check, type CheckCommand } from './check.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-check-'));
const video = join(scratch, 'yard.mp4');

beforeAll(() => {
  const source = 'testsrc2=size=640x360:rate=10:duration=12';
  const encode = [
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-pix_fmt',
    'yuv420p',
    '-g',
    '40',
    '-sc_threshold',
    '0',
  ];
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', source, ...encode, video]);
});
afterAll(() => rmSync(scratch, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

/** Checks a config with this text; answers what was written, and how it ended. */
async function run(text: string, command: CheckCommand = {}) {
  const file = join(scratch, 'faascam.yml');
  writeFileSync(file, text);
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      written[name] += String(chunk);
      return true;
    });
  }
  const { signal } = new AbortController();
  const failure = await check(file, command, signal).then(
    () => undefined,
    (error: unknown) => error,
  );
  vi.restoreAllMocks();
  return { ...written, failure, file };
}

describe('faascam check', () => {
  it('shows what each camera sends, and what to change', async () => {
    const { stdout, failure } = await run(
      `cameras: { yard: { source: "file:${video}" }, demo: { source: "demo:" } }\n`,
    );
    expect(failure).toBeUndefined();
    expect(stdout).toMatch(/^CAMERA +SOURCE +VIDEO +SIZE +RATE +KEYFRAMES +SOUND +MBIT\/S +CLOCK$/m);
    expect(stdout).toMatch(/^yard +\S+yard\.mp4 +h264 \S.* +640x360 +10 +4 s +none +\d+\.\d +-$/m);
    expect(stdout).toMatch(/^demo +demo:$/m);
    expect(stdout).toMatch(/^advice {2}yard: Keyframes come every 4 s, too seldom for decode: auto/m);
    expect(stdout).toMatch(/^note {4}yard: It sends no sound/m);
    expect(stdout).toMatch(/faascam\.yml is right\.\n$/);
    // eslint-disable-next-line no-control-regex -- a log of a build takes no colours
    expect(stdout).not.toMatch(/\u001b/);
  });

  it('fails for cameras that do not stream, shows the others all the same, and never a password', async () => {
    const camera = await startRtspCamera({ user: 'cam', password: 's3cret' });
    try {
      const { stdout, stderr, failure, file } = await run(`cameras:
  good: { source: "${camera.url}" }
  refused: { source: "${camera.url.replace('s3cret', 'wr0ng')}" }
  dead: { source: "rtsp://cam:s3cret@127.0.0.1:${await freePort()}/live" }
  odd: { source: "gopher://cam:s3cret@127.0.0.1/" }
  small: { source: "file:${video}", substream: "file:${scratch}/none.mp4" }
`);
      expect(stdout).toMatch(/^good +rtsp:\/\/cam:\*\*\*@127\S+ +h264 .*640x360 +\d+/m);
      expect(stdout).toMatch(/^wrong {3}Camera refused \(\S+\) refused the login/m);
      expect(stdout).toMatch(/^wrong {3}Camera dead \(\S+\) does not listen on this port/m);
      expect(stdout).toMatch(/^wrong {3}Camera odd: .*gopher: is not supported/m);
      expect(stdout).toMatch(/^wrong {3}The substream: Camera small/m);
      expect(failure).toMatchObject({
        code: 'cameras-wrong',
        message: `${file}: 4 of 5 cameras cannot be watched: refused, dead, odd, small.`,
      });
      expect(stdout + stderr + String(failure)).not.toMatch(/s3cret|wr0ng/);
    } finally {
      await camera.stop();
    }
  });

  it('gives a report as JSON', async () => {
    const config = `cameras: { yard: { source: "file:${video}" }, gone: { source: "file:${scratch}/none.mp4" } }\n`;
    const { stdout, stderr } = await run(config, { json: '-' });
    const report: unknown = JSON.parse(stdout);
    expect(report).toMatchObject({
      v: 1,
      right: false,
      cameras: [
        {
          id: 'yard',
          source: video,
          main: { video: { codec: 'h264', width: 640, height: 360, rate: 10, keyframeIntervalMs: 4000 } },
          faults: [],
          advice: [
            { code: 'keyframes-rare', weight: 'advice' },
            { code: 'sound-missing', weight: 'note' },
          ],
        },
        { id: 'gone', faults: [{ code: 'no-file' }], advice: [] },
      ],
    });
    expect(stderr).toBe('');
  });

  it('tells mistakes of the file in the report as well', async () => {
    const { stdout, failure, file } = await run('cameras: { yard: { source: "demo:", fsp: 3 } }\n', {
      json: '-',
    });
    expect(failure).toMatchObject({ code: 'config-invalid' });
    const report: unknown = JSON.parse(stdout);
    expect(report).toMatchObject({ v: 1, right: false, cameras: [] });
    expect(stdout).toContain(`${file}:1: cameras.yard.fsp: unknown key`);
  });

  it('looks at no camera offline, and at one alone when asked', async () => {
    const config = `cameras:
  dead: { source: "rtsp://cam:s3cret@127.0.0.1:${await freePort()}/live" }
  yard: { source: "file:${video}" }
`;
    const offline = await run(config, { offline: true });
    expect(offline.failure).toBeUndefined();
    expect(offline.stdout).toMatch(/^dead: rtsp:\/\/cam:\*\*\*@\S+, 5 frames\/s, ring of 10 min$/m);
    const alone = await run(config, { camera: 'yard' });
    expect(alone.failure).toBeUndefined();
    expect(alone.stdout).not.toMatch(/dead/);
    const none = await run(config, { camera: 'garden' });
    expect(none.failure).toMatchObject({ code: 'usage' });
    expect(String(none.failure)).toMatch(/no camera "garden", it has dead, yard/);
  });
});
