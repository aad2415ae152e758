import type { CameraStates } from '@faascam/core/camera-state';
import { MalformedInputError } from '@faascam/core/errors';
import { parseMessage } from '@faascam/core/messages';
import { z } from 'zod';

const sentNotices = z.object({ v: z.literal(1), ids: z.array(z.string()) });

/** A message that comes again does so within minutes; so many notices go to no target in that time. */
const REMEMBERED = 256;

/** Which notices a target has, so that a message which comes again does not tell it again. KV `notify`, key `to/<target>`. */
export class SentLog {
  readonly #states: CameraStates;

  constructor(states: CameraStates) {
    this.#states = states;
  }

  async has(receiver: string, id: string): Promise<boolean> {
    return await this.#states.update(keyOf(receiver), (bytes) => ({ result: idsIn(bytes).includes(id) }));
  }

  async note(receiver: string, id: string): Promise<void> {
    await this.#states.update(keyOf(receiver), (bytes) => {
      const ids = [...idsIn(bytes).filter((each) => each !== id), id].slice(-REMEMBERED);
      return { state: new TextEncoder().encode(JSON.stringify({ v: 1, ids })), result: undefined };
    });
  }

  /** Forgets what was sent to receivers `<target>/<name>` that are there no more. */
  async keepOnly(target: string, names: readonly string[]): Promise<void> {
    const there = new Set(names.map((name) => keyOf(`${target}/${name}`)));
    for (const key of await this.#states.keys())
      if (key.startsWith(keyOf(`${target}/`)) && !there.has(key)) await this.#states.remove(key);
  }
}

function keyOf(receiver: string): string {
  return `to/${receiver}`;
}

function idsIn(bytes: Uint8Array | undefined): string[] {
  if (bytes === undefined) return [];
  try {
    return parseMessage(sentNotices, bytes, 'What was sent to a target').ids;
  } catch (error) {
    // Damaged: what is sent twice is better than what is never sent.
    if (error instanceof MalformedInputError) return [];
    throw error;
  }
}
