import type { QuietTime, Weekday } from '@faascam/core/notify-settings';

const DAYS: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * Whether `us` (microseconds since the Unix epoch) lies in one of the quiet times, by the wall clock of `timeZone`. One
 * that goes over midnight belongs to the day on which it begins. Where clocks are set, what the wall clock shows counts.
 */
export function isQuiet(quiet: readonly QuietTime[], us: number, timeZone: string): boolean {
  if (quiet.length === 0) return false;
  const { day, minute } = wallClock(us, timeZone);
  return quiet.some(({ days, from, to }) => {
    const begins = (each: Weekday): boolean => days.length === 0 || days.includes(each);
    const [start, end] = [minutesOf(from), minutesOf(to)];
    if (start < end) return begins(day) && minute >= start && minute < end;
    return (begins(day) && minute >= start) || (begins(before(day)) && minute < end);
  });
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}

function before(day: Weekday): Weekday {
  return DAYS[(DAYS.indexOf(day) + 6) % 7] ?? day;
}

function wallClock(us: number, timeZone: string): { day: Weekday; minute: number } {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('en-US', {
      ...{ timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    });
  formats.set(timeZone, format);
  const parts = new Map(format.formatToParts(new Date(us / 1000)).map(({ type, value }) => [type, value]));
  const weekday = parts.get('weekday')?.toLowerCase();
  return {
    day: DAYS.find((each) => each === weekday) ?? 'mon',
    minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
  };
}
