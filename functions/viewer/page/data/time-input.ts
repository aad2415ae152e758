/** What an `<input type="datetime-local">` holds for a time, by the calendar here: `2026-03-04T12:00:05`. Pure, but for the time zone. */
export function inputText(us: number): string {
  const date = new Date(Math.floor(us / 1_000_000) * 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${String(date.getFullYear())}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/**
 * The time that such an input holds, in microseconds; undefined while it holds none. As long as the text is that of the proposed
 * time, it is exactly that. In an hour that the clocks repeat it is the one in which the proposed time lies.
 */
export function inputUs(text: string, proposedUs: number): number | undefined {
  if (text === inputText(proposedUs)) return proposedUs;
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text)) return undefined;
  const offsetMin = new Date(proposedUs / 1000).getTimezoneOffset();
  const alike = new Date(`${text}Z`).getTime() + offsetMin * 60_000;
  const ms = new Date(alike).getTimezoneOffset() === offsetMin ? alike : new Date(text).getTime();
  return Number.isNaN(ms) ? undefined : ms * 1000;
}

export type RangeFault = 'unset' | 'turned' | 'future' | 'long';

/** As much as the API gives at once. */
export const LONGEST_EXPORT_MS = 600_000;

/** Why there can be no export of this range; undefined: there can. Pure. */
export function rangeFault(
  fromUs: number | undefined,
  toUs: number | undefined,
  nowUs: number,
): RangeFault | undefined {
  if (fromUs === undefined || toUs === undefined) return 'unset';
  if (toUs <= fromUs) return 'turned';
  if (toUs - fromUs > LONGEST_EXPORT_MS * 1000) return 'long';
  return fromUs > nowUs ? 'future' : undefined;
}
