import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventId } from '@faascam/core/ids';
import { timeUs } from '@faascam/core/messages';
import { z } from 'zod';
import { unlessDiskFull } from './disk-full.ts';

const pinFile = z.object({ fromUs: timeUs, toUs: timeUs });
type Span = z.infer<typeof pinFile>;

/** As long as a request can lie in the stream of requests; an older pin has no request any more. */
const STALE_AFTER_MS = 7 * 86_400_000;

/**
 * Spans of footage that must not be dropped, by event. Kept on disk, a file each, so that they hold from the first
 * moment after a restart and not only once their request is delivered again.
 */
export class Pins {
  readonly #directory: string;
  readonly #spans = new Map<string, Span>();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string): Promise<Pins> {
    const pins = new Pins(directory);
    await mkdir(directory, { recursive: true });
    for (const name of await readdir(directory)) await pins.#read(name);
    return pins;
  }

  get count(): number {
    return this.#spans.size;
  }

  async add(event: string, span: Span): Promise<void> {
    this.#spans.set(event, span);
    // On a full disk it holds until the next start; the request comes again then.
    await unlessDiskFull(() => writeFile(join(this.#directory, event), JSON.stringify(span)));
  }

  async remove(event: string): Promise<void> {
    this.#spans.delete(event);
    await rm(join(this.#directory, event), { force: true });
  }

  /** Whether some event needs what lies between these times. */
  hold(startUs: number, endUs: number): boolean {
    for (const span of this.#spans.values()) {
      if (span.fromUs < endUs && span.toUs > startUs) return true;
    }
    return false;
  }

  async #read(name: string): Promise<void> {
    const path = join(this.#directory, name);
    const { mtimeMs } = await stat(path);
    const parsed = pinFile.safeParse(jsonOf(await readFile(path, 'utf8')));
    const valid = eventId.safeParse(name).success && parsed.success;
    // Torn by a crash: its request comes again and pins anew.
    if (!valid || Date.now() - mtimeMs > STALE_AFTER_MS) await rm(path, { force: true });
    else this.#spans.set(name, parsed.data);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
