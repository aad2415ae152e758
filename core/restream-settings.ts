import { z } from 'zod';
import { FaascamError } from './errors.ts';

/** Where a camera's stream is sent on to. What is secret of it stands apart from its address. */
export type RestreamTarget =
  | {
      kind: 'rtmp';
      /** `rtmps://host/app`, without the stream key. */
      address: string;
      app: string;
      key: string;
    }
  | {
      kind: 'srt';
      host: string;
      port: number;
      mode: 'caller' | 'listener';
      latencyMs: number;
      passphrase: string | undefined;
      streamId: string | undefined;
    }
  | { kind: 'udp'; host: string; port: number; ttl: number; localAddress: string | undefined }
  | {
      kind: 'rtsp';
      /** With user and password, if there are any. */
      url: string;
    };

const FORMS =
  'rtmp(s)://host/app/KEY, srt://host:port, udp://group:port or rtsp(s)://user:password@host/path';

/** Reads an address. Throws `FaascamError` `bad-target`, whose message follows the key and holds nothing of the address. */
export function parseTarget(text: string): RestreamTarget {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  switch (url?.protocol) {
    case 'rtmp:':
    case 'rtmps:':
      return rtmpTarget(url);
    case 'srt:':
      return srtTarget(url);
    case 'udp:':
      return udpTarget(url);
    case 'rtsp:':
    case 'rtsps:':
      if (url.hostname === '' || url.pathname.length < 2) throw bad('names no path: rtsp://host:8554/yard');
      return { kind: 'rtsp', url: text };
    default:
      throw bad(`must be one of ${FORMS}`);
  }
}

/** A target without what is secret of it, for logs, health and pages. */
export function shownTarget(target: RestreamTarget): string {
  switch (target.kind) {
    case 'rtmp':
      return `${withoutLogin(target.address)}/***`;
    case 'srt':
      return `srt://${target.host}:${target.port}`;
    case 'udp':
      return `udp://${target.host}:${target.port}`;
    case 'rtsp':
      return withoutLogin(target.url);
  }
}

function rtmpTarget(url: URL): RestreamTarget {
  const parts = url.pathname.split('/').filter((part) => part !== '');
  const key = parts.pop();
  if (url.hostname === '' || key === undefined || parts.length === 0)
    throw bad('needs an app and the stream key behind the host: rtmps://host/live2/KEY');
  const app = parts.join('/');
  return {
    ...{ kind: 'rtmp', app, key: `${key}${url.search}` },
    address: `${url.protocol}//${loginText(url)}${url.host}/${app}`,
  };
}

function srtTarget(url: URL): RestreamTarget {
  const { mode, latency, passphrase, streamid } = queryOf(url, {
    mode: z.enum(['caller', 'listener']).default('caller'),
    latency: z.coerce.number().int().min(20).max(8000).default(200),
    passphrase: z.string().min(10).max(79).optional(),
    streamid: z.string().min(1).max(512).optional(),
  });
  return { kind: 'srt', ...hostAndPort(url), mode, latencyMs: latency, passphrase, streamId: streamid };
}

function udpTarget(url: URL): RestreamTarget {
  const { ttl, interface: localAddress } = queryOf(url, {
    ttl: z.coerce.number().int().min(0).max(255).default(1),
    // It goes into ffmpeg's own options behind the address, so nothing but an address may be in it.
    interface: z
      .string()
      .regex(/^[0-9a-f.:]+$/i)
      .optional(),
  });
  return { kind: 'udp', ...hostAndPort(url), ttl, localAddress };
}

function hostAndPort(url: URL): { host: string; port: number } {
  if (url.hostname === '' || url.port === '')
    throw bad(`needs a host and a port: ${url.protocol}//host:9000`);
  if (url.pathname.length > 1) throw bad('has a path behind its port, which it cannot have');
  return { host: url.hostname, port: Number(url.port) };
}

function queryOf<T extends z.ZodRawShape>(url: URL, shape: T): z.infer<z.ZodObject<T>> {
  const parsed = z.strictObject(shape).safeParse(Object.fromEntries(url.searchParams));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : (issue?.path.join('.') ?? '');
  const why = issue?.code === 'unrecognized_keys' ? 'which is unknown here' : (issue?.message ?? '');
  throw bad(`has ?${name}=, ${why}; known are ${Object.keys(shape).join(', ')}`);
}

function withoutLogin(address: string): string {
  const url = new URL(address);
  return `${url.protocol}//${url.host}${url.pathname}`;
}

function loginText(url: URL): string {
  return url.username === '' ? '' : `${url.username}${url.password === '' ? '' : `:${url.password}`}@`;
}

function bad(message: string): FaascamError {
  return new FaascamError('bad-target', message);
}

export const restreamSettings = z
  .array(
    z.strictObject({
      to: z
        .string()
        .superRefine((text, context) => {
          try {
            parseTarget(text);
          } catch (error) {
            if (!(error instanceof FaascamError)) throw error;
            context.addIssue({ code: 'custom', message: error.message });
          }
        })
        .describe(
          `Where to: ${FORMS}. Keep keys and passwords in files or the environment: \${file:...}, \${NAME}.`,
        ),
      transcode: z
        .enum(['never', 'h264'])
        .default('never')
        .describe(
          'What happens where the target does not take the camera’s codec. `h264` encodes it anew, which costs a core or more; `never` says so instead.',
        ),
      sound: z
        .enum(['camera', 'none'])
        .default('camera')
        .describe(
          '`none` sends no sound. RTMP gets silence then, and from cameras without sound: YouTube and Twitch insist on a track.',
        ),
    }),
  )
  .max(8)
  .default([])
  .describe('Where this camera is sent on to, from its one connection; see docs/restream.md.');
export type RestreamSettings = z.infer<typeof restreamSettings>[number];
