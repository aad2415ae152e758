import type { RestreamTarget } from '@faascam/core/restream-settings';

/** Why a target gets nothing. `slow`: only a person can mend it, so it is tried seldom. */
export interface PushCause {
  code: string;
  /** Follows the target's name. */
  says: string;
  retry: 'soon' | 'slow';
}

interface Rule extends PushCause {
  pattern: RegExp;
  kinds?: readonly RestreamTarget['kind'][];
}

/** What ffmpeg 5.1 and 7 write, from the specific to the general. */
const rules: Rule[] = [
  {
    pattern: /Incorrect passphrase|Password required|BADSECRET|REJECT reported/i,
    kinds: ['srt'],
    ...{ code: 'wrong-key', retry: 'slow' },
    says: 'refuses the stream: check the passphrase and streamid in its address',
  },
  {
    pattern: /Server error|NetStream\.Publish\.(Denied|BadName|Rejected)|NetConnection\.Connect\.Rejected/i,
    kinds: ['rtmp'],
    ...{ code: 'wrong-key', retry: 'slow' },
    says: 'refuses the stream: check the stream key, and that nobody else uses it',
  },
  {
    pattern: /\b401 Unauthorized|authorization failed/i,
    ...{ code: 'wrong-password', retry: 'slow' },
    says: 'refused the login: check the user and password in its address',
  },
  {
    pattern: /\b403 Forbidden/i,
    ...{ code: 'forbidden', retry: 'slow' },
    says: 'does not allow this user to send: check the rights of the user there',
  },
  {
    pattern: /\b(404 Not Found|405 Method Not Allowed)|method (ANNOUNCE|SETUP|RECORD) failed/i,
    ...{ code: 'refused-stream', retry: 'soon' },
    says: 'does not take a stream under this path: check the path in its address',
  },
  {
    pattern: /Failed to resolve hostname/i,
    ...{ code: 'unknown-host', retry: 'soon' },
    says: 'has a host name that no name server knows: check the host in its address',
  },
  {
    pattern: /Connection refused/i,
    ...{ code: 'unreachable', retry: 'soon' },
    says: 'does not listen on this port: check that it runs, and the host and port in its address',
  },
  {
    pattern: /No route to host|Network is unreachable|Host is down/i,
    ...{ code: 'unreachable', retry: 'soon' },
    says: 'cannot be reached: check the network and the host in its address',
  },
  {
    pattern: /timed out|ETIMEDOUT|Connection setup failure|Connection to srt:.* failed/i,
    ...{ code: 'timeout', retry: 'soon' },
    says: 'does not answer: check that it runs, and the host and port in its address',
  },
  {
    pattern:
      /could not find tag for codec|codec not currently supported|Only AAC with ADTS|incompatible with output codec/i,
    ...{ code: 'unfit-codec', retry: 'slow' },
    says: 'does not take the codec of the camera: set transcode: h264',
  },
];

/**
 * Why a pushing ffmpeg ended, out of what it wrote. `streamed`: whether the target had taken anything before.
 */
export function pushCauseOf(
  kind: RestreamTarget['kind'],
  seen: { complaints: readonly string[]; exit: string; streamed: boolean; stalled: boolean },
): PushCause {
  if (seen.stalled) {
    return {
      ...{ code: 'stalled', retry: 'soon' },
      says: seen.streamed ? 'takes nothing any more' : 'is connected but takes nothing',
    };
  }
  for (const { pattern, kinds, ...cause } of rules) {
    if (kinds?.includes(kind) === false) continue;
    if (seen.complaints.some((line) => pattern.test(line))) return cause;
  }
  if (seen.streamed) return { code: 'cut-off', says: 'cut the connection', retry: 'soon' };
  if (
    kind === 'rtmp' &&
    seen.complaints.some((line) => /Input\/output error|End of file|reset by peer|Broken pipe/i.test(line))
  ) {
    return {
      ...{ code: 'refused-stream', retry: 'soon' },
      says: 'hung up before the stream began: check the app and the stream key',
    };
  }
  const last = seen.complaints.findLast((line) => /\[(error|fatal)\]/.test(line));
  return {
    ...{ code: 'failed', retry: 'soon' },
    says: `gets nothing, ffmpeg ended with ${seen.exit}${last === undefined ? '' : `: ${last.trim()}`}`,
  };
}
