import { read, watch, type FSWatcher } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '@faascam/core/durable-file';
import { MatroskaPackets, type StreamStart } from './matroska-stream.ts';
import type { LivePacket } from './live-stream.ts';

/** In case the system tells of no changes, as for some network file systems, or when all its watches are taken. */
const LOOK_EVERY_MS = 100;
const CHUNK_BYTES = 256 * 1024;

export interface GrowingSegmentsOptions {
  /** Where ffmpeg writes segments, numbered in order. */
  incoming: string;
  /** Called for each file that begins. */
  onStart: (start: StreamStart) => void;
  onPacket: (packet: LivePacket) => void;
  /** All that is written was read. */
  onUpToDate: () => void;
  /** Called when a file cannot be read; it goes on with the next. */
  onFault: (error: unknown) => void;
}

interface OpenFile {
  number: number;
  handle: FileHandle;
  at: number;
  packets: MatroskaPackets;
}

/**
 * Reads the newest of a session's segments from its start, and those after it, as ffmpeg writes them: a packet is handed
 * over as soon as the system tells of the write. Files stay readable when they are moved. `close` it.
 */
export class GrowingSegments {
  readonly #options: GrowingSegmentsOptions;
  readonly #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  readonly #timer: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  #file: OpenFile | undefined;
  /** By number: the last file that there is, and that was read to its end. */
  #newest = -1;
  #done = -1;
  #listed = false;
  #told = false;
  #work: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(options: GrowingSegmentsOptions) {
    this.#options = options;
    try {
      this.#watcher = watch(options.incoming, (_, name) => {
        this.#told = true;
        const number = numberIn(name ?? '');
        if (number !== undefined) this.#newest = Math.max(this.#newest, number);
        this.#look();
      });
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // Looked at now and then all the same.
    }
    this.#timer = setInterval(() => {
      // While the system tells of writes there is no need to look.
      if (this.#told) {
        this.#told = false;
        return;
      }
      this.#listed = false;
      this.#look();
    }, LOOK_EVERY_MS);
    this.#look();
  }

  /** Reads what is still there, and ends. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#watcher?.close();
    this.#look();
    await this.#work;
    this.#closed = true;
    await this.#leaveFile();
  }

  #look(): void {
    if (this.#closed) return;
    this.#again = true;
    this.#work ??= this.#read().finally(() => {
      this.#work = undefined;
    });
  }

  /** Never rejects. */
  async #read(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        if (!this.#listed) await this.#list();
        await this.#readOn();
      } catch (error) {
        // What is wrong with this file is not wrong with the next one.
        await this.#leaveFile();
        this.#options.onFault(error);
      }
    }
  }

  async #list(): Promise<void> {
    const names = await readdir(this.#options.incoming).catch(() => []);
    for (const name of names) this.#newest = Math.max(this.#newest, numberIn(name) ?? -1);
    this.#listed = true;
  }

  async #readOn(): Promise<void> {
    for (;;) {
      // Asked before reading: when there is a next file, this one is complete.
      const newest = this.#newest;
      if (this.#file === undefined) {
        if (newest <= this.#done) return;
        await this.#open(this.#done === -1 ? newest : this.#done + 1);
        continue;
      }
      await this.#readToEnd(this.#file);
      if (this.#file.number >= newest) break;
      await this.#leaveFile();
    }
    this.#options.onUpToDate();
  }

  async #open(number: number): Promise<void> {
    const path = join(this.#options.incoming, `${String(number).padStart(6, '0')}.mkv`);
    try {
      const handle = await open(path);
      this.#file = { number, handle, at: 0, packets: new MatroskaPackets() };
    } catch (error) {
      this.#done = number;
      // Moved away already, where we were slow: the next one begins with a keyframe too.
      if (!isMissing(error)) throw error;
    }
  }

  async #leaveFile(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    this.#done = file.number;
    await file.handle.close();
  }

  async #readToEnd(file: OpenFile): Promise<void> {
    for (;;) {
      const bytesRead = await readAt(file.handle.fd, this.#chunk, file.at);
      if (bytesRead === 0) return;
      file.at += bytesRead;
      const known = file.packets.start;
      const packets = file.packets.push(Buffer.from(this.#chunk.subarray(0, bytesRead)));
      const { start } = file.packets;
      if (known === undefined && start !== undefined) this.#options.onStart(start);
      for (const packet of packets) this.#options.onPacket(packet);
      if (bytesRead < CHUNK_BYTES) return;
    }
  }
}

/** Cheaper than a handle's own `read`, for what is done with every picture. */
function readAt(fd: number, into: Buffer, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, into, 0, into.length, at, (error, bytesRead) => {
      if (error === null) resolve(bytesRead);
      else reject(error);
    });
  });
}

function numberIn(name: string): number | undefined {
  const [, digits] = /^(\d{6,12})\.mkv$/.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
