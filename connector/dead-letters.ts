import { JetStreamApiCodes, JetStreamApiError, type StoredMsg } from '@nats-io/jetstream';
import { headers as natsHeaders } from '@nats-io/transport-node';
import { FaascamError, messageOf } from '@faascam/core/errors';
import type { Messaging } from '@faascam/core/messaging';
import { deadLetterHeaders, deadLetterStream } from './dead-letter.ts';

/** A dead letter as it lies in its stream. */
export interface StoredDeadLetter {
  /** Its number: its place in the stream. */
  seq: number;
  storedAtUs: number;
  functionName: string;
  /** On which the message was published. */
  subject: string;
  /** HTTP status of the last call, 0 if there was no answer. */
  status: number;
  reason: string;
  /** Of the message. */
  sizeBytes: number;
  /** There was no room for the body: it cannot be sent again. */
  bodyOmitted: boolean;
}

/** All dead letters, the oldest first; none when there never was one. */
export async function* deadLetters({ jsm }: Messaging): AsyncGenerator<StoredDeadLetter> {
  const info = await orUndefined(jsm.streams.info(deadLetterStream.name));
  if (info === undefined) return;
  for (let seq = Math.max(1, info.state.first_seq); seq <= info.state.last_seq; seq++) {
    // Those that were removed leave holes.
    const message = await orUndefined(jsm.streams.getMessage(deadLetterStream.name, { seq }));
    if (message) yield described(message);
  }
}

/**
 * Publishes a dead letter's message on its subject again, with its own headers, and removes the letter. Done twice by
 * mistake, the server takes the message once. Throws `FaascamError` `no-dead-letter`, `body-omitted` or `not-stored`.
 */
export async function retryDeadLetter(messaging: Messaging, seq: number): Promise<StoredDeadLetter> {
  const { js } = messaging;
  const message = await letterAt(messaging, seq);
  const letter = described(message);
  if (letter.bodyOmitted) {
    throw new FaascamError(
      'body-omitted',
      `The dead letter ${seq} has no body, for which there was no room: it cannot be sent again.`,
    );
  }
  const headers = natsHeaders();
  const own = new Set<string>(Object.values(deadLetterHeaders));
  for (const [name, values] of message.header) {
    if (own.has(name) || name.toLowerCase().startsWith('nats-')) continue;
    for (const value of values) headers.append(name, value);
  }
  try {
    await js.publish(letter.subject, message.data, {
      headers,
      msgID: `dead-letter-${seq}-${message.time.getTime()}`,
    });
  } catch (cause) {
    throw new FaascamError(
      'not-stored',
      `The dead letter ${seq} could not be published on ${letter.subject} (${messageOf(cause)}); it stays where it is.`,
      { cause },
    );
  }
  await removeDeadLetter(messaging, seq);
  return letter;
}

/** Throws `FaascamError` `no-dead-letter`. */
export async function removeDeadLetter(messaging: Messaging, seq: number): Promise<void> {
  await letterAt(messaging, seq);
  await messaging.jsm.streams.deleteMessage(deadLetterStream.name, seq, false);
}

async function letterAt({ jsm }: Messaging, seq: number): Promise<StoredMsg> {
  const message = await orUndefined(jsm.streams.getMessage(deadLetterStream.name, { seq }));
  if (!message) throw new FaascamError('no-dead-letter', `There is no dead letter ${seq}.`);
  return message;
}

/** Undefined where the stream or the message is not there. */
async function orUndefined<T>(asked: Promise<T>): Promise<T | undefined> {
  const { StreamNotFound, NoMessageFound } = JetStreamApiCodes;
  try {
    return await asked;
  } catch (error) {
    if (
      error instanceof JetStreamApiError &&
      [StreamNotFound, NoMessageFound].some((code) => code === error.code)
    )
      return undefined;
    throw error;
  }
}

function described({ seq, header, data, time }: StoredMsg): StoredDeadLetter {
  const omitted = header.get(deadLetterHeaders.bodyOmitted);
  return {
    seq,
    storedAtUs: time.getTime() * 1000,
    functionName: header.get(deadLetterHeaders.function),
    subject: header.get(deadLetterHeaders.subject),
    status: Number(header.get(deadLetterHeaders.status)),
    reason: header.get(deadLetterHeaders.reason),
    sizeBytes: omitted === '' ? data.length : Number(omitted),
    bodyOmitted: omitted !== '',
  };
}
