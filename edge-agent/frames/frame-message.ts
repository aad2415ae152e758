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
