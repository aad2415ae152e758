import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { removeUnfinished, replaceWhole } from '@faascam/core/durable-file';
import { eventId } from '@faascam/core/ids';
import { timeUs } from '@faascam/core/messages';
import { z } from 'zod';
import { unlessDiskFull } from './disk-full.ts';
import type { Hold } from './eviction.ts';

const pinFile = z.object({ fromUs: timeUs, toUs: timeUs, lost: z.boolean().optional() });
type Pin = z.infer<typeof pinFile>;

/** A pin whose event nobody asks for any more: far longer than a request can lie in its stream. */
const STALE_AFTER_MS = 30 * 86_400_000;

/**
 * Spans of footage that must not be dropped, by event. Kept on disk, a file each, so that they hold from the first
 * moment after a restart and not only once their request is delivered again. A pin that was lost for want of room stays
 * as a note, so that it is not pinned anew.
 */
export class Pins {
  readonly #directory: string;
  readonly #pins = new Map<string, Pin>();
  /** What is held, joined where it overlaps, in order of time; made when asked for. */
  #spans: { fromUs: number; toUs: number }[] | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string): Promise<Pins> {
    const pins = new Pins(directory);
    await mkdir(directory, { recursive: true });
    await removeUnfinished(directory);
    for (const name of await readdir(directory)) await pins.#read(name);
    return pins;
  }

  /** What events hold. */
  get held(): readonly Hold[] {
    return [...this.#pins].flatMap(([event, { fromUs, toUs, lost }]) =>
      lost === true ? [] : [{ event, fromUs, toUs }],
    );
  }

  /** Does nothing for an event that has lost its pin. */
  async add(event: string, span: { fromUs: number; toUs: number }): Promise<void> {
    const there = this.#pins.get(event);
    if (there?.lost === true || (there?.fromUs === span.fromUs && there.toUs === span.toUs)) return;
    await this.#put(event, span);
  }

  /** Takes the pin away from an event that goes on without. */
  async lose(event: string): Promise<void> {
    const there = this.#pins.get(event);
    if (there !== undefined) await this.#put(event, { ...there, lost: true });
  }

  async remove(event: string): Promise<void> {
    this.#pins.delete(event);
    this.#spans = undefined;
    await rm(join(this.#directory, event), { force: true });
  }

  /** Whether some event needs what lies between these times. */
  hold(startUs: number, endUs: number): boolean {
    const spans = (this.#spans ??= joined(this.held));
    // The first span that ends behind the start is the only one that can share time with it and begin before its end.
    let [low, high] = [0, spans.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((spans[middle]?.toUs ?? Infinity) > startUs) high = middle;
      else low = middle + 1;
    }
    return (spans[low]?.fromUs ?? Infinity) < endUs;
  }

  async #put(event: string, pin: Pin): Promise<void> {
    this.#pins.set(event, pin);
    this.#spans = undefined;
    // On a full disk it holds until the next start; the request comes again then.
    const path = join(this.#directory, event);
    await unlessDiskFull(() => replaceWhole(path, Buffer.from(JSON.stringify(pin))));
  }

  async #read(name: string): Promise<void> {
    const path = join(this.#directory, name);
    const { mtimeMs } = await stat(path);
    const parsed = pinFile.safeParse(jsonOf(await readFile(path, 'utf8')));
    const valid = eventId.safeParse(name).success && parsed.success;
    // Torn by a failing disk: its request pins anew.
    if (!valid || Date.now() - mtimeMs > STALE_AFTER_MS) await rm(path, { force: true });
    else this.#pins.set(name, parsed.data);
  }
}

function joined(holds: readonly Hold[]): { fromUs: number; toUs: number }[] {
  const spans: { fromUs: number; toUs: number }[] = [];
  for (const { fromUs, toUs } of [...holds].sort((a, b) => a.fromUs - b.fromUs)) {
    const last = spans.at(-1);
    if (last !== undefined && fromUs <= last.toUs) last.toUs = Math.max(last.toUs, toUs);
    else spans.push({ fromUs, toUs });
  }
  return spans;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
