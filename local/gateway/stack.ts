import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf, UsageError } from '@faascam/core/errors';
import { goDurationMs } from '@faascam/core/go-duration';

/** A function as its stack file describes it, with variables filled in. */
export interface FunctionSpec {
  name: string;
  image: string;
  /** Absolute folder of the handler; what runs is `dist/handler.js` in it. */
  handlerDirectory: string;
  environment: Record<string, string>;
  annotations: Record<string, string>;
  labels: Record<string, string>;
  /** A call may take this long; 0 means for ever. */
  execTimeoutMs: number;
  /** Calls at the same time; 0 means any number. */
  maxInflight: number;
}

export type Variables = Record<string, string | undefined>;

// YAML reads `true` and `32` as what they are; to OpenFaaS every value is text.
const text = z
  .union([z.string(), z.number(), z.boolean(), z.null()])
  .transform((value) => String(value ?? ''));
const texts = z.record(z.string(), text).nullish();

const stackFile = z.looseObject({
  provider: z.looseObject({ name: z.string().optional() }).optional(),
  functions: z.record(
    z
      .string()
      .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, { error: 'is no function name (a-z, 0-9 and -)' }),
    z.looseObject({
      handler: z.string().min(1),
      image: z.string().min(1),
      environment: texts,
      annotations: texts,
      labels: texts,
    }),
  ),
});

/** Reads a stack file. Throws `UsageError` that names the file and the key. */
export function readStack(path: string, variables: Variables): FunctionSpec[] {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError('stack-missing', `The stack file ${path} cannot be read: ${messageOf(cause)}.`, {
      cause,
    });
  }
  return parseStack(content, path, variables);
}

/** Parses a stack file's text; `path` names it in errors, and its folder is what handlers are relative to. */
export function parseStack(content: string, path: string, variables: Variables): FunctionSpec[] {
  let value: unknown;
  try {
    value = parse(content);
  } catch (cause) {
    throw new UsageError('stack-malformed', `${path} is not YAML: ${messageOf(cause)}`, { cause });
  }
  const parsed = stackFile.safeParse(substituteDeep(value, variables));
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    throw new UsageError(
      'stack-malformed',
      `${path}, ${first?.path.join('.') ?? ''}: ${first?.message ?? 'invalid'}`,
      {
        cause: parsed.error,
      },
    );
  }
  return Object.entries(parsed.data.functions).map(([name, spec]) => {
    const environment = spec.environment ?? {};
    const where = `${path}, functions.${name}.environment`;
    return {
      name,
      image: spec.image,
      handlerDirectory: resolve(dirname(path), spec.handler),
      environment,
      annotations: spec.annotations ?? {},
      labels: spec.labels ?? {},
      execTimeoutMs: setting(environment, 'exec_timeout', goDurationMs, 'a duration such as 30s', where),
      maxInflight: setting(environment, 'max_inflight', wholeNumber, 'a whole number', where),
    };
  });
}

/**
 * Fills in `${NAME}` and `${NAME:-default}`; the default also stands in for an empty value, as in faas-cli and a shell.
 * faas-cli does so on the file's text; here it is done on each value, so that a value with quotes or colons stays one.
 */
export function substitute(value: string, variables: Variables): string {
  return value.replaceAll(
    /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
    (_whole, name: string, otherwise: string | undefined) => {
      const given = variables[name] ?? '';
      return given === '' ? (otherwise ?? '') : given;
    },
  );
}

function substituteDeep(value: unknown, variables: Variables): unknown {
  if (typeof value === 'string') return substitute(value, variables);
  if (Array.isArray(value)) return value.map((item) => substituteDeep(item, variables));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, substituteDeep(item, variables)]),
  );
}

function setting(
  environment: Record<string, string>,
  key: string,
  read: (value: string) => number | undefined,
  what: string,
  where: string,
): number {
  const value = environment[key] ?? '';
  if (value === '') return 0;
  const number = read(value);
  if (number === undefined) throw new UsageError('stack-malformed', `${where}.${key} must be ${what}.`);
  return number;
}

function wholeNumber(value: string): number | undefined {
  return /^\d+$/.test(value) ? Number(value) : undefined;
}
