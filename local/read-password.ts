import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { UsageError } from '@faascam/core/errors';

/**
 * A password: typed twice and unseen on a terminal, else the first line of stdin. Throws `UsageError` when the two differ or
 * nothing comes.
 */
export async function readPassword(
  prompt: string,
  input: NodeJS.ReadableStream & { isTTY?: boolean } = process.stdin,
): Promise<string> {
  if (input.isTTY !== true) return await firstLine(input);
  const first = await typed(prompt, input);
  if ((await typed('Once more: ', input)) === first) return first;
  throw new UsageError('usage', 'The two are not the same: nothing was changed.');
}

async function typed(prompt: string, input: NodeJS.ReadableStream): Promise<string> {
  process.stderr.write(prompt);
  // What is typed goes nowhere.
  const unseen = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const lines = createInterface({ input, output: unseen, terminal: true });
  const stop = new AbortController();
  lines.once('SIGINT', () => stop.abort());
  try {
    return await lines.question('', { signal: stop.signal });
  } catch (cause) {
    if (!stop.signal.aborted) throw cause;
    throw new UsageError('usage', 'Nothing was changed.', { cause });
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}

async function firstLine(input: NodeJS.ReadableStream): Promise<string> {
  const lines = createInterface({ input, crlfDelay: Infinity });
  try {
    for await (const line of lines) return line;
  } finally {
    lines.close();
  }
  throw new UsageError('usage', 'No password came: type it, or give it as the first line of stdin.');
}
