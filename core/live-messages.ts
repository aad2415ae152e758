import { z } from 'zod';

/** On `control.live.<camera>`, to the camera's agent, which replies with a `LiveReply`. */
export const liveRequest = z.discriminatedUnion('kind', [
  /** WebRTC by way of NATS: an SDP offer of whoever wants to watch, with all its candidates. */
  z.object({ v: z.literal(1), kind: z.literal('offer'), sdp: z.string().min(1).max(64_000) }),
  z.object({ v: z.literal(1), kind: z.literal('end'), session: z.string().min(1).max(64) }),
  /** Asks for pictures on `live.<camera>` for a while; asked again before its end, it goes on. */
  z.object({ v: z.literal(1), kind: z.literal('watch'), seconds: z.number().min(1).max(60) }),
]);
export type LiveRequest = z.infer<typeof liveRequest>;

export const liveReply = z.discriminatedUnion('kind', [
  z.object({ v: z.literal(1), kind: z.literal('answer'), sdp: z.string(), session: z.string() }),
  z.object({ v: z.literal(1), kind: z.literal('done') }),
  /** `status` as HTTP has it; `code` is stable. */
  z.object({
    v: z.literal(1),
    kind: z.literal('refused'),
    status: z.number().int(),
    code: z.string(),
    message: z.string(),
  }),
]);
export type LiveReply = z.infer<typeof liveReply>;
