import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { chainLink, linkSha256, NAMED_BEFORE, type ChainLink } from '@faascam/core/attestation';
import { canonicalJson } from '@faascam/core/canonical-json';
import { createWhole, isMissing, removeUnfinished, replaceWhole } from '@faascam/core/durable-file';
import type { Logger } from '@faascam/core/log';

/** Links that are remembered: more than requests for clips that may wait at the same time. */
const REMEMBERED = 1024;
/** Receipts named by one link: it travels in a message, and the rest goes with the next one. */
const SEALED_BY_ONE = 64;

const STORED = 'stored.json';
const LINK_FILE = /^([1-9]\d{0,14})\.json$/;

type Seal = NonNullable<ChainLink['sealed']>[number];
const seals = z.array(chainLink.shape.sealed.unwrap().element);

/** The newest link, and which are not known to be stored. */
export interface ChainState {
  number: number;
  sha256: string;
  waiting: number[];
}

/** What a link states of its event. */
export type Linked = Pick<ChainLink, 'eventId' | 'fromUs' | 'toUs' | 'event'>;

/**
 * A camera's chain of events, in a folder: a file a link, named by its number, of the newest 1024. A link is on the disk
 * before it is used, and its file is made in one step and only if its number is free, so that a crash, or another process
 * beside this one, neither skips nor doubles a number.
 */
export class Chain {
  readonly #directory: string;
  readonly #camera: string;
  readonly #log: Logger;
  readonly #links = new Map<number, ChainLink>();
  /** By what they state. */
  readonly #numbers = new Map<string, number>();
  readonly #waiting = new Set<number>();
  /** Receipts that no link names yet. */
  #unsealed: Seal[] = [];
  #head = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(directory: string, camera: string, log: Logger) {
    this.#directory = directory;
    this.#camera = camera;
    this.#log = log;
  }

  /** Reads the chain; its folder is made if it is not there. Throws what the disk says. */
  static async open(directory: string, camera: string, log: Logger): Promise<Chain> {
    const chain = new Chain(directory, camera, log);
    await mkdir(directory, { recursive: true });
    await removeUnfinished(directory);
    const numbers = (await readdir(directory))
      .flatMap((name) => LINK_FILE.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
    for (const number of numbers) await chain.#take(number);
    await chain.#readStored();
    return chain;
  }

  /** Undefined while it is empty. */
  get state(): ChainState | undefined {
    const head = this.#links.get(this.#head);
    if (head === undefined) return undefined;
    return {
      number: head.number,
      sha256: linkSha256(head),
      waiting: [...this.#waiting].sort((a, b) => a - b),
    };
  }

  /**
   * The event's link: the one that it was given once, or the next one. An event that comes again as another one (looked at
   * anew with other settings) has one more; the links after it tell that nothing is missing. Throws what the disk says.
   */
  async linkOf(linked: Linked): Promise<ChainLink> {
    return await this.#inTurn(async () => {
      for (;;) {
        const known = this.#links.get(this.#numbers.get(stated(linked)) ?? 0);
        const link = known ?? this.#next(linked);
        if (known === undefined) {
          const made = await createWhole(this.#fileOf(link.number), Buffer.from(canonicalJson(link)));
          // Another process was quicker: whatever lies there is the next one.
          await this.#take(link.number);
          if (!made) continue;
        }
        this.#waiting.add(link.number);
        return link;
      }
    });
  }

  /** Notes that the event is stored with this receipt, which the next link will name. Throws what the disk says. */
  async stored(eventId: string, receipt: string | undefined): Promise<void> {
    await this.#inTurn(async () => {
      for (const number of this.#waiting)
        if (this.#links.get(number)?.eventId === eventId) this.#waiting.delete(number);
      if (receipt === undefined || this.#isSealed(eventId)) return;
      this.#unsealed = [...this.#unsealed, { eventId, receipt }].slice(-REMEMBERED);
      await replaceWhole(join(this.#directory, STORED), Buffer.from(JSON.stringify(this.#unsealed)));
    });
  }

  #next({ eventId, fromUs, toUs, event }: Linked): ChainLink {
    const number = this.#head + 1;
    const previous = this.#links.get(this.#head);
    const named: string[] = [];
    for (let back = this.#head; named.length < NAMED_BEFORE; back--) {
      const id = this.#links.get(back)?.eventId;
      if (id === undefined) break;
      named.push(id);
    }
    const sealed = this.#unsealed.slice(0, SEALED_BY_ONE);
    return {
      number,
      ...(previous === undefined ? {} : { previous: linkSha256(previous) }),
      ...{ camera: this.#camera, eventId, fromUs, toUs, event },
      ...(named.length === 0 ? {} : { before: named }),
      ...(sealed.length === 0 ? {} : { sealed }),
    };
  }

  /** Takes a link up from its file. One that cannot be read keeps its number, and the next one will have no `previous`. */
  async #take(number: number): Promise<void> {
    try {
      const link = chainLink.parse(JSON.parse(await readFile(this.#fileOf(number), 'utf8')));
      this.#links.set(number, link);
      this.#numbers.set(stated(link), number);
      const sealed = new Set(link.sealed?.map(({ eventId }) => eventId));
      this.#unsealed = this.#unsealed.filter(({ eventId }) => !sealed.has(eventId));
    } catch {
      const path = this.#fileOf(number);
      this.#log.error({ camera: this.#camera }, `The link ${path} of the chain of events is damaged.`);
    }
    this.#head = Math.max(this.#head, number);
    const old = this.#links.get(number - REMEMBERED);
    if (old === undefined) return;
    this.#links.delete(old.number);
    this.#numbers.delete(stated(old));
    this.#waiting.delete(old.number);
    // If it stays, it is no harm: the next start removes it.
    await rm(this.#fileOf(old.number), { force: true }).catch(() => undefined);
  }

  #isSealed(eventId: string): boolean {
    if (this.#unsealed.some((seal) => seal.eventId === eventId)) return true;
    return [...this.#links.values()].some((link) => link.sealed?.some((seal) => seal.eventId === eventId));
  }

  async #readStored(): Promise<void> {
    try {
      const text = await readFile(join(this.#directory, STORED), 'utf8');
      const noted = seals.parse(JSON.parse(text));
      for (const seal of noted) if (!this.#isSealed(seal.eventId)) this.#unsealed.push(seal);
    } catch (error) {
      if (isMissing(error)) return;
      this.#log.warn({ camera: this.#camera }, 'The list of receipts to be signed next is damaged and lost.');
    }
  }

  #fileOf(number: number): string {
    return join(this.#directory, `${number}.json`);
  }

  async #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(action);
    this.#last = turn.catch(() => undefined);
    return await turn;
  }
}

function stated({ eventId, fromUs, toUs, event }: Linked): string {
  return `${eventId} ${fromUs} ${toUs} ${event}`;
}
