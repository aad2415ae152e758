import type { Readable } from 'node:stream';
import { manifest, type Manifest } from './clip-messages.ts';
import { MalformedInputError } from './errors.ts';
import { eventKey } from './ids.ts';
import { parseMessage } from './messages.ts';
import type { ObjectStore } from './store.ts';

/** A receipt of a five-minute event with all its segments is below 100 kB. */
const MAX_RECEIPT_BYTES = 4 * 1024 * 1024;

/** An object's bytes; undefined if it is not there. Throws `MalformedInputError` when it is larger than `maxBytes`. */
export async function readObject(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const found = await store.get(key);
  if (found === undefined) return undefined;
  const bytes = await bytesWithin(found.stream, maxBytes);
  if (bytes === undefined)
    throw new MalformedInputError(`${key} in the store is larger than ${maxBytes} bytes`);
  return bytes;
}

/** Everything in a stream, or undefined if that is more than `maxBytes`; the stream is destroyed either way. */
export async function bytesWithin(stream: Readable, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a stream of the store must give bytes');
    size += chunk.length;
    if (size > maxBytes) return undefined;
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

/**
 * An event's receipt, undefined while there is none. Throws `MalformedInputError` for one that cannot be read or is of
 * another event, and `StoreError`.
 */
export async function readReceipt(
  store: Pick<ObjectStore, 'get'>,
  id: string,
): Promise<Manifest | undefined> {
  const key = eventKey(id, 'event.json');
  const bytes = await readObject(store, key, MAX_RECEIPT_BYTES);
  if (bytes === undefined) return undefined;
  const parsed = parseMessage(manifest, bytes, `${key} in the store`);
  if (parsed.event.id !== id) throw new MalformedInputError(`${key} in the store is of another event`);
  return parsed;
}
