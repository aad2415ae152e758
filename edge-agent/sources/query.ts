import { z } from 'zod';
import { badSource } from './bad-source.ts';

export interface Size {
  width: number;
  height: number;
}

/** `1280x720`, in pixels. */
const size = z
  .string()
  .regex(/^[1-9]\d{1,4}x[1-9]\d{1,4}$/, 'must be WIDTHxHEIGHT in pixels, as 1280x720')
  .transform((text): Size => {
    const [width, height] = text.split('x').map(Number);
    return { width: width ?? 0, height: height ?? 0 };
  });

/** Pictures a second. */
const rate = z
  .string()
  .regex(/^\d+(\.\d+)?$/, 'must be a number of pictures a second')
  .transform(Number)
  .pipe(z.number().min(0.1, 'must be at least 0.1').max(240, 'must be at most 240'));

const port = z
  .string()
  .regex(/^\d+$/, 'must be a port number')
  .transform(Number)
  .pipe(z.number().min(1, 'must be a port number').max(65_535, 'must be a port number'));

/** What may stand behind the `?` of a source. */
export const values = { size, rate, port };

/**
 * Reads the part of a source behind its `?`. Throws `UsageError` that names the keys that there are, or the value that
 * is wrong.
 */
export function readQuery<S extends z.ZodRawShape>(
  source: string,
  query: string,
  shape: S,
): z.infer<z.ZodObject<S>> {
  const given = [...new URLSearchParams(query)];
  const keys = given.map(([key]) => key);
  const known = Object.keys(shape);
  const unknown = keys.find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw badSource(source, `has ${JSON.stringify(unknown)} behind its ?, where ${listed(known)} may stand`);
  }
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) throw badSource(source, `has ${twice} twice behind its ?: give it once`);
  const parsed = z.object(shape).safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw badSource(
    source,
    `has a wrong ${issue?.path.join('.') ?? 'value'}: it ${issue?.message ?? 'is invalid'}`,
    {
      cause: parsed.error,
    },
  );
}

/** A source without its scheme, cut at the first `?`. */
export function splitQuery(rest: string): { body: string; query: string } {
  const mark = rest.indexOf('?');
  return mark < 0 ? { body: rest, query: '' } : { body: rest.slice(0, mark), query: rest.slice(mark + 1) };
}

function listed(names: readonly string[]): string {
  return names.length > 1
    ? `only ${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`
    : `only ${names.join()}`;
}
