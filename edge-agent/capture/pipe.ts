import type { ChildProcess } from 'node:child_process';
import { Readable } from 'node:stream';

/** A pipe on which a child process writes; undefined when there is none of this number. */
export function pipeOf(child: ChildProcess, fd: number): Readable | undefined {
  const stream = child.stdio[fd];
  return stream instanceof Readable ? stream : undefined;
}

/**
 * Hands over what comes on a pipe, at once, until its end: cheaper than an iterator, which takes several turns of the
 * event loop for each piece. `take` must not throw. Rejects when the pipe breaks.
 */
export function readPipe(pipe: Readable | undefined, take: (bytes: Buffer) => void): Promise<void> {
  if (pipe === undefined) return Promise.resolve();
  return new Promise((resolve, reject) => {
    pipe.once('end', resolve).once('close', resolve).once('error', reject);
    pipe.on('data', take);
  });
}

/** The same for who takes one piece after the other; whoever writes waits meanwhile. */
export async function* bytesOf(pipe: Readable | undefined): AsyncGenerator<Uint8Array> {
  if (pipe === undefined) return;
  for await (const chunk of pipe) {
    if (chunk instanceof Uint8Array) yield chunk;
  }
}
