import type { JetStreamClient } from '@nats-io/jetstream';
import { headers as natsHeaders } from '@nats-io/transport-node';
import type { StreamToBe } from '@faascam/core/messaging';

/** Messages that no call could deliver, with the reason: kept a week, oldest dropped first above 256 MB, or less on a small disk. */
export const deadLetterStream: StreamToBe = {
  name: 'DEADLETTER',
  subjects: ['deadletter.>'],
  storage: 'file',
  max_age: 7 * 86_400 * 1_000_000_000,
  max_bytes: 256 * 1024 * 1024,
  discard: 'old',
  duplicate_window: 120 * 1_000_000_000,
};

/** Headers of a dead letter, beside those that the message had. */
export const deadLetterHeaders = {
  reason: 'Faascam-Dead-Reason',
  /** HTTP status of the last call, 0 if there was no answer. */
  status: 'Faascam-Dead-Status',
  subject: 'Faascam-Dead-Subject',
  function: 'Faascam-Dead-Function',
  /** `<stream>:<sequence>` of the message. */
  origin: 'Faascam-Dead-Origin',
  /** Present, with the size in bytes, when the body had to be left out. */
  bodyOmitted: 'Faascam-Dead-Body-Omitted',
} as const;

export interface DeadLetter {
  functionName: string;
  stream: string;
  sequence: number;
  /** When the stream took the message in; a sequence alone may come again in a stream that was made anew. */
  storedAtNs: bigint;
  subject: string;
  headers: Iterable<readonly [string, readonly string[]]>;
  body: Uint8Array;
  status: number;
  reason: string;
}

/** Room for the headers within the server's limit on a message. */
const HEADER_ROOM_BYTES = 64 * 1024;

/** Publishes a dead letter on `deadletter.<function>.<subject>`; resolves once it is stored. */
export async function publishDeadLetter(
  js: JetStreamClient,
  letter: DeadLetter,
  maxPayloadBytes: number,
): Promise<void> {
  const { functionName, stream, sequence, subject, body } = letter;
  const headers = natsHeaders();
  for (const [name, values] of letter.headers) {
    if (name.toLowerCase().startsWith('nats-')) continue;
    for (const value of values) headers.append(name, value);
  }
  headers.set(deadLetterHeaders.reason, letter.reason);
  headers.set(deadLetterHeaders.status, String(letter.status));
  headers.set(deadLetterHeaders.subject, subject);
  headers.set(deadLetterHeaders.function, functionName);
  headers.set(deadLetterHeaders.origin, `${stream}:${sequence}`);
  const fits = body.length + HEADER_ROOM_BYTES <= maxPayloadBytes;
  if (!fits) headers.set(deadLetterHeaders.bodyOmitted, String(body.length));
  await js.publish(`deadletter.${functionName}.${subject}`, fits ? body : new Uint8Array(), {
    headers,
    msgID: `${functionName}:${stream}:${sequence}:${letter.storedAtNs}`,
  });
}
