import { randomBytes } from 'node:crypto';

/**
 * W3C Trace Context (https://www.w3.org/TR/trace-context/): the headers `traceparent` and `tracestate` say which work
 * belongs together. The connector makes no span of its own: it passes on what a message has.
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

/** A trace of its own for a message that has none. Not sampled: nobody has asked for it to be recorded. */
export function newTraceparent(): string {
  return `00-${nonZeroHex(16)}-${nonZeroHex(8)}-00`;
}

function nonZeroHex(bytes: number): string {
  for (;;) {
    const hex = randomBytes(bytes).toString('hex');
    if (!/^0+$/.test(hex)) return hex;
  }
}

/** The headers of a message with the trace that its calls carry; those of no or a wrong trace get a new one. */
export function withTrace(
  headers: Iterable<readonly [string, readonly string[]]>,
): readonly (readonly [string, readonly string[]])[] {
  const all = [...headers];
  const given = all
    .filter(([name]) => name.toLowerCase() === traceparentHeader)
    .flatMap(([, values]) => values);
  const [traceparent] = given;
  if (given.length === 1 && traceparent !== undefined && isTraceparent(traceparent)) return all;
  const others = all.filter(
    ([name]) => name.toLowerCase() !== traceparentHeader && name.toLowerCase() !== tracestateHeader,
  );
  return [...others, [traceparentHeader, [newTraceparent()]]];
}
