import { posix } from 'node:path';
import type { Manifest } from '@faascam/core/clip-messages';
import { UsageError } from '@faascam/core/errors';
import { eventKey } from '@faascam/core/ids';
import type { Wanted } from './fetch-object.ts';

/** What an event may have in the store, by the names that a user gives it. */
const CLIP_KINDS = ['clip', 'h264', 'preview', 'strip', 'snapshot', 'receipt'] as const;
export type ClipKind = (typeof CLIP_KINDS)[number];

/** Reads `clip,h264`, or `all`. Throws `UsageError`. */
export function clipKindsOf(text: string): Set<ClipKind> {
  const names = text.split(',').map((name) => name.trim());
  if (names.length === 1 && names[0] === 'all') return new Set(CLIP_KINDS);
  const kinds = new Set<ClipKind>();
  for (const name of names) {
    const kind = CLIP_KINDS.find((known) => known === name);
    if (kind === undefined) {
      throw new UsageError(
        'usage',
        `--what ${text}: "${name}" is none of ${CLIP_KINDS.join(', ')}; several with commas between, or all.`,
      );
    }
    kinds.add(kind);
  }
  return kinds;
}

/** An object of an event, and what it is called as a file. */
export interface ClipFile {
  kind: ClipKind;
  wanted: Wanted;
  name: string;
}

/** Those of an event's objects that are wanted and that its receipt names, the clip first. */
export function clipFilesOf(receipt: Manifest, kinds: ReadonlySet<ClipKind>): ClipFile[] {
  const { event, clip, parts, renditions = [], preview, strip, snapshot } = receipt;
  const files: ClipFile[] = [];
  const add = (kind: ClipKind, ending: string, { key, sha256, sizeBytes }: Wanted): void => {
    const wanted = {
      key,
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
    };
    if (kinds.has(kind)) files.push({ kind, wanted, name: `${event.id}${ending}` });
  };
  for (const video of parts ?? (clip === undefined ? [] : [clip])) add('clip', `${partOf(video)}.mp4`, video);
  for (const video of renditions) add('h264', `${partOf(video)}.h264.mp4`, video);
  if (preview !== undefined) add('preview', '.preview.mp4', preview);
  if (strip !== undefined) add('strip', '.strip.jpg', strip);
  if (snapshot !== undefined) {
    const { key, sha256, cleanKey, cleanSha256 } = snapshot;
    add('snapshot', '.jpg', { key, ...(sha256 === undefined ? {} : { sha256 }) });
    if (cleanKey !== undefined)
      add('snapshot', '.clean.jpg', {
        key: cleanKey,
        ...(cleanSha256 === undefined ? {} : { sha256: cleanSha256 }),
      });
  }
  add('receipt', '.json', { key: eventKey(event.id, 'event.json') });
  return files;
}

/** `-2` of `clip-2.mp4`; nothing of the first. */
function partOf({ key }: { key: string }): string {
  return /-\d+(?=\.mp4$)/.exec(posix.basename(key))?.[0] ?? '';
}
