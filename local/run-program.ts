import { CommanderError, type Command } from 'commander';
import { FaascamError, messageOf, UsageError } from '@faascam/core/errors';
import { redact } from '@faascam/core/redact';
import { tell } from './terminal.ts';

const stop = new AbortController();

/**
 * Ctrl-C asks the command to end; each command says what it does with that. So does a closed terminal, but for a service
 * with a config: there is no terminal, and SIGHUP asks it to read its config again.
 */
export function stoppable(config?: string): AbortSignal {
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  const service = config !== undefined && !process.stdin.isTTY && !process.stderr.isTTY;
  if (!service) process.once('SIGHUP', () => stop.abort());
  return stop.signal;
}

/** Runs a command line to its end, and sets the exit code. */
export async function runProgram(program: Command): Promise<void> {
  // Whoever reads may go away (a closed terminal, `| head`): no reason to end without ending the parts in order.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }

  // People read what the command line says; the parts that it starts inherit this.
  process.env['FAASCAM_LOG_FORMAT'] ??= 'plain';
  process.env['FAASCAM_LOG'] ??= 'warn';

  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
  // Whatever a library still holds open, such as the client's last try to reach a NATS that is away, would keep us for minutes.
  if (stop.signal.aborted) process.exit();
}

/** 0 done, 1 failed, 2 the command line or config is wrong, 130 stopped by Ctrl-C. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (stop.signal.aborted) {
    tell('Stopped.');
    return 130;
  }
  if (error instanceof FaascamError) {
    tell(`Error: ${redact(messageOf(error))}`);
    return error instanceof UsageError && error.code === 'usage' ? 2 : 1;
  }
  tell(`Error: ${redact(messageOf(error))}`);
  // What we did not foresee is worth a trace to whoever can mend it.
  if (process.env['FAASCAM_LOG'] === 'debug' && error instanceof Error) tell(redact(error.stack ?? ''));
  return 1;
}
