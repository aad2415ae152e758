import pino, { type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';
import { redact } from './redact.ts';

export type { Logger };

const levels = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

/**
 * A logger on stderr, so that stdout stays free for results. `FAASCAM_LOG` is its level (trace, debug, info, warn,
 * error, silent; default info), `FAASCAM_LOG_FORMAT` its form: `json` (default) or `plain`, a line for people.
 * No URL in a line carries a password.
 */
export function createLogger(name: string): Logger {
  const asked = process.env['FAASCAM_LOG'] ?? 'info';
  return pino(
    {
      name,
      level: levels.has(asked) ? asked : 'info',
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: redact },
    },
    destination(),
  );
}

function destination(): DestinationStream {
  if (process.env['FAASCAM_LOG_FORMAT'] !== 'plain') return pino.destination({ fd: 2, sync: true });
  return pretty({
    destination: 2,
    sync: true,
    colorize: process.stderr.isTTY,
    translateTime: 'SYS:yyyy-mm-dd HH:MM:ss',
    ignore: 'pid,hostname',
    singleLine: true,
  });
}
