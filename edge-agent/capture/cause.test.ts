import { describe, expect, test } from 'vitest';
import { causeOf } from './cause.ts';

/** Lines that ffmpeg 5.1 and ffmpeg 7.0 wrote for the same fault. */
const complaints: Record<string, { kind: 'file' | 'rtsp'; lines: string[][]; code: string; retry: string }> =
  {
    'a wrong password': {
      kind: 'rtsp',
      code: 'wrong-password',
      retry: 'slow',
      lines: [
        [
          '[rtsp @ 0x55cfe6128a00] [error] method DESCRIBE failed: 401 Unauthorized',
          '[error] rtsp://cam:wrong@127.0.0.1:18554/cam: Server returned 401 Unauthorized (authorization failed)',
        ],
        [
          '[rtsp @ 0x347c5f40] [error] method DESCRIBE failed: 401 Unauthorized',
          '[in#0 @ 0x347c5bc0] [error] Error opening input: Server returned 401 Unauthorized (authorization failed)',
          '[error] Error opening input file rtsp://cam:wrong@127.0.0.1:18554/cam.',
          '[fatal] Error opening input files: Server returned 401 Unauthorized (authorization failed)',
        ],
      ],
    },
    'a wrong path': {
      kind: 'rtsp',
      code: 'not-found',
      retry: 'soon',
      lines: [
        [
          '[rtsp @ 0x55da242a1a00] [error] method DESCRIBE failed: 404 Not Found',
          '[error] rtsp://cam:s3cret@127.0.0.1:18554/nope: Server returned 404 Not Found',
        ],
        [
          '[rtsp @ 0x123d4f40] [error] method DESCRIBE failed: 404 Not Found',
          '[in#0 @ 0x123d4bc0] [error] Error opening input: Server returned 404 Not Found',
        ],
      ],
    },
    'nobody on the port': {
      kind: 'rtsp',
      code: 'unreachable',
      retry: 'soon',
      lines: [
        [
          '[tcp @ 0x5622186888c0] [error] Connection to tcp://127.0.0.1:1?timeout=5000000 failed: Connection refused',
          '[error] rtsp://cam:s3cret@127.0.0.1:1/cam: Connection refused',
        ],
        [
          '[tcp @ 0x4212ef80] [error] Connection to tcp://127.0.0.1:1?timeout=5000000 failed: Connection refused',
          '[fatal] Error opening input files: Connection refused',
        ],
      ],
    },
    'an unknown host': {
      kind: 'rtsp',
      code: 'unknown-host',
      retry: 'soon',
      lines: [
        [
          '[tcp @ 0x561d8e53d8c0] [error] Failed to resolve hostname nohost.invalid: Name or service not known',
          '[error] rtsp://cam:s3cret@nohost.invalid/cam: Input/output error',
        ],
      ],
    },
    'a port where something else or nothing answers': {
      kind: 'rtsp',
      code: 'no-answer',
      retry: 'soon',
      lines: [
        ['[error] rtsp://127.0.0.1:18999/cam: Invalid data found when processing input'],
        ['[in#0 @ 0x3c11cbc0] [error] Error opening input: Invalid data found when processing input'],
      ],
    },
    'a file that is no video': {
      kind: 'file',
      code: 'not-a-video',
      retry: 'slow',
      lines: [
        ['[error] text.txt: Invalid data found when processing input'],
        [
          '[mov,mp4,m4a,3gp,3g2,mj2 @ 0x6e7ee80] [error] moov atom not found',
          '[fatal] Error opening input files: Invalid data found when processing input',
        ],
      ],
    },
    'a file without a picture': {
      kind: 'file',
      code: 'no-video',
      retry: 'slow',
      lines: [
        ["[fatal] Stream map '0:v:0' matches no streams.", "To ignore this, add a trailing '?' to the map."],
        [
          "[fatal] Stream map '0:v:0' matches no streams.",
          "[error] Failed to set value '0:v:0' for option 'map': Invalid argument",
        ],
      ],
    },
    'a missing file': {
      kind: 'file',
      code: 'no-file',
      retry: 'slow',
      lines: [
        ['[error] missing.mp4: No such file or directory'],
        ['[fatal] Error opening input files: No such file or directory'],
      ],
    },
    'a directory': {
      kind: 'file',
      code: 'no-file',
      retry: 'slow',
      lines: [['[error] /tmp: Is a directory']],
    },
    'a file that may not be read': {
      kind: 'file',
      code: 'no-permission',
      retry: 'slow',
      lines: [['[error] denied.mp4: Permission denied']],
    },
    'a full disk': {
      kind: 'rtsp',
      code: 'disk-full',
      retry: 'soon',
      lines: [
        ['[error] av_interleaved_write_frame(): No space left on device'],
        [
          '[vost#0:0/copy @ 0x19f5c140] [error] Error submitting a packet to the muxer: No space left on device',
          '[out#0/segment @ 0x19f5ca00] [error] Error muxing a packet',
        ],
      ],
    },
  };

const seen = {
  ending: 'ended' as const,
  exit: 'exit code 1',
  camera: 'yard',
  shown: 'rtsp://cam:***@10.0.0.7/cam',
  sourceKind: 'rtsp' as const,
  streamed: false,
};

describe('cause', () => {
  for (const [fault, { kind, lines, code, retry }] of Object.entries(complaints)) {
    test(`${fault} is told apart in what each version of ffmpeg writes`, () => {
      for (const version of lines) {
        const cause = causeOf({ ...seen, sourceKind: kind, complaints: version });
        expect(cause).toMatchObject({ code, retry });
        expect(cause.message).toMatch(/^Camera yard \(.*\) .*\.$/);
        expect(cause.message).not.toMatch(/s3cret|wrong@/);
      }
    });
  }

  test('a stream that ends after pictures came is no fault of the address', () => {
    expect(causeOf({ ...seen, streamed: true, complaints: [] })).toMatchObject({
      code: 'stream-ended',
      retry: 'soon',
    });
    const damaged = ['[h264 @ 0x1] [error] Invalid data found when processing input'];
    expect(causeOf({ ...seen, streamed: true, complaints: damaged }).code).toBe('stream-ended');
  });

  test('an unknown complaint is passed on, without secrets', () => {
    const cause = causeOf({ ...seen, complaints: ['[error] rtsp://cam:geheim@10.0.0.7/cam: Odd fault'] });
    expect(cause).toMatchObject({ code: 'failed', retry: 'soon' });
    expect(cause.message).toContain('Odd fault');
    expect(cause.message).not.toContain('geheim');
  });

  test('what we noticed ourselves goes before what ffmpeg said when it was ended', () => {
    const complaint = ['[error] av_interleaved_write_frame(): Broken pipe'];
    expect(causeOf({ ...seen, ending: 'stalled', streamed: true, complaints: complaint }).code).toBe(
      'stalled',
    );
    expect(causeOf({ ...seen, ending: 'stopped', complaints: complaint }).code).toBe('stopped');
  });
});
