import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** The command line as users call it. */
export const faascam = new URL('../bin/faascam.js', import.meta.url).pathname;

/** What runs. A test that was given up leaves nothing behind: what it has started ends with this process. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});

function watched<T extends ChildProcess>(child: T): T {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `faascam` with these arguments to its end. */
export function runFaascam(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [faascam, ...args],
      { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
    watched(child);
  });
}

/** The output of an ffmpeg tool. */
export function runTool(program: 'ffmpeg' | 'ffprobe', args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program}: ${stderr}`));
      else resolve(stdout);
    });
  });
}

export interface Running {
  child: ChildProcess;
  /** Everything that it has written so far. */
  output(): string;
  /** Resolves with the part that matches once it is written; rejects when it ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends a signal and resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts `faascam` and leaves it running. */
export function startFaascam(args: string[], env: Record<string, string> = {}): Running {
  return startProgram(faascam, env, args);
}

/** Starts a program of ours and leaves it running. */
export function startProgram(path: string, env: Record<string, string>, args: string[] = []): Running {
  const child = watched(
    spawn(process.execPath, [path, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  let output = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    child,
    output: () => output,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(output);
          if (found === null) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
        void ended.then(() =>
          reject(new Error(`faascam ended before it said ${pattern.source}:\n${output}`)),
        );
      }),
    stop: async (signal = 'SIGINT') => {
      child.kill(signal);
      return await ended;
    },
  };
}

/** Processes whose command line or environment mentions `text`: what a run on that folder has left behind. */
export function processesAbout(text: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      if (line.includes(text) || environment.includes(text)) found.push(`${pid}: ${line}`);
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}
