import { UsageError } from '@faascam/core/errors';

/** Times as people at this terminal write and read them: in its zone (`TZ`, or the system's). */

/** `2026-11-21 19:05:12+01:00`: the zone's time and offset, so that it can be given back as an argument. */
export function localTime(us: number): string {
  const date = new Date(us / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}${zone}`;
}

/** The terminal's zone by name, such as `Europe/Berlin`. */
export function localZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const AGO_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const isUnit = (text: string): text is keyof typeof AGO_MS => text in AGO_MS;

/**
 * The time that an argument means, in microseconds since the Unix epoch. Without a zone it is the terminal's. What names
 * a whole day means its beginning as `from`, and its end as `to`. Throws `UsageError`.
 */
export function timeOf(text: string, bound: 'from' | 'to', nowUs: number): number {
  const trimmed = text.trim();
  const ago = /^(\d+(?:\.\d+)?)([a-z])$/.exec(trimmed);
  if (ago !== null) {
    const [, amount = '', unit = ''] = ago;
    if (isUnit(unit)) return Math.max(0, Math.round(nowUs - Number(amount) * AGO_MS[unit] * 1000));
  }
  if (trimmed === 'now') return nowUs;
  const today = new Date(nowUs / 1000);
  const dayOf = (year: number, month: number, day: number): number =>
    new Date(year, month, day + (bound === 'to' ? 1 : 0)).getTime() * 1000;
  if (trimmed === 'today') return dayOf(today.getFullYear(), today.getMonth(), today.getDate());
  if (trimmed === 'yesterday') return dayOf(today.getFullYear(), today.getMonth(), today.getDate() - 1);

  const iso =
    /^(?:(\d{4})-(\d{2})-(\d{2}))?(?:(?:^|[T ])(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,6})?))?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i.exec(
      trimmed,
    );
  const [, year, month, day, hour, minute, second, zone] = iso ?? [];
  const wrong = new UsageError(
    'usage',
    `${JSON.stringify(text)} is no time: give one like 2026-11-21T19:05+01:00, 2026-11-21, 19:05, 2h (ago), today or yesterday.`,
  );
  if ((year === undefined && hour === undefined) || (hour === undefined && zone !== undefined)) throw wrong;
  const date =
    year === undefined
      ? [today.getFullYear(), today.getMonth(), today.getDate()]
      : [Number(year), Number(month) - 1, Number(day)];
  const [y = 0, m = 0, d = 0] = date;
  const check = new Date(Date.UTC(y, m, d));
  if (check.getUTCMonth() !== m || check.getUTCDate() !== d) throw wrong;
  if (hour === undefined) return dayOf(y, m, d);
  const [h, min, sec] = [Number(hour), Number(minute), Number(second ?? 0)];
  if (h > 23 || min > 59 || sec >= 60) throw wrong;
  const wholeMs =
    zone === undefined ? new Date(y, m, d, h, min).getTime() : Date.UTC(y, m, d, h, min) - offsetMs(zone);
  return Math.max(0, wholeMs * 1000 + Math.round(sec * 1_000_000));
}

function offsetMs(zone: string): number {
  if (zone.toUpperCase() === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}
