import { redact } from '@faascam/core/redact';
import type { Source } from '../sources/source.ts';

/**
 * How soon another try makes sense: `at-once` when the try itself waited long enough, `soon` with growing waits, `slow`
 * when only a person can mend it.
 */
export type Retry = 'at-once' | 'soon' | 'slow';

/** Why a camera does not stream. */
export interface Cause {
  code: string;
  /** One sentence without secrets: what happened, and what to do if anything. */
  message: string;
  retry: Retry;
}

/** How a capturing ffmpeg came to its end, from our side. */
export type Ending = 'stopped' | 'stalled' | 'garbled' | 'clock-jumped' | 'decoding-changed' | 'ended';

interface Rule {
  pattern: RegExp;
  code: string;
  /** Follows the camera's name. */
  says: string;
  retry: Retry;
}

/** What ffmpeg 5.1 and 7 write, from the specific to the general. */
const rules: Rule[] = [
  {
    pattern: /\b401 Unauthorized|authorization failed/i,
    code: 'wrong-password',
    says: 'refused the login: check the user and password in its source',
    retry: 'slow',
  },
  {
    pattern: /\b403 Forbidden/i,
    code: 'forbidden',
    says: 'does not allow this user to watch: check the rights of the user on the camera',
    retry: 'slow',
  },
  {
    pattern: /\b404 Not Found|\b454 Session Not Found/i,
    code: 'not-found',
    says: 'has no stream under this path: check the path in its source',
    retry: 'soon',
  },
  {
    pattern: /Server returned (4\d\d|5\d\d|4XX|5XX)|method \w+ failed: \d\d\d/i,
    code: 'refused-stream',
    says: 'refused to send its stream',
    retry: 'soon',
  },
  {
    pattern: /Failed to resolve hostname/i,
    code: 'unknown-host',
    says: 'has a host name that no name server knows: check the host in its source',
    retry: 'soon',
  },
  {
    pattern: /Connection refused/i,
    code: 'unreachable',
    says: 'does not listen on this port: check that it runs, and the host and port in its source',
    retry: 'soon',
  },
  {
    pattern: /No route to host|Network is unreachable|Host is down/i,
    code: 'unreachable',
    says: 'cannot be reached: check the network and the host in its source',
    retry: 'soon',
  },
  {
    pattern: /Connection timed out|Operation timed out|ETIMEDOUT/i,
    code: 'timeout',
    says: 'does not answer: check that it runs, and the host and port in its source',
    retry: 'soon',
  },
  {
    pattern: /No space left on device/i,
    code: 'disk-full',
    says: 'cannot be recorded, the disk is full: free some space or give its ring fewer megabytes',
    retry: 'soon',
  },
  {
    pattern: /Read-only file system/i,
    code: 'disk-read-only',
    says: 'cannot be recorded, the disk can only be read: check the disk',
    retry: 'soon',
  },
  {
    pattern: /matches no streams/i,
    code: 'no-video',
    says: 'sends no video: check that its source is the one with the picture',
    retry: 'slow',
  },
  { pattern: /No such file or directory/i, code: 'no-file', says: 'has no such file', retry: 'slow' },
  {
    pattern: /Permission denied/i,
    code: 'no-permission',
    says: 'has a file that may not be read',
    retry: 'slow',
  },
  {
    pattern: /Is a directory/i,
    code: 'no-file',
    says: 'has a directory where a video is needed',
    retry: 'slow',
  },
  {
    pattern:
      /Decoder \(codec .*\) not found|Unknown decoder|codec not currently supported|could not find tag for codec/i,
    code: 'unknown-codec',
    says: 'sends a codec that this ffmpeg does not know: choose H.264 or H.265 on the camera',
    retry: 'slow',
  },
  {
    pattern: /Connection reset by peer|Broken pipe/i,
    code: 'cut-off',
    says: 'cut the connection',
    retry: 'soon',
  },
];

/** Must come last: ffmpeg says it of a file that is no video, but also of a camera that does not answer. */
const invalidData = /Invalid data found when processing input/i;

/**
 * Why ffmpeg ended, from the last lines that it wrote and from what we saw. `camera` is its id, `shown` its source
 * without secrets, `streamed` whether any picture had come.
 */
export function causeOf(seen: {
  ending: Ending;
  complaints: readonly string[];
  exit: string;
  camera: string;
  shown: string;
  sourceKind: Source['kind'];
  streamed: boolean;
}): Cause {
  const name = `Camera ${seen.camera} (${seen.shown})`;
  const cause = (code: string, says: string, retry: Retry): Cause => ({
    code,
    message: redact(`${name} ${says}.`),
    retry,
  });
  switch (seen.ending) {
    case 'stopped':
      return cause('stopped', 'is no longer watched', 'soon');
    case 'stalled':
      return cause(
        'stalled',
        seen.streamed ? 'stopped sending pictures' : 'is connected but sends no picture',
        'at-once',
      );
    case 'garbled':
      return cause('garbled', 'made ffmpeg write what is no picture', 'soon');
    case 'clock-jumped':
      return cause('clock-jumped', 'set its clock, so its times start anew', 'at-once');
    case 'decoding-changed':
      return cause('decoding-changed', 'is connected anew, to be decoded in another way', 'at-once');
    case 'ended':
      break;
  }
  // While pictures flow, ffmpeg complains of damaged ones; what ended it stands in the last lines.
  const lines = seen.streamed ? seen.complaints.slice(-6) : seen.complaints;
  for (const rule of rules) {
    if (lines.some((line) => rule.pattern.test(line))) return cause(rule.code, rule.says, rule.retry);
  }
  if (lines.some((line) => invalidData.test(line)) && !seen.streamed) {
    return seen.sourceKind === 'file'
      ? cause('not-a-video', 'has a file that is not a video that ffmpeg can read', 'slow')
      : cause(
          'no-answer',
          'does not answer as its source says: check the scheme, host and port in its source',
          'soon',
        );
  }
  if (seen.streamed) return cause('stream-ended', 'ended its stream', 'soon');
  const last = seen.complaints.findLast((line) => /\[(error|fatal)\]/.test(line));
  return cause(
    'failed',
    `cannot be watched, ffmpeg ended with ${seen.exit}${last ? `: ${last.trim()}` : ''}`,
    'soon',
  );
}
