import { headers as createHeaders, type MsgHdrs } from '@nats-io/transport-node';
import { z } from 'zod';
import { MalformedInputError } from './errors.ts';
import { headerOf, type FunctionEvent } from './function.ts';
import { cameraId } from './ids.ts';
import { motionHeader, timeUs, type MotionHeader } from './messages.ts';
import { cameraOf, headers } from './subjects.ts';

/** What the headers of a message on `frames.*` or `motion.*` say; the body is the JPEG. */
export interface FrameHeader {
  camera: string;
  agent: string;
  capturedAtUs: number;
  seq: number;
  kind: 'image' | 'lost';
}

const integer = z
  .string()
  .regex(/^\d{1,16}$/)
  .transform(Number);
const frameHeader = z.object({
  camera: cameraId,
  agent: cameraId,
  capturedAtUs: integer.pipe(timeUs),
  seq: integer,
  kind: z.enum(['image', 'lost']),
});

/** Reads a frame's headers from a function's event. Throws `MalformedInputError`. */
export function frameHeaderOf(event: FunctionEvent): FrameHeader {
  const parsed = frameHeader.safeParse({
    camera: cameraOf(headerOf(event, headers.topic) ?? ''),
    agent: headerOf(event, headers.agent),
    capturedAtUs: headerOf(event, headers.capturedAt),
    seq: headerOf(event, headers.seq),
    kind: headerOf(event, headers.kind) ?? 'image',
  });
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path }) => path.join('.')).join(', ');
  throw new MalformedInputError(`The frame's headers are missing or malformed: ${fields}`, {
    cause: parsed.error,
  });
}

/** Reads what motion said of a frame. Throws `MalformedInputError`. */
export function motionHeaderOf(event: FunctionEvent): MotionHeader {
  try {
    return motionHeader.parse(JSON.parse(headerOf(event, headers.motion) ?? ''));
  } catch (cause) {
    throw new MalformedInputError(`The frame's ${headers.motion} header is missing or malformed`, { cause });
  }
}

/** Headers for a frame's message, to be read again by `frameHeaderOf`. */
export function messageHeadersOf(frame: FrameHeader, motion?: MotionHeader): MsgHdrs {
  const values = createHeaders();
  values.set(headers.capturedAt, String(frame.capturedAtUs));
  values.set(headers.seq, String(frame.seq));
  values.set(headers.agent, frame.agent);
  values.set(headers.kind, frame.kind);
  if (motion !== undefined) values.set(headers.motion, JSON.stringify(motion));
  return values;
}
