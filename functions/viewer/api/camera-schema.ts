import { z } from 'zod';
import { cameraId } from '@faascam/core/ids';
import { cameraHealth } from '@faascam/core/messages';

const count = z.number().int().nonnegative();

export const cameraView = z
  .object({
    id: cameraId,
    agent: cameraId,
    state: z.enum(['connecting', 'streaming', 'waiting', 'stopped', 'failed', 'offline']),
    cause: z.string().optional().describe('Why it does not stream: one sentence.'),
    causeCode: z.string().optional().describe("The cause's stable name, for programs."),
    lastFrameAgeMs: z.number().nonnegative().optional(),
    restarts: count.describe('Connections to the camera after the first.'),
    framesPerSecond: z.number().nonnegative().optional().describe('Frames looked at, a second.'),
    decoding: z.string().optional().describe('How frames are made, such as `keyframes` or `all by vaapi`.'),
    bytesSentLastHour: count.optional().describe('Of frames.'),
    dropped: z
      .array(z.object({ reason: z.string(), frames: count }))
      .describe("Frames that were not sent since the agent's start, by reason, the most frequent first."),
    ring: cameraHealth.shape.ring.describe("What the agent's disk holds of it."),
    urls: z.object({ frame: z.string() }).describe('Relative to the address of the page.'),
  })
  .meta({ id: 'Camera' });
export type CameraView = z.infer<typeof cameraView>;

export const camerasAnswer = z
  .object({
    cameras: z.array(cameraView),
    notice: z.string().optional().describe('Why the list may be out of date: one sentence.'),
  })
  .meta({ id: 'Cameras' });
export type CamerasAnswer = z.infer<typeof camerasAnswer>;
