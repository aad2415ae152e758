import { cameraId } from '@faascam/core/ids';
import { z } from 'zod';

/** One address by which a camera can be watched. */
const liveWay = z.object({
  kind: z
    .enum(['webrtc', 'mse', 'mjpeg', 'jpeg'])
    .describe('WebRTC by WHEP, fMP4 over a WebSocket, multipart JPEG, one JPEG at a time.'),
  by: z.enum(['agent', 'viewer']).describe("The camera's agent itself, or this function through NATS."),
  url: z.string().describe('Absolute, or relative to the address of this answer.'),
  stun: z.string().optional().describe('For WebRTC.'),
});

export const liveAnswer = z.object({
  camera: cameraId,
  ways: z.array(liveWay).describe('The quickest first.'),
  /** Of the tokens in the agent's addresses; absent without any. */
  expiresAtUs: z.number().int().optional(),
});
export type LiveAnswer = z.infer<typeof liveAnswer>;
