import { readdir, readFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { z } from 'zod';
import { inodeOf, isMissing } from './durable-file.ts';

const attributes = z.object({
  contentType: z.string(),
  metadata: z.record(z.string(), z.string()),
  tags: z.record(z.string(), z.string()).default({}),
});
export type Attributes = z.infer<typeof attributes>;

const contentTypes: Record<string, string> = {
  '.mp4': 'video/mp4',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
};

/**
 * The hidden file beside an object's file that holds its content type and metadata. The inode binds it to this very
 * content.
 */
export function sidecarOf(target: string, inode: bigint): string {
  return join(dirname(target), `.${nameOf(target)}.${inode}.meta`);
}

/** Every sidecar that belongs, or once belonged, to an object of this path. */
export async function sidecarsOf(target: string): Promise<string[]> {
  const pattern = new RegExp(`^\\.${nameOf(target).replaceAll('.', '\\.')}\\.\\d+\\.meta$`);
  let names: string[];
  try {
    names = await readdir(dirname(target));
  } catch (error) {
    // With its last object the folder was removed.
    if (isMissing(error)) return [];
    throw error;
  }
  return names.filter((name) => pattern.test(name)).map((name) => join(dirname(target), name));
}

/** The sidecar of an object's content. */
export async function findSidecar(target: string, inode: bigint): Promise<string | undefined> {
  const path = sidecarOf(target, inode);
  if ((await inodeOf(path)) !== undefined) return path;
  // A copy (a restored backup) has another inode; its sidecar is still its own if there is just one.
  const [only, another] = await sidecarsOf(target);
  return another === undefined ? only : undefined;
}

/** What an object's sidecar says; without one, what its name says. */
export async function attributesOf(target: string, inode: bigint): Promise<Attributes> {
  const bare = {
    contentType: contentTypes[extname(target)] ?? 'application/octet-stream',
    metadata: {},
    tags: {},
  };
  const path = await findSidecar(target, inode);
  if (path === undefined) return bare;
  try {
    return attributes.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError || error instanceof z.ZodError) return bare;
    throw error;
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
