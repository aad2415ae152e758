import { StoreError } from '@faascam/core/errors';
import { eventKey, type EventObject } from '@faascam/core/ids';
import { bytesWithin } from '@faascam/core/read-object';
import type { ObjectStore, StoredObject } from '@faascam/core/store';
import { z } from 'zod';
import { NotFoundError, type Answer, type Asked } from './answer.ts';
import { isUnchanged, quotedTag, rangeCounts, type Version } from './conditions.ts';
import { chooseRange } from './range.ts';

interface Kind {
  /** In the API's document. */
  id: string;
  type: string;
  /** Of the file that a person saves. */
  extension: string;
  what: string;
  cache: string;
}

const A_WHILE = 'private, max-age=3600';

/** What the viewer gives out of an event. */
const kinds = new Map<EventObject, Kind>([
  ['clip.mp4', { id: 'getClip', type: 'video/mp4', extension: 'mp4', what: 'clip', cache: A_WHILE }],
  [
    'clip-h264.mp4',
    { id: 'getH264Clip', type: 'video/mp4', extension: 'h264.mp4', what: 'H.264 clip', cache: A_WHILE },
  ],
  [
    'snapshot.jpg',
    { id: 'getSnapshot', type: 'image/jpeg', extension: 'jpg', what: 'snapshot', cache: A_WHILE },
  ],
  [
    'snapshot-clean.jpg',
    {
      id: 'getCleanSnapshot',
      type: 'image/jpeg',
      extension: 'clean.jpg',
      what: 'snapshot without boxes',
      cache: A_WHILE,
    },
  ],
  [
    'event.json',
    { id: 'getReceipt', type: 'application/json', extension: 'json', what: 'event', cache: 'no-cache' },
  ],
  [
    'preview.mp4',
    { id: 'getPreview', type: 'video/mp4', extension: 'preview.mp4', what: 'preview', cache: A_WHILE },
  ],
  [
    'strip.jpg',
    { id: 'getStrip', type: 'image/jpeg', extension: 'strip.jpg', what: 'strip', cache: A_WHILE },
  ],
]);

/** `clip-2.mp4`, `clip-h264-2.mp4`: further parts of an event whose footage could not be one file. */
const PART = /^(clip|clip-h264)-([2-9]|[1-9][0-9]{1,2})\.mp4$/;
/** As it stands in an address: `2` to `999`. */
export const partNumber = z.string().regex(/^([2-9]|[1-9][0-9]{1,2})$/);
const partNames = new Map<EventObject, (part: number) => EventObject>([
  ['clip.mp4', (part) => `clip-${part}.mp4`],
  ['clip-h264.mp4', (part) => `clip-h264-${part}.mp4`],
]);

function kindOf(name: EventObject): Kind | undefined {
  const [, first, part] = PART.exec(name) ?? [];
  if (first === undefined || part === undefined) return kinds.get(name);
  const kind = kinds.get(first === 'clip' ? 'clip.mp4' : 'clip-h264.mp4');
  return (
    kind && { ...kind, extension: `${part}.${kind.extension}`, what: `part ${part} of the ${kind.what}` }
  );
}

/** What the viewer gives out of an event, and how further parts of it are named where there may be some. */
export const shownObjects = [...kinds].map(([name, { id, type, what }]) => ({
  name,
  id,
  type,
  what,
  partName: partNames.get(name),
}));

/** Bodies up to this are sent whole, so that a caller that goes away leaves nothing open in the store. */
const BUFFERED_BYTES = 1024 * 1024;

interface Wish {
  /** Saved as a file, instead of shown. */
  download: boolean;
  /** For so long, in s, whoever asks may have it. */
  leftS?: number;
}

/** Where the store gives it by itself, whoever asks is sent there for what is large. */
async function elsewhere(
  { direct }: ObjectStore,
  key: string,
  asked: Asked,
  { type, fileName, leftS }: { type: string; fileName: string | undefined; leftS: number },
): Promise<Answer | undefined> {
  // An address is for reading, and outlasts the right to it by nothing.
  if (direct === undefined || asked.method !== 'GET' || type !== 'video/mp4') return undefined;
  if (leftS < direct.longestS) return undefined;
  const Location = await direct.urlOf(key, {
    contentType: type,
    ...(fileName === undefined ? {} : { fileName }),
  });
  return { status: 307, headers: { Location, 'Cache-Control': 'no-store' }, body: undefined };
}

/**
 * One object of an event, whole or the part its Range header asks for. The type is given by the name, never by
 * what the store says. Throws `NotFoundError` or `StoreError`.
 */
export async function objectAnswer(
  store: ObjectStore,
  asked: Asked,
  id: string,
  name: EventObject,
  { download, leftS = Infinity }: Wish,
): Promise<Answer> {
  const kind = kindOf(name);
  if (kind === undefined) throw new NotFoundError(`${name} of an event is not given out.`);
  const { type, extension, what, cache } = kind;
  const key = eventKey(id, name);
  const missing = new NotFoundError(`No ${what} is stored for event ${id}.`);
  const object = await store.head(key);
  if (object === undefined) throw missing;

  const version = versionOf(object);
  const headers: Record<string, string> = {
    'Accept-Ranges': 'bytes',
    'Cache-Control': cache,
    ETag: version.etag,
    'Last-Modified': new Date(object.modifiedMs).toUTCString(),
  };
  if (isUnchanged(version, asked.header('if-none-match'), asked.header('if-modified-since'))) {
    return { status: 304, headers, body: undefined };
  }
  headers['Content-Type'] = type;
  // Event ids are letters, digits and hyphens, so that they need no quoting here.
  const fileName = download ? `${id}.${extension}` : undefined;
  if (fileName !== undefined) headers['Content-Disposition'] = `attachment; filename="${fileName}"`;
  const redirect = await elsewhere(store, key, asked, { type, fileName, leftS });
  if (redirect !== undefined) return redirect;

  const { sizeBytes } = object;
  const counts = asked.method === 'GET' && rangeCounts(version, asked.header('if-range'));
  const choice = chooseRange(counts ? asked.header('range') : undefined, sizeBytes);
  if (choice.kind === 'unsatisfiable') {
    return {
      status: 416,
      headers: {
        'Accept-Ranges': 'bytes',
        'Content-Range': `bytes */${sizeBytes}`,
        'Content-Type': 'application/json; charset=utf-8',
        'Cache-Control': 'no-store',
      },
      body: JSON.stringify({ error: `The ${what} of event ${id} has only ${sizeBytes} bytes.` }),
    };
  }
  const part = choice.kind === 'part' ? { start: choice.start, end: choice.end } : undefined;
  const length = part === undefined ? sizeBytes : part.end - part.start + 1;
  if (part !== undefined) headers['Content-Range'] = `bytes ${part.start}-${part.end}/${sizeBytes}`;
  headers['Content-Length'] = String(length);
  const status = part === undefined ? 200 : 206;
  if (asked.method === 'HEAD' || length === 0) return { status, headers, body: undefined };

  const found = await store.get(key, part);
  if (found === undefined) throw missing;
  if (length > BUFFERED_BYTES) return { status, headers, body: found.stream };
  const body = await bytesWithin(found.stream, length);
  if (body?.length !== length) {
    throw new StoreError('store-failed', `The store gave another length for ${key} than it has; try again.`);
  }
  return { status, headers, body };
}

function versionOf({ etag, sizeBytes, modifiedMs }: StoredObject): Version {
  const tag = etag ?? `${sizeBytes.toString(36)}-${Math.round(modifiedMs).toString(36)}`;
  return { etag: quotedTag(tag), modifiedMs };
}
