import { computed, signal } from '@preact/signals';

/** Numbers, times and durations in the language shown, by Intl. Pure, but for the language and the time zone. */

export const languages = ['en', 'de'] as const;
export type Language = (typeof languages)[number];

/** The language shown. Whatever reads it while it renders is rendered anew when it changes. */
export const language = signal<Language>('en');

/** The browser's own variety of the language, such as en-GB, where it has one: it knows how times are written. */
export const locale = computed(() => localeOf(language.value, preferred()));

function preferred(): readonly string[] {
  return typeof navigator === 'undefined' ? [] : navigator.languages;
}

export function localeOf(shown: Language, wanted: readonly string[]): string {
  return wanted.find((tag) => tag === shown || tag.startsWith(`${shown}-`)) ?? shown;
}

/** The first language that there is of those wanted; English if none is. */
export function languageOf(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const found = languages.find((one) => tag === one || tag.startsWith(`${one}-`));
    if (found !== undefined) return found;
  }
  return 'en';
}

/** A space at which no line is broken: between a number and its unit. */
const NO_BREAK = '\u00a0';

export function numberText(value: number, digits = 0): string {
  return new Intl.NumberFormat(locale.value, { maximumFractionDigits: digits }).format(value);
}

export function percentText(fraction: number): string {
  return new Intl.NumberFormat(locale.value, { style: 'percent' }).format(fraction);
}

/** `2.5 s`, `18 s`, `1:05 min`, `1:02:03 h`: units that are the same in every language. */
export function durationText(ms: number): string {
  const seconds = ms < 9950 ? Math.max(0, Math.round(ms / 100) / 10) : Math.round(ms / 1000);
  if (seconds < 60) return `${numberText(seconds, 1)}${NO_BREAK}s`;
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${String(minutes)}:${two(seconds % 60)}${NO_BREAK}min`;
  return `${String(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}${NO_BREAK}h`;
}

/** Time that has passed, roughly: `now`, `12 sec. ago`, `5 min. ago`. */
export function agoText(ms: number): string {
  const format = new Intl.RelativeTimeFormat(locale.value, { style: 'short', numeric: 'auto' });
  const seconds = Math.round(ms / 1000);
  if (ms < 2500) return format.format(0, 'second');
  if (seconds < 90) return format.format(-seconds, 'second');
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return format.format(-minutes, 'minute');
  const hours = Math.round(minutes / 60);
  return hours < 36 ? format.format(-hours, 'hour') : format.format(-Math.round(hours / 24), 'day');
}

export function bytesText(bytes: number): string {
  const [value, unit] = bytes >= 1e9 ? [bytes / 1e9, 'GB'] : [bytes / 1e6, 'MB'];
  return `${numberText(value, value < 10 ? 1 : 0)}${NO_BREAK}${unit}`;
}

/** `person, car and dog`. */
export function listText(items: readonly string[]): string {
  return new Intl.ListFormat(locale.value, { type: 'conjunction' }).format(items);
}

/** The form of a word for a count. */
export function plural(count: number, one: string, other: string): string {
  return new Intl.PluralRules(locale.value).select(count) === 'one' ? one : other;
}

/** The day of a time, as the browser's calendar has it: `2026-03-04`, which sorts as text. */
export function dayKey(us: number): string {
  const date = new Date(us / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${String(date.getFullYear())}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** When a day begins and ends here, in microseconds; a day with a change of the clocks is shorter or longer than 24 h. */
export function dayWindow(key: string): { fromUs: number; toUs: number } | undefined {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(key)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const from = new Date(year, month - 1, day);
  if (Number.isNaN(from.getTime()) || dayKey(from.getTime() * 1000) !== key) return undefined;
  return { fromUs: from.getTime() * 1000, toUs: new Date(year, month - 1, day + 1).getTime() * 1000 };
}

/** The day before or after. */
export function dayBeside(key: string, days: number): string {
  const from = dayWindow(key)?.fromUs ?? Date.now() * 1000;
  const date = new Date(from / 1000);
  date.setDate(date.getDate() + days);
  return dayKey(date.getTime() * 1000);
}

/** `Today`, `Yesterday`, or the date. */
export function dayText(us: number, nowUs: number): string {
  const relative = new Intl.RelativeTimeFormat(locale.value, { numeric: 'auto' });
  if (dayKey(us) === dayKey(nowUs)) return capital(relative.format(0, 'day'));
  if (dayKey(us) === dayBeside(dayKey(nowUs), -1)) return capital(relative.format(-1, 'day'));
  const sameYear = dayKey(us).slice(0, 4) === dayKey(nowUs).slice(0, 4);
  return new Intl.DateTimeFormat(locale.value, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(us / 1000);
}

export function timeText(us: number): string {
  return new Intl.DateTimeFormat(locale.value, { timeStyle: 'medium' }).format(us / 1000);
}

/** The time of day without seconds. */
export function clockText(us: number): string {
  return new Intl.DateTimeFormat(locale.value, { timeStyle: 'short' }).format(us / 1000);
}

export function dateTimeText(us: number): string {
  return new Intl.DateTimeFormat(locale.value, { dateStyle: 'full', timeStyle: 'medium' }).format(us / 1000);
}

export function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase(locale.value) + text.slice(1);
}
