import { createHash } from 'node:crypto';
import { readFileSync, watch, type FSWatcher } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf, systemCodeOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { secretFilesIn } from '@faascam/core/substitution';

export interface ConfigWatchOptions<T> {
  /** The config file; the secret files that it names are watched as well. */
  path: string;
  /** Reads and checks the config. What it throws is told, and all stays as it was. */
  read: () => T;
  /** Gets each right config: the first at once, as it may have changed since the start; then after each change. */
  onConfig: (config: T) => Promise<void>;
  log: Pick<Logger, 'error'>;
  signal: AbortSignal;
  /** Network file systems tell of no change: then the files are looked at this often. Default 5 s. */
  pollMs?: number;
}

const POLL_MS = 5000;
/** Editors write a file in several steps. */
const SETTLE_MS = 200;

/**
 * Watches a config file and its secret files until the signal is aborted. SIGHUP makes it look at once, and tell of
 * mistakes again. A wrong config changes nothing; each of its mistakes is told once.
 */
export async function watchConfig<T>(options: ConfigWatchOptions<T>): Promise<void> {
  const { path, log, signal } = options;
  const bell = new Bell();
  let asked = true;
  const onHangup = (): void => {
    asked = true;
    bell.ring();
  };
  process.on('SIGHUP', onHangup);
  const folders = new FolderWatch(() => bell.ring());
  const mistakes = new Mistakes(log);
  let files = filesOf(path);
  let seen = '';
  bell.ring();
  try {
    while (!signal.aborted) {
      folders.watch(files.map((file) => dirname(file)));
      await bell.rung(options.pollMs ?? POLL_MS, signal);
      files = filesOf(path);
      let now = fingerprint(files);
      if (now === seen && !asked) continue;
      // Until nothing changes any more, or half a file would be told as a mistake.
      for (let before = ''; before !== now && !aborted(signal);) {
        before = now;
        await bell.pause(SETTLE_MS, signal);
        files = filesOf(path);
        now = fingerprint(files);
      }
      if (aborted(signal)) return;
      if (asked) mistakes.forget();
      asked = false;
      seen = now;
      await take(options, mistakes);
    }
  } finally {
    process.off('SIGHUP', onHangup);
    folders.close();
  }
}

async function take<T>(
  { path, read, onConfig, log }: ConfigWatchOptions<T>,
  mistakes: Mistakes,
): Promise<void> {
  let config: T;
  try {
    config = read();
  } catch (error) {
    mistakes.tell(path, messageOf(error));
    return;
  }
  mistakes.forget();
  try {
    await onConfig(config);
  } catch (error) {
    log.error(`The changed config ${path} could not be taken over: ${messageOf(error)}`);
  }
}

/** Tells each mistake once, for as long as it is there. */
class Mistakes {
  readonly #log: Pick<Logger, 'error'>;
  readonly #told = new Set<string>();

  constructor(log: Pick<Logger, 'error'>) {
    this.#log = log;
  }

  tell(path: string, message: string): void {
    const mistakes = message.split('\n');
    const fresh = mistakes.filter((mistake) => !this.#told.has(mistake));
    this.#told.clear();
    for (const mistake of mistakes) this.#told.add(mistake);
    for (const mistake of fresh) this.#log.error(mistake);
    if (fresh.length > 0) this.#log.error(`The changed config ${path} is wrong; all stays as it was.`);
  }

  forget(): void {
    this.#told.clear();
  }
}

function filesOf(path: string): string[] {
  const config = resolve(path);
  const text = textOf(config);
  return [config, ...secretFilesIn(typeof text === 'string' ? text : '', dirname(path))];
}

/** What the files hold, as a hash; so it neither misses a change of the same second, nor reacts to a mere touch. */
function fingerprint(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\0${JSON.stringify(textOf(file))}\0`);
  return hash.digest('hex');
}

function textOf(file: string): string | { fault: string } {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return { fault: systemCodeOf(error) ?? 'unknown' };
  }
}

/** Folders instead of files: editors and Kubernetes put a new file in the place of the old one. */
class FolderWatch {
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, FSWatcher>();

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  watch(folders: readonly string[]): void {
    const wanted = new Set(folders);
    for (const folder of this.#watchers.keys()) if (!wanted.has(folder)) this.#end(folder);
    for (const folder of wanted) {
      if (this.#watchers.has(folder)) continue;
      try {
        const watcher = watch(folder, { persistent: false }, this.#onChange);
        watcher.on('error', () => this.#end(folder));
        this.#watchers.set(folder, watcher);
      } catch {
        // No such folder, or no more watches to be had: looking now and then finds the change as well.
      }
    }
  }

  close(): void {
    for (const folder of [...this.#watchers.keys()]) this.#end(folder);
  }

  #end(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }
}

/** Wakes whoever waits. A ring while nobody waits is kept for the next. */
class Bell {
  #rung = false;
  #wake: () => void = () => undefined;

  ring(): void {
    this.#rung = true;
    this.#wake();
  }

  /** Resolves with the next ring, after `limitMs`, or when the signal is aborted. */
  async rung(limitMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung) await this.#wait(limitMs, signal, true);
    this.#rung = false;
  }

  async pause(ms: number, signal: AbortSignal): Promise<void> {
    await this.#wait(ms, signal, false);
  }

  async #wait(ms: number, signal: AbortSignal, wakes: boolean): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
      if (wakes) this.#wake = done;
    });
  }
}

function aborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
