const UNIT_MS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Milliseconds of a duration as Go writes it (`1m30s`, `250ms`); a bare number is seconds, as of-watchdog reads it.
 * Undefined if it is neither.
 */
export function goDurationMs(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  let totalMs = 0;
  let rest = text;
  while (rest !== '') {
    const [part, amount, unit] = /^(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/.exec(rest) ?? [];
    const unitMs = unit === undefined ? undefined : UNIT_MS[unit];
    if (part === undefined || unitMs === undefined) return undefined;
    totalMs += Number(amount) * unitMs;
    rest = rest.slice(part.length);
  }
  return text === '' ? undefined : totalMs;
}
