import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, removeUnfinished, replaceWhole } from '@faascam/core/durable-file';
import { messageOf, systemCodeOf } from '@faascam/core/errors';
import { eventId } from '@faascam/core/ids';
import { clipWanted, timeUs, type ClipWanted } from '@faascam/core/messages';
import { z } from 'zod';
import { isDiskFull } from '../ring/disk-full.ts';

const keptRequest = z.object({
  v: z.literal(1),
  wanted: clipWanted,
  wantedAtUs: timeUs,
  pinnedAtUs: timeUs.optional(),
  attempts: z.number().int().nonnegative(),
  /** The epoch of its dates; absent: the first. */
  epoch: z.number().int().nonnegative().default(0),
});
export type KeptRequest = z.infer<typeof keptRequest>;

/** What is remembered of a request while it waits; the rest is on the disk. */
export interface WaitingRequest {
  eventId: string;
  fromUs: number;
  toUs: number;
  wantedAtUs: number;
  pinnedAtUs?: number | undefined;
  /** How often its footage was offered. */
  attempts: number;
  /** The epoch of its dates. */
  epoch: number;
}

/**
 * The requests that a camera's footage is still wanted for, a file each beside the pins: the event's clip comes also if
 * NATS and all that lay in it is gone. A file is written whole or not at all. Where the disk is full the request is held
 * in memory; NATS has it as well.
 */
export class KeptRequests {
  readonly #directory: string;
  readonly #waiting = new Map<string, WaitingRequest>();
  /** Those that the disk had no room for. */
  readonly #inMemory = new Map<string, ClipWanted>();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Opens what is kept there; made if absent. What cannot be read is left out, and given to `onDamage`: a damaged file is
   * set aside, one that the disk does not give now may be read by the next start.
   */
  static async open(directory: string, onDamage: (why: string) => void): Promise<KeptRequests> {
    await mkdir(directory, { recursive: true });
    await removeUnfinished(directory);
    const requests = new KeptRequests(directory);
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      if (!isRequest(name)) continue;
      try {
        requests.#note(waitingOf(await read(path)));
      } catch (error) {
        onDamage(`The request in ${path} cannot be read: ${messageOf(error)}`);
        if (systemCodeOf(error) === undefined) await rename(path, path + DAMAGED);
      }
    }
    return requests;
  }

  /** How many are kept in this directory. */
  static async countIn(directory: string): Promise<number> {
    try {
      return (await readdir(directory)).filter(isRequest).length;
    } catch (error) {
      if (isMissing(error)) return 0;
      throw error;
    }
  }

  get all(): readonly WaitingRequest[] {
    return [...this.#waiting.values()];
  }

  get(event: string): WaitingRequest | undefined {
    return this.#waiting.get(event);
  }

  /** Keeps a request. It is on the disk when this resolves, unless that is full. One that is kept already stays as it is. */
  async keep(
    wanted: ClipWanted,
    taken: { wantedAtUs: number; pinnedAtUs: number; epoch: number },
  ): Promise<WaitingRequest> {
    const kept = this.#waiting.get(wanted.eventId);
    if (kept !== undefined) return kept;
    const request = waitingOf({ v: 1, wanted, ...taken, attempts: 0 });
    await this.#write(request, wanted);
    this.#note(request);
    return request;
  }

  /** Writes what has become of it. */
  async update(request: WaitingRequest): Promise<void> {
    await this.#write(request, await this.wantedOf(request.eventId));
  }

  /** The request itself. */
  async wantedOf(event: string): Promise<ClipWanted> {
    return this.#inMemory.get(event) ?? (await read(this.#path(event))).wanted;
  }

  /** It is done with. */
  async forget(event: string): Promise<void> {
    await rm(this.#path(event), { force: true });
    await rm(this.#path(event) + DAMAGED, { force: true });
    this.#waiting.delete(event);
    this.#inMemory.delete(event);
  }

  #path(event: string): string {
    return join(this.#directory, `${event}.json`);
  }

  #note(request: WaitingRequest): void {
    this.#waiting.set(request.eventId, request);
  }

  async #write(request: WaitingRequest, wanted: ClipWanted): Promise<void> {
    const { wantedAtUs, pinnedAtUs, attempts, epoch } = request;
    const kept: KeptRequest = { v: 1, wanted, wantedAtUs, pinnedAtUs, attempts, epoch };
    try {
      await replaceWhole(this.#path(wanted.eventId), Buffer.from(JSON.stringify(kept)));
      this.#inMemory.delete(wanted.eventId);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.#inMemory.set(wanted.eventId, wanted);
    }
  }
}

/** What a damaged file's name ends with. */
const DAMAGED = '.damaged';

function isRequest(name: string): boolean {
  return eventId.safeParse(name.replace(/\.json$/, '')).success;
}

function waitingOf({ wanted, wantedAtUs, pinnedAtUs, attempts, epoch }: KeptRequest): WaitingRequest {
  const { eventId, fromUs, toUs } = wanted;
  return { eventId, fromUs, toUs, wantedAtUs, pinnedAtUs, attempts, epoch };
}

async function read(path: string): Promise<KeptRequest> {
  return keptRequest.parse(JSON.parse(await readFile(path, 'utf8')));
}
