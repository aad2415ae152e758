import pino, { type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';
import { fittingLine } from './log-line.ts';
import { redact } from './redact.ts';

export type { Logger };

const levels = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

/**
 * A logger on stderr, so that stdout stays free for results. `FAASCAM_LOG` is its level (trace, debug, info, warn,
 * error, silent; default info), `FAASCAM_LOG_FORMAT` its form: `json` (default), `plain`, a line for people, or `journal`,
 * the same for systemd's journal, which notes the time itself and takes the level from a number in front (sd-daemon(3)).
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
      hooks: { streamWrite: (line) => fittingLine(redact(line)) },
    },
    destination(),
  );
}

/** syslog's numbers. */
const priorities: Record<string, number> = { trace: 7, debug: 7, info: 6, warn: 4, error: 3, fatal: 2 };

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function destination(): DestinationStream {
  const format = process.env['FAASCAM_LOG_FORMAT'];
  if (format === 'journal') {
    return pretty({
      ...{ destination: 2, sync: true, colorize: false, singleLine: true },
      ignore: 'pid,hostname,time,name,level',
      messageFormat: (line, key) => `<${priorities[textOf(line['level'])] ?? 6}>${textOf(line[key])}`,
    });
  }
  if (format !== 'plain') return pino.destination({ fd: 2, sync: true });
  return pretty({
    destination: 2,
    sync: true,
    colorize: process.stderr.isTTY,
    translateTime: 'SYS:yyyy-mm-dd HH:MM:ss',
    ignore: 'pid,hostname',
    singleLine: true,
  });
}
