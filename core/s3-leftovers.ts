import { z } from 'zod';
import { eventId } from './ids.ts';
import { s3Trouble } from './s3-errors.ts';
import type { S3Connection } from './s3-connection.ts';

/** No upload of ours takes so long: it was left by a crash. */
const STALE_AFTER_MS = 86_400_000;

const upload = z.object({ key: z.string(), uploadId: z.string(), initiated: z.date() });

/**
 * Gives up the uploads in parts that were begun for objects of events below `prefix` a day ago or earlier, and never
 * came to an end: their parts take space that no list shows. How many there were. A server that cannot list uploads,
 * or will not let us, is left alone.
 */
export async function abortLeftovers(
  connection: S3Connection,
  prefix: string,
  nowMs: number,
): Promise<number> {
  const { client, place } = connection;
  let aborted = 0;
  let marker = '';
  try {
    for (;;) {
      const page = await client.listIncompleteUploadsQuery(place.bucket, prefix, marker, '', '');
      for (const item of page.uploads) {
        const { key, uploadId, initiated } = upload.parse(item);
        if (!isOfEvent(key, prefix) || nowMs - initiated.getTime() < STALE_AFTER_MS) continue;
        await abortUpload(connection, key, uploadId);
        aborted++;
      }
      // The client knows the next key only: of a thousand uploads of one key, the rest has to wait.
      if (!page.isTruncated || page.nextKeyMarker === '' || page.nextKeyMarker === marker) return aborted;
      marker = page.nextKeyMarker;
    }
  } catch (error) {
    if (['denied', 'not-implemented'].includes(s3Trouble(error))) return aborted;
    throw error;
  }
}

/** Gives up one upload; that it is not there any more is no error. */
export async function abortUpload(
  connection: S3Connection,
  objectName: string,
  uploadId: string,
): Promise<void> {
  try {
    await connection.ask({ method: 'DELETE', objectName, query: `uploadId=${encodeURIComponent(uploadId)}` });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'NoSuchUpload')) throw error;
  }
}

/** A bucket may be shared: only what is named as our objects are is ours. */
function isOfEvent(key: string, prefix: string): boolean {
  const parts = key.slice(prefix.length).split('/');
  return key.startsWith(prefix) && parts.length === 6 && eventId.safeParse(parts[4]).success;
}
