import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

export interface PartOptions {
  name: string;
  command: readonly string[];
  env?: Record<string, string>;
  /** What it prints and logs goes to the end of this file. */
  log: string;
}

/** As a service manager would have it. */
const RESTART_AFTER_MS = 1000;
const POLL_MS = 50;

/**
 * A process of the site under test, started again a second after it ends, whatever ended it. It is killed when this
 * process ends, in whatever way.
 */
export class Part {
  readonly name: string;
  readonly #options: PartOptions;
  #child: ChildProcess | undefined;
  #stopping = false;
  #life: Promise<void> = Promise.resolve();
  #starts = 0;

  constructor(options: PartOptions) {
    this.name = options.name;
    this.#options = options;
    this.start();
  }

  /** 0 while it is about to be started again. */
  get pid(): number {
    const child = this.#child;
    return child?.exitCode === null && child.signalCode === null ? (child.pid ?? 0) : 0;
  }

  /** How often it was started. */
  get starts(): number {
    return this.#starts;
  }

  get output(): string {
    return readFileSync(this.#options.log, 'utf8');
  }

  /** Starts it after `stop`. */
  start(): void {
    this.#stopping = false;
    this.#life = this.#live();
  }

  /** Harmless while it does not run. */
  signal(name: NodeJS.Signals): void {
    if (this.pid !== 0) this.#child?.kill(name);
  }

  /** Asks it to end, and waits for that; after `limitMs` it is killed. */
  async stop(limitMs = 20_000): Promise<void> {
    this.#stopping = true;
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    const kill = setTimeout(() => this.signal('SIGKILL'), limitMs);
    await this.#life;
    clearTimeout(kill);
  }

  /** Resolves once what it has printed matches `times` over. Throws when it does not within two minutes. */
  async said(pattern: RegExp, times = 1): Promise<void> {
    const all = new RegExp(pattern.source, 'g');
    for (let waitedMs = 0; waitedMs < 120_000; waitedMs += POLL_MS) {
      if ([...this.output.matchAll(all)].length >= times) return;
      await wait(POLL_MS);
    }
    throw new Error(
      `${this.name} did not say ${pattern.source}; its last words: ${this.output.slice(-2000)}`,
    );
  }

  async #live(): Promise<void> {
    const goesOn = (): boolean => !this.#stopping;
    while (goesOn()) {
      await this.#run();
      for (let waitedMs = 0; goesOn() && waitedMs < RESTART_AFTER_MS; waitedMs += POLL_MS)
        await wait(POLL_MS);
    }
  }

  async #run(): Promise<void> {
    const { command, env, log } = this.#options;
    const file = openSync(log, 'a');
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
      env: { ...process.env, ...env },
      stdio: ['ignore', file, file],
      detached: true,
    });
    closeSync(file);
    this.#child = child;
    this.#starts += 1;
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => resolve());
    });
  }
}
