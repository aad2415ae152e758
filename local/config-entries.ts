import { randomUUID } from 'node:crypto';
import { readFile, realpath, rename, rm, stat, chmod, chown } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Document, isMap, isPair, isScalar, parseDocument, YAMLMap } from 'yaml';
import { isMissing, syncFolder, writeWhole } from '@faascam/core/durable-file';
import { FaascamError, messageOf, systemCodeOf, UsageError } from '@faascam/core/errors';
import type { KnownCamera } from '@faascam/edge-agent/discovery/findings';

/** A camera that is to stand in the config file. */
export interface NewCamera {
  id: string;
  source: string;
  substream?: string;
  /** Stands above it, one line. */
  comment: string;
}

const HEAD = ` faascam's settings; every key is explained in docs/faascam.example.yml.
 Variables as \${NAME} are taken from the environment. Check this file with: faascam check`;

/** The cameras that a config file has, as they stand there; none if there is no such file. */
export async function camerasInFile(path: string): Promise<KnownCamera[]> {
  const text = await textOf(path);
  if (text === undefined) return [];
  const cameras = documentOf(text, path).get('cameras');
  if (!isMap(cameras)) return [];
  return cameras.items.flatMap((item): KnownCamera[] => {
    if (!isPair(item) || !isScalar(item.key) || !isMap(item.value)) return [];
    const source = item.value.get('source');
    return typeof source === 'string' ? [{ id: String(item.key.value), source }] : [];
  });
}

/**
 * Adds cameras to a config file, which is made if it is not there. What stands in it stays, comments too; the file is
 * changed in one step, so that whoever reads it meanwhile sees the old or the new. Throws `UsageError`
 * `config-invalid` when it is no YAML, `FaascamError` `config-not-written`.
 */
export async function addCameras(path: string, cameras: readonly NewCamera[]): Promise<void> {
  const text = withCameras((await textOf(path)) ?? '', cameras, path);
  try {
    // A link stays a link to the file that changes.
    const target = await realpath(path).catch((error: unknown) => {
      if (isMissing(error)) return path;
      throw error;
    });
    const before = await stat(target).catch(() => undefined);
    const fresh = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
    try {
      await writeWhole(fresh, Buffer.from(text), before && before.mode & 0o777);
      if (before !== undefined) {
        // The config of a service is root's to write, and the service's to read.
        if (process.getuid?.() === 0) await chown(fresh, before.uid, before.gid);
        await chmod(fresh, before.mode & 0o777);
      }
      await rename(fresh, target);
    } finally {
      await rm(fresh, { force: true });
    }
    await syncFolder(dirname(target));
  } catch (cause) {
    throw new FaascamError(
      'config-not-written',
      `The config file ${path} cannot be written (${systemCodeOf(cause) ?? messageOf(cause)}): check its folder and owner, or name another file.`,
      { cause },
    );
  }
}

/** The text of a config with more cameras in it. `path` names it in errors. */
export function withCameras(text: string, cameras: readonly NewCamera[], path: string): string {
  const document = documentOf(text, path);
  const isNew = document.contents === null;
  if (isNew) {
    document.contents = document.createNode({});
    document.commentBefore ??= HEAD;
  }
  if (!isMap(document.contents)) {
    throw new UsageError(
      'config-invalid',
      `${path}: this is no config file, it has no keys: name another file.`,
    );
  }
  const given: unknown = document.get('cameras', true);
  if (given === undefined || given === null || (isScalar(given) && (given.value ?? '') === '')) {
    document.set('cameras', new YAMLMap());
  }
  const section: unknown = document.get('cameras', true);
  if (!isMap(section)) {
    throw new UsageError(
      'config-invalid',
      `${path}: its cameras are no list of names with settings: mend it first.`,
    );
  }
  for (const { id, source, substream, comment } of cameras) {
    const key = document.createNode(id);
    // Behind braces there is no room for a comment.
    if (section.flow !== true) key.commentBefore = ` ${comment}`;
    const settings = { source, ...(substream === undefined ? {} : { substream }) };
    section.add({ key, value: document.createNode(settings) });
  }
  // Long lines stay whole, as an address is easier to read that way.
  return document.toString({ lineWidth: 0 });
}

function documentOf(text: string, path: string): Document {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line ?? 1;
    throw new UsageError(
      'config-invalid',
      // Not what the parser says: it quotes the text, which may be a password.
      `${path}:${line}: this is no YAML: mend it first, as faascam check --offline says.`,
    );
  }
  return document;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new FaascamError(
      'config-unreadable',
      `The config file ${path} cannot be read (${systemCodeOf(cause) ?? messageOf(cause)}): check the path.`,
      { cause },
    );
  }
}
