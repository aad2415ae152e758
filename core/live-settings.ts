import { z } from 'zod';
import { cameraId } from './ids.ts';

/** A program that watches on its own, without the page. */
const liveProgram = z.strictObject({
  name: z.string().min(1).describe('Tells tokens apart in the log.'),
  token: z
    .string()
    .min(24)
    .describe(
      'What the program shows as `Authorization: Bearer` or `?token=`. 24 characters or more, such as `openssl rand -hex 24` gives; `${file:...}` keeps it out of this file.',
    ),
  cameras: z.array(cameraId).default([]).describe('The cameras that it may see. Empty: all of this agent.'),
});

export const liveSettings = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Whether the agent shows its cameras live. Without viewers it costs nothing.'),
    host: z
      .string()
      .default('127.0.0.1')
      .describe(
        'Where the live server listens. Loopback unless told otherwise; from elsewhere the page has WebRTC all the same, since its signalling goes through NATS.',
      ),
    port: z
      .number()
      .int()
      .min(0)
      .max(65_535)
      .default(0)
      .describe('Its port. 0 takes a free one; give one where other programs are to find it.'),
    publicUrl: z
      .union([z.literal(''), z.url({ protocol: /^https?$/ })])
      .default('')
      .describe(
        'How browsers reach the live server, such as `https://cameras.example.org/yard` of a proxy before it. Empty: by host and port.',
      ),
    origins: z
      .array(z.string())
      .default(['*'])
      .describe(
        "Web pages that may use it (CORS), such as `https://faascam.example.org`. `*` is safe: every address needs a token, and a browser's cookies count for nothing.",
      ),
    secret: z
      .string()
      .default('')
      .describe(
        'Shared with the viewer function, which signs short-lived tokens with it: 24 characters or more, as `${file:...}`. `faascam up` makes one itself. Empty: only the tokens of `programs` count.',
      ),
    programs: z.array(liveProgram).default([]).describe('Other programs that may watch.'),
    viewers: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(32)
      .describe('Viewers at the same time, all cameras together. Each costs the uplink a whole stream.'),
    stun: z
      .string()
      .regex(/^(stun:[^\s/]+:\d+)?$/, 'is no address such as stun:stun.example.org:3478')
      .default('')
      .describe(
        'A STUN server, by which WebRTC finds its way through most home routers. Empty: only in the same network, or by `addresses`.',
      ),
    addresses: z
      .array(z.string())
      .default([])
      .describe('Further addresses of this host for WebRTC, such as that of the host of a container.'),
    udpPorts: z
      .tuple([z.number().int().min(1024).max(65_535), z.number().int().min(1024).max(65_535)])
      .optional()
      .describe('The UDP ports for WebRTC, first and last, for a firewall that opens only some.'),
    pictures: z
      .strictObject({
        fps: z
          .number()
          .min(0.5)
          .max(30)
          .default(10)
          .describe('Pictures a second of MJPEG, while somebody looks.'),
        width: z
          .number()
          .int()
          .min(160)
          .max(3840)
          .default(1280)
          .describe('Widest picture of MJPEG and of single pictures; never enlarged.'),
        quality: z
          .number()
          .int()
          .min(2)
          .max(31)
          .default(6)
          .describe("On ffmpeg's JPEG scale, 2 (best) to 31."),
        natsFps: z
          .number()
          .min(0.2)
          .max(10)
          .default(4)
          .describe(
            'Pictures a second at most that go through NATS for those who can reach the agent no other way. They share the uplink with frames.',
          ),
      })
      .prefault({})
      .describe('Live view as single pictures, where a browser can play nothing else.'),
  })
  .prefault({})
  .superRefine(({ secret }, context) => {
    if (secret !== '' && secret.length < 24)
      context.addIssue({ code: 'custom', path: ['secret'], message: 'needs 24 characters or more' });
  })
  .describe('Live view: WebRTC, MSE and MJPEG out of the one connection that is recorded.');
export type LiveSettings = z.infer<typeof liveSettings>;
