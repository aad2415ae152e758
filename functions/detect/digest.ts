import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { systemCodeOf } from '@faascam/core/errors';

/** What a model's file must be. */
export interface Expected {
  sizeBytes: number;
  sha256?: string | undefined;
  sha256Prefix?: string | undefined;
}

export interface Measured {
  sizeBytes: number;
  sha256: string;
}

/** How a file differs from what it must be, for a person; undefined if it does not. */
export function differenceFrom(expected: Expected, found: Measured): string | undefined {
  if (found.sizeBytes !== expected.sizeBytes) {
    return `it has ${found.sizeBytes} bytes instead of ${expected.sizeBytes}`;
  }
  if (expected.sha256 !== undefined && found.sha256 !== expected.sha256) {
    return `its sha256 is ${found.sha256} instead of ${expected.sha256}`;
  }
  if (expected.sha256Prefix !== undefined && !found.sha256.startsWith(expected.sha256Prefix)) {
    return `its sha256 is ${found.sha256} and does not start with ${expected.sha256Prefix}`;
  }
  return undefined;
}

/** Size and digest of a file; undefined if there is none of that name. */
export async function measure(path: string): Promise<Measured | undefined> {
  try {
    if (!(await stat(path)).isFile()) return undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const hash = createHash('sha256');
  let sizeBytes = 0;
  await pipeline(createReadStream(path), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      sizeBytes += chunk.length;
    }
  });
  return { sizeBytes, sha256: hash.digest('hex') };
}

/** Where the whole digest of a first download is kept, in the format of `sha256sum`. */
export function pinPath(modelPath: string): string {
  return `${modelPath}.sha256`;
}

/** The digest that the first download of a model had; undefined if none was kept. */
export async function pinnedDigest(modelPath: string): Promise<string | undefined> {
  try {
    return /^[0-9a-f]{64}/.exec(await readFile(pinPath(modelPath), 'utf8'))?.[0];
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
