import { UsageError } from '@faascam/core/errors';
import { redact } from '@faascam/core/redact';

/** The longest part of a wrong source that a message repeats. */
const MOST_SHOWN = 200;

/** The error for a `source` setting that cannot be used. `why` follows the source, and says what to write instead. */
export function badSource(text: string, why: string, options?: ErrorOptions): UsageError {
  return new UsageError('bad-source', `The source ${shownText(text)} ${why}.`, options);
}

/**
 * A source's text for people. It may be no URL at all because of a special character in its password, so everything
 * between the user and the last @ is taken for one.
 */
export function shownText(text: string): string {
  const start = text.indexOf('://') + 3;
  const at = text.lastIndexOf('@');
  if (start < 3 || at < start) return shortened(redact(text));
  const colon = text.indexOf(':', start);
  const user = colon >= 0 && colon < at ? `${text.slice(start, colon)}:***` : '***';
  return shortened(redact(`${text.slice(0, start)}${user}${text.slice(at)}`));
}

/** A command's first word: the rest, and variables before it, may hold a secret. */
export function programOf(command: string): string {
  const [first = ''] = command.trim().split(/\s/, 1);
  return /^[\w./+-]+$/.test(first) ? first : '(command)';
}

function shortened(text: string): string {
  const quoted = JSON.stringify(text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}...` : text);
  // Quotes only where the text would be misread without.
  return quoted.slice(1, -1) === text && text !== '' && !text.includes(' ') ? text : quoted;
}
