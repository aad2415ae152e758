/** Checks what the server answers, so that a wrong answer is one clear error and not a broken page. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

/** Gives `value` back as `T` or throws `ShapeError`, which names the place. */
export type Check<T> = (value: unknown, place: string) => T;
export type Checked<C> = C extends Check<infer T> ? T : never;

export const text: Check<string> = (value, place) =>
  typeof value === 'string' ? value : refuse(place, 'a text');

export const number: Check<number> = (value, place) =>
  typeof value === 'number' && Number.isFinite(value) ? value : refuse(place, 'a number');

export const truth: Check<boolean> = (value, place) =>
  typeof value === 'boolean' ? value : refuse(place, 'true or false');

export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, place) => (value === undefined || value === null ? undefined : check(value, place));
}

export function listOf<T>(check: Check<T>): Check<T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) return refuse(place, 'a list');
    return value.map((item: unknown, index) => check(item, `${place}[${String(index)}]`));
  };
}

/** An object's fields: those that may be undefined may also be left out. */
type Fields<F> = {
  [K in keyof F as undefined extends Checked<F[K]> ? never : K]: Checked<F[K]>;
} & { [K in keyof F as undefined extends Checked<F[K]> ? K : never]?: Checked<F[K]> };

/** An object with these fields; others are dropped. */
export function record<F extends Record<string, Check<unknown>>>(fields: F): Check<Fields<F>>;
export function record(fields: Record<string, Check<unknown>>): Check<Record<string, unknown>> {
  return (value, place) => {
    if (typeof value !== 'object' || value === null) return refuse(place, 'an object');
    const given = new Map<string, unknown>(Object.entries(value));
    return Object.fromEntries(
      Object.entries(fields).map(([key, check]) => [key, check(given.get(key), `${place}.${key}`)]),
    );
  };
}

function refuse(place: string, wanted: string): never {
  throw new ShapeError(`The server's answer is not understood: ${place} is not ${wanted}.`);
}
