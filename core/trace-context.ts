import { headers as createHeaders, type MsgHdrs } from '@nats-io/transport-node';
import { headerOf, type FunctionEvent } from './function.ts';

/**
 * W3C Trace Context (https://www.w3.org/TR/trace-context/): the headers `traceparent` and `tracestate` say which work
 * belongs together, from a frame to its event.
 */
export const traceparentHeader = 'traceparent';
export const tracestateHeader = 'tracestate';

const SHAPE =
  /^(?<version>[0-9a-f]{2})-(?<trace>[0-9a-f]{32})-(?<parent>[0-9a-f]{16})-[0-9a-f]{2}(?<rest>-.*)?$/;

/** Whether the text is a `traceparent` that the standard lets pass: of version 00, or of a later one that may be longer. */
export function isTraceparent(text: string): boolean {
  const { version, trace, parent, rest } = SHAPE.exec(text)?.groups ?? {};
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return false;
  return !/^0+$/.test(trace ?? '') && !/^0+$/.test(parent ?? '');
}

/** Puts the trace of a call into the headers of a message that the call publishes; `headers` are made if not given. */
export function withTraceOf(event: FunctionEvent, headers: MsgHdrs = createHeaders()): MsgHdrs {
  const traceparent = headerOf(event, traceparentHeader);
  if (traceparent === undefined || !isTraceparent(traceparent)) return headers;
  headers.set(traceparentHeader, traceparent);
  const tracestate = headerOf(event, tracestateHeader);
  if (tracestate !== undefined) headers.set(tracestateHeader, tracestate);
  return headers;
}
