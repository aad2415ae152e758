import { randomBytes } from 'node:crypto';
import { isTraceparent, traceparentHeader, tracestateHeader } from '@faascam/core/trace-context';

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
