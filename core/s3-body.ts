import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { ByteRange } from './store.ts';

/** What a put sends: bytes, or a file, or some bytes of it. */
export type Body = Buffer | { file: string; bytes?: ByteRange };

export async function sizeOf(body: Body): Promise<number> {
  return Buffer.isBuffer(body) ? body.length : (await stat(body.file)).size;
}

/** The body from its beginning, for each try anew. */
export function readBody(body: Body): Buffer | Readable {
  return Buffer.isBuffer(body) ? body : createReadStream(body.file, body.bytes ?? {});
}

/** MD5 in base64, as the header Content-MD5 has it; SHA-256 in hex, as the signature has it, where it is wanted. */
export async function digestOf(body: Body, wantsSha256: boolean): Promise<{ md5: string; sha256: string }> {
  const md5 = createHash('md5');
  const sha256 = wantsSha256 ? createHash('sha256') : undefined;
  const source = readBody(body);
  for await (const chunk of Buffer.isBuffer(source) ? [source] : source) {
    const bytes = z.instanceof(Buffer).parse(chunk);
    md5.update(bytes);
    sha256?.update(bytes);
  }
  return { md5: md5.digest('base64'), sha256: sha256?.digest('hex') ?? '' };
}

/** S3's most parts of one object. */
const MOST_PARTS = 10_000;

/** The bytes of each part of a file, in order; the parts are larger where there would be too many. */
export function partsOf(sizeBytes: number, partBytes: number): ByteRange[] {
  const each = Math.max(partBytes, Math.ceil(sizeBytes / MOST_PARTS));
  return Array.from({ length: Math.ceil(sizeBytes / each) }, (_, index) => ({
    start: index * each,
    end: Math.min((index + 1) * each, sizeBytes) - 1,
  }));
}
