import { type ChildProcess } from 'node:child_process';
export interface Outcome {
    code: number;
    stdout: string;
    stderr: string;
}
/** Runs `faascam` with these arguments to its end. */
export declare function runFaascam(args: string[], env?: Record<string, string>): Promise<Outcome>;
/** The output of an ffmpeg tool. */
export declare function runTool(program: 'ffmpeg' | 'ffprobe', args: string[]): Promise<string>;
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
export declare function startFaascam(args: string[], env?: Record<string, string>): Running;
/** Processes whose command line or environment mentions `text`: what a run on that folder has left behind. */
export declare function processesAbout(text: string): string[];
