/** of-watchdog reads no more of a function's log after a line of 64 kB. */
const MAX_LINE_BYTES = 60_000;
const KEPT_CHARS = 4000;

/** The line, or in place of one that is too long a line that holds its beginning. */
export function fittingLine(line: string): string {
  const bytes = Buffer.byteLength(line);
  if (bytes <= MAX_LINE_BYTES) return line;
  const begin = line.slice(0, KEPT_CHARS);
  const [, level = 'warn'] = /^\{"level":"([a-z]+)"/.exec(line) ?? [];
  return `${JSON.stringify({ level, time: new Date().toISOString(), msg: `a log line of ${bytes} bytes, too long`, begin })}\n`;
}
