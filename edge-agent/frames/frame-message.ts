import { headers as natsHeaders, type MsgHdrs } from '@nats-io/transport-node';
import { headers } from '@faascam/core/subjects';

/** What a message on `frames.<camera>` says of its picture. `lost` has no body: the camera went away then. */
export interface FrameFacts {
  kind: 'image' | 'lost';
  capturedAtUs: number;
  seq: number;
  agent: string;
}

/** The headers of a message on `frames.<camera>`. */
export function frameHeaders({ kind, capturedAtUs, seq, agent }: FrameFacts): MsgHdrs {
  const result = natsHeaders();
  result.set(headers.kind, kind);
  result.set(headers.capturedAt, String(capturedAtUs));
  result.set(headers.seq, String(seq));
  result.set(headers.agent, agent);
  return result;
}

/** Leaves room for the headers. */
const HEADER_BYTES = 1024;

/** The largest picture that NATS takes as a message of `maxPayload` bytes. */
export function largestFrame(maxPayload: number | undefined): number {
  return (maxPayload ?? 1_048_576) - HEADER_BYTES;
}

export function tooLargeMessage(bytes: number): string {
  return `A frame of ${bytes} bytes is larger than NATS takes and was left out: lower frames.width.`;
}
