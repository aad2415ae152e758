import type { EventObject } from '@faascam/core/ids';

/** The name of an event's clip, or of its rendition, by its place among the parts, from 0: only later ones are numbered. */
export function eventFileName(kind: 'clip' | 'clip-h264', part: number): EventObject {
  return part === 0 ? `${kind}.mp4` : `${kind}-${part + 1}.mp4`;
}
