import type { FunctionEvent } from '@faascam/core/function';
import { FaascamError } from '@faascam/core/errors';
import { z } from 'zod';

/** What was asked is not what the operation takes: the answer's status and its sentence. */
export class InputError extends FaascamError {
  override readonly name = 'InputError';
  readonly status: 400 | 403 | 409 | 410 | 413 | 415 | 503;

  constructor(status: 400 | 403 | 409 | 410 | 413 | 415 | 503, message: string) {
    super('bad-request', message);
    this.status = status;
  }
}

/**
 * A query as values of its schema, whose fields are texts, numbers, truth values, or lists of these: in a list a
 * parameter may be given several times. Empty parameters count as absent, unknown ones are ignored. Throws `InputError`.
 */
export function queryOf<T extends z.ZodObject>(schema: T, query: FunctionEvent['query']): z.output<T> {
  const values = fieldsOf(schema).flatMap(([name, field]) => {
    const given = [query[name] ?? []].flat().filter((text) => text !== '');
    const type = bareType(field);
    if (type instanceof z.ZodArray) {
      const element = bareType(type.element);
      return given.length === 0 ? [] : [[name, given.map((text) => valueOf(text, element))]];
    }
    const [first] = given;
    if (first === undefined) return [];
    return [[name, given.length === 1 ? valueOf(first, type) : given]];
  });
  return parsed(schema, Object.fromEntries(values), (name, fault) => `The parameter ${name} ${fault}.`);
}

/** Parameters of a path. What is wrong with one is not repeated: it may be anything. Throws `InputError`. */
export function paramsOf<T extends z.ZodObject>(schema: T, params: Record<string, string>): z.output<T> {
  const texts = fieldsOf(schema).map(([name, field]) => {
    const text = params[name];
    return [name, text === undefined ? undefined : valueOf(text, bareType(field))];
  });
  return parsed(schema, Object.fromEntries(texts), (name) =>
    name === 'id' || name === 'camera'
      ? `The address holds no valid ${name === 'id' ? 'event id' : 'camera id'}.`
      : `The address holds no valid ${name}.`,
  );
}

/** A body of this type: JSON as values of its schema, anything else as its text. Throws `InputError`. */
export function bodyOf<T extends z.ZodType>(
  schema: T,
  {
    bytes,
    type,
    wanted,
    maxBytes,
  }: { bytes: Buffer; type: string | undefined; wanted: string; maxBytes: number },
): z.output<T> {
  if (bytes.length > maxBytes) {
    throw new InputError(413, `The body has ${bytes.length} bytes, and ${maxBytes} are the most.`);
  }
  // A form of another site's page cannot send this type without asking first.
  if (type?.split(';', 1)[0]?.trim().toLowerCase() !== wanted) {
    throw new InputError(415, `The body must come with the header Content-Type: ${wanted}.`);
  }
  const text = bytes.toString('utf8');
  let value: unknown = text;
  if (wanted === 'application/json') {
    try {
      value = JSON.parse(text);
    } catch {
      throw new InputError(400, 'The body is no JSON.');
    }
  }
  return parsed(schema, value, (name, fault) =>
    name === '' ? `The body ${fault}.` : `The field ${name} of the body ${fault}.`,
  );
}

function parsed<T extends z.ZodType>(
  schema: T,
  value: unknown,
  sentence: (name: string, fault: string) => string,
): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [first] = result.error.issues;
  throw new InputError(400, sentence(first?.path.join('.') ?? '', faultOf(first)));
}

function faultOf(issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return 'is not valid';
  if (issue.code === 'unrecognized_keys')
    return `has fields that are not known: ${issue.keys.join(', ').slice(0, 100)}`;
  if (issue.code !== 'invalid_type') return issue.message.replace(/^[A-Z]/, (letter) => letter.toLowerCase());
  const nouns: Record<string, string> = {
    string: 'a text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
  };
  return `must be given once, as ${nouns[issue.expected] ?? issue.expected}`;
}

function fieldsOf(schema: z.ZodObject): [string, z.core.$ZodType][] {
  const shape: z.core.$ZodShape = schema.shape;
  return Object.entries(shape);
}

/** The type of a field, whether or not it may be left out. */
function bareType(field: z.core.$ZodType): z.core.$ZodType {
  if (field instanceof z.ZodOptional || field instanceof z.ZodDefault) return bareType(field.unwrap());
  return field;
}

/** Text as a number or a truth value, where the schema wants one and the text is one. */
function valueOf(text: string, type: z.core.$ZodType): unknown {
  if (type instanceof z.ZodNumber && /^-?\d{1,16}(\.\d{1,16})?$/.test(text)) return Number(text);
  if (type instanceof z.ZodBoolean) {
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return false;
  }
  return text;
}
