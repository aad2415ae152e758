import type { Readable } from 'node:stream';
import { join } from 'node:path';
import type { StoreSettings } from './store-settings.ts';

export interface StoredObject {
  key: string;
  /** Of the whole object, also when only a range of it was asked for. */
  sizeBytes: number;
  contentType: string;
  /** Names in lower case. */
  metadata: Record<string, string>;
  modifiedMs: number;
  /** Changes whenever the object does; without quotes. */
  etag?: string;
}

export interface PutOptions {
  contentType: string;
  /** Names of `a-z`, `0-9` and `-`; values of printable ASCII, as S3 carries them in headers. */
  metadata?: Record<string, string>;
  /** What the object is labelled with, for rules and for people; unlike metadata it can be changed later. */
  tags?: Tags;
  /** Store it only if there is nothing under this key yet. */
  ifAbsent?: boolean;
  /** Gives the put up: it throws the signal's reason, and what was sent of the object is taken back. */
  signal?: AbortSignal;
}

/** At most ten; names of 1 to 128 and values of up to 256 letters, digits, spaces and `+-=._:/@`. */
export type Tags = Record<string, string>;

/** First and last byte, both included, from 0; an end past the object's last byte means its last byte. */
export interface ByteRange {
  start: number;
  end: number;
}

export type ListEntry = { key: string; sizeBytes: number } | { prefix: string };

export interface ListOptions {
  /** Only entries after this key or prefix. */
  startAfter?: string;
  /** Keys that share what follows `prefix` up to the next slash are one entry: `{ prefix }`, with the slash. */
  delimiter?: '/';
}

/** What an object is read by without the store's keys, for a while. */
export interface DirectAddresses {
  /** Where such addresses lead, such as `https://s3.example.org`. */
  origin(): Promise<string>;
  /** Longest time for which one is good, in s. */
  readonly longestS: number;
  /** One for reading an object, be it there or not. Whoever has it needs nothing else. */
  urlOf(key: string, as: DirectAs): Promise<string>;
}

/** What the store tells a browser of the object. */
export interface DirectAs {
  contentType: string;
  /** Saved under this name, instead of shown. */
  fileName?: string;
}

/**
 * Where clips, snapshots and receipts lie: objects under keys, as S3 has them. An object is there whole or not at
 * all, and stays what it is until it is put again. A missing object is no error; every failure is a `StoreError`.
 */
export interface ObjectStore {
  /** For messages: what and where it is, without secrets. */
  readonly description: string;
  /** Where those who ask reach the store by themselves. */
  readonly direct?: DirectAddresses;
  /**
   * Stores bytes or a file, replacing what is there, atomically. With `ifAbsent`, of any number of callers at
   * the same time exactly one is told `created`, and its object is the one that stays.
   */
  put(key: string, body: Buffer | { file: string }, options: PutOptions): Promise<'created' | 'exists'>;
  head(key: string): Promise<StoredObject | undefined>;
  /**
   * The object and its bytes. The caller reads the stream to its end or destroys it. Throws `RangeError` when the
   * range begins past the object's end.
   */
  get(key: string, range?: ByteRange): Promise<{ object: StoredObject; stream: Readable } | undefined>;
  /** The object's tags; undefined if there is no such object. */
  getTags(key: string): Promise<Tags | undefined>;
  /**
   * Gives the object these tags in place of those that it had; false if it is not there. Nothing else of it
   * changes, save `modifiedMs` on some servers.
   */
  setTags(key: string, tags: Tags): Promise<boolean>;
  /** Entries whose key begins with `prefix`, in order of their bytes. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListEntry>;
  /** Removes the object; that it was not there is no error. */
  delete(key: string): Promise<void>;
  /** Proves that the store can be reached and written, or throws a `StoreError` that says what to do. */
  check(): Promise<void>;
  /** Removes what writes have left that were broken off a day ago or earlier. Throws `StoreError`. */
  tidy(): Promise<void>;
  /** Lets go of connections. The store must not be used afterwards. */
  close(): Promise<void>;
}

/**
 * The store that the settings name; its owner closes it. A folder is made, and a bucket where `createBucket` asks
 * for it; otherwise an S3 server is not spoken to before the first call. `dataDirectory` holds the default folder.
 * Throws `UsageError` for settings that cannot be right (a missing key file), `StoreError` for all else.
 */
export async function openStore(settings: StoreSettings, dataDirectory: string): Promise<ObjectStore> {
  // Loaded when needed: the S3 client costs memory that a folder does not.
  if (settings.kind === 's3') {
    const { openS3Store } = await import('./s3-store.ts');
    return await openS3Store(settings);
  }
  const { openDirectoryStore } = await import('./directory-store.ts');
  return await openDirectoryStore(settings.path === '' ? join(dataDirectory, 'clips') : settings.path);
}

const KEY_PART = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/;
const METADATA_NAME = /^[a-z0-9-]+$/;
const METADATA_VALUE = /^[!-~]([ -~]*[!-~])?$/;
// What every server takes; AWS names the same set.
const TAG_TEXT = /^[A-Za-z0-9 +\-=._:/@]*$/;
const MOST_TAGS = 10;

/**
 * The parts of a key between its slashes. Keys are `a-z`, `A-Z`, `0-9`, `_`, `.`, `-` and `/`, and no part is empty
 * or begins with a dot, so that every key is a path below the store's folder as it is. Throws `RangeError`.
 */
export function keyParts(key: string): string[] {
  const parts = key.split('/');
  if (key.length > 512 || !parts.every((part) => KEY_PART.test(part))) {
    throw new RangeError(`not a key of an object: ${JSON.stringify(key.slice(0, 200))}`);
  }
  return parts;
}

/** Throws `RangeError` for a prefix with which no key can begin. */
export function requirePrefix(prefix: string): void {
  const last = prefix.slice(prefix.lastIndexOf('/') + 1);
  // A key that begins with the prefix: it may end anywhere, also right after a slash.
  keyParts(last === '' ? `${prefix}a` : prefix);
}

/** Throws `RangeError` for metadata that a store could not give back as it was. */
export function requireMetadata(metadata: Record<string, string>): void {
  for (const [name, value] of Object.entries(metadata)) {
    if (!METADATA_NAME.test(name) || value.length > 1024 || !METADATA_VALUE.test(value)) {
      throw new RangeError(`object metadata ${JSON.stringify(name)} is not plain ASCII in one line`);
    }
  }
}

/** Throws `RangeError` for tags that a store could not give back as they were. */
export function requireTags(tags: Tags): void {
  const entries = Object.entries(tags);
  if (entries.length > MOST_TAGS) throw new RangeError(`an object has at most ${MOST_TAGS} tags`);
  for (const [name, value] of entries) {
    const sound = name !== '' && name.length <= 128 && value.length <= 256;
    if (!sound || !TAG_TEXT.test(name) || !TAG_TEXT.test(value)) {
      throw new RangeError(
        `object tag ${JSON.stringify(name)} is not of letters, digits, spaces and +-=._:/@`,
      );
    }
  }
}

/** The first and last byte to read of an object of `sizeBytes`. Throws `RangeError` when there is none. */
export function bytesOf(range: ByteRange, sizeBytes: number): ByteRange {
  const { start } = range;
  const end = Math.min(range.end, sizeBytes - 1);
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || start > end) {
    throw new RangeError(`bytes ${range.start} to ${range.end} are not in an object of ${sizeBytes} bytes`);
  }
  return { start, end };
}
