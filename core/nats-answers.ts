import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';

/** Whether an update was refused because the key, or subject, has changed since the revision that it names. */
export function isOutdated(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamWrongLastSequence;
}

/** The answer, or undefined where the stream or the message does not exist. */
export async function orAbsent<T>(answer: Promise<T | null>): Promise<T | undefined> {
  try {
    return (await answer) ?? undefined;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
      return undefined;
    throw error;
  }
}
