import pino, { type Logger } from 'pino';
import { redact } from './redact.ts';

export type { Logger };

const levels = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

/**
 * A logger that writes JSON lines to stderr, so that stdout stays free for results. The level is
 * `FAASCAM_LOG` (trace, debug, info, warn, error, silent; default info).
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
    pino.destination({ fd: 2, sync: true }),
  );
}
