import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Pool } from 'undici';
import { z } from 'zod';
import { systemClock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { afterEnd, type RestartState } from './restart-policy.ts';
import type { FunctionSpec } from './stack.ts';

export interface FunctionProcessOptions {
  spec: FunctionSpec;
  /** The function host's compiled entry. */
  hostEntry: string;
  handlerPath: string;
  env: Record<string, string | undefined>;
  log: Logger;
}

/** Whether the function can be called; if not, one sentence why. */
export type FunctionState = { kind: 'up'; pool: Pool } | { kind: 'down'; cause: string };

const listeningMessage = z.object({ listening: z.number().int() });

const READY_POLL_MS = { first: 50, longest: 1000 };

/** One function as a child process of its own, started again whenever it ends, until it is stopped. */
export class FunctionProcess {
  readonly spec: FunctionSpec;
  readonly #options: FunctionProcessOptions;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #life: Promise<void>;
  readonly #changes = new Set<() => void>();
  #state: FunctionState = { kind: 'down', cause: 'it is starting' };
  #child: ChildProcess | undefined;
  #port: number | undefined;
  #ends = 0;

  constructor(options: FunctionProcessOptions) {
    this.spec = options.spec;
    this.#options = options;
    this.#log = options.log.child({ function: options.spec.name });
    this.#life = this.#live();
  }

  get state(): FunctionState {
    return this.#state;
  }

  /** Of the process that runs now. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get port(): number | undefined {
    return this.#port;
  }

  /** Resolves once the process listens, or has ended for the first time. */
  async started(): Promise<void> {
    await this.#until(() => this.#port !== undefined || this.#ends > 0);
  }

  /** Resolves once it can be called, or was stopped. */
  async ready(): Promise<void> {
    await this.#until(() => this.#state.kind === 'up');
  }

  /** Asks the process to drain and waits for its end; after `limitMs` it is killed. */
  async stop(limitMs: number): Promise<void> {
    this.#stop.abort();
    this.#change({ kind: 'down', cause: 'it is stopping' });
    const child = this.#child;
    child?.kill('SIGTERM');
    const kill = setTimeout(() => {
      this.#log.warn({ limitMs }, 'the function did not end in time and is killed');
      child?.kill('SIGKILL');
    }, limitMs);
    await this.#life;
    clearTimeout(kill);
  }

  async #live(): Promise<void> {
    let restarts: RestartState = { quickEnds: 0 };
    while (!this.#stopping()) {
      const startedMs = performance.now();
      const sentence = await this.#runOnce();
      this.#ends += 1;
      if (this.#stopping()) break;
      const { delayMs, next } = afterEnd(restarts, performance.now() - startedMs);
      restarts = next;
      this.#change({ kind: 'down', cause: sentence });
      this.#log.warn({ restartInMs: delayMs }, `the function ended unexpectedly: ${sentence}`);
      await this.#pause(delayMs);
    }
    this.#change({ kind: 'down', cause: 'it was stopped' });
  }

  /** Runs the process to its end; returns how it ended. */
  async #runOnce(): Promise<string> {
    const child = spawn(process.execPath, [this.#options.hostEntry], {
      env: {
        ...this.#options.env,
        FAASCAM_FUNCTION: this.spec.name,
        FAASCAM_HANDLER: this.#options.handlerPath,
        HOST: '127.0.0.1',
        http_port: '0',
      },
      // Its log goes where ours goes; our stdout is for results. The channel tells it when we are gone.
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    this.#child = child;
    let pool: Pool | undefined;
    const over = new AbortController();
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`it could not be started (${error.message})`));
      child.once('exit', (code, signal) =>
        resolve(signal === null ? `exit code ${code ?? 0}` : `signal ${signal}`),
      );
    });
    child.on('message', (message) => {
      const told = listeningMessage.safeParse(message);
      if (!told.success || pool) return;
      this.#port = told.data.listening;
      pool = new Pool(`http://127.0.0.1:${this.#port}`, { headersTimeout: 0, bodyTimeout: 0 });
      this.#change({ kind: 'down', cause: 'it is getting ready' });
      void this.#awaitReady(pool, AbortSignal.any([over.signal, this.#stop.signal]));
    });
    const sentence = await ended;
    over.abort();
    this.#child = undefined;
    this.#port = undefined;
    await pool?.destroy();
    return sentence;
  }

  #stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  async #awaitReady(pool: Pool, signal: AbortSignal): Promise<void> {
    const over = (): boolean => signal.aborted;
    let delayMs = READY_POLL_MS.first;
    let told = '';
    while (!over()) {
      let cause: string;
      try {
        const answer = await pool.request({ path: '/_/ready', method: 'GET', signal });
        cause = await answer.body.text();
        if (answer.statusCode === 200) {
          if (!over()) this.#change({ kind: 'up', pool });
          return;
        }
      } catch (error) {
        if (over()) return;
        cause = messageOf(error);
      }
      if (cause !== told) {
        this.#log.info({ cause }, 'the function is not ready yet');
        this.#change({ kind: 'down', cause });
        told = cause;
      }
      await this.#pause(delayMs);
      delayMs = Math.min(READY_POLL_MS.longest, delayMs * 2);
    }
  }

  /** Sleeps, or returns at once when the function is stopped. */
  async #pause(ms: number): Promise<void> {
    const woken = new AbortController();
    await Promise.race([
      systemClock.sleep(ms, woken.signal).catch(() => undefined),
      this.#stop.signal.aborted
        ? undefined
        : once(this.#stop.signal, 'abort', { signal: woken.signal }).catch(() => undefined),
    ]);
    woken.abort();
  }

  #change(state: FunctionState): void {
    this.#state = state;
    for (const look of [...this.#changes]) look();
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition() && !this.#stop.signal.aborted) return;
        this.#changes.delete(look);
        resolve();
      };
      this.#changes.add(look);
      look();
    });
  }
}
