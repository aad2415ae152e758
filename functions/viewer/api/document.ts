import { software } from '@faascam/core/version';
import { z } from 'zod';
import { roles, type Needs } from './authorizer.ts';
import type { AnswerShape, Operation } from './operation.ts';

type Json = string | number | boolean | null | undefined | Json[] | { [name: string]: Json };
interface JsonObject {
  [name: string]: Json;
}

/** What every answer that is no success says. */
export const errorAnswer = z
  .object({ error: z.string().describe('One sentence: what is wrong, and what to do next.') })
  .meta({ id: 'Error' });

const WHAT_IT_NEEDS: Readonly<Record<Needs, string>> = {
  public: 'Nothing: it is for everybody.',
  viewer: 'The role viewer.',
  operator: 'The role operator.',
  admin: 'The role admin.',
};

/** The API's document, OpenAPI 3.1, out of its operations. Pure. */
export function documentOf(operations: readonly Operation[]): JsonObject {
  const schemas = new Schemas();
  const paths: Record<string, JsonObject> = {};
  for (const operation of operations) {
    const path = (paths[operation.path] ??= {});
    path[operation.method.toLowerCase()] = operationOf(operation, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'faascam',
      version: software.replace(/^faascam\//, ''),
      summary: 'Cameras, events and clips.',
      description:
        'Times in fields ending in `Us` are integer microseconds since the Unix epoch, UTC. Answers may get further fields; ' +
        'those that are there keep their meaning. docs/api.md has examples.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The page; behind an OpenFaaS gateway `/function/viewer`.' }],
    tags: roles.map((role) => ({ name: role, description: `What the role ${role} may do.` })),
    paths,
    components: { schemas: schemas.named },
  };
}

function operationOf(operation: Operation, schemas: Schemas): JsonObject {
  const { id, summary, needs, params, query, answer } = operation;
  return {
    operationId: id,
    summary,
    description: `Needs: ${WHAT_IT_NEEDS[needs]}`,
    ...(needs === 'public' ? {} : { tags: [needs] }),
    parameters: [...parametersOf(params, 'path', schemas), ...parametersOf(query, 'query', schemas)],
    ...(operation.takesBody
      ? { requestBody: { required: true, content: bodyContentOf(operation, schemas) } }
      : {}),
    responses: {
      [answer.status]: responseOf(answer, schemas),
      ...Object.fromEntries(
        Object.entries(answer.more ?? {}).map(([status, description]) => [status, { description }]),
      ),
      default: {
        description: 'It was not done: the status says which kind of fault, the sentence which.',
        content: { 'application/json': { schema: schemas.of(errorAnswer, 'output') } },
      },
    },
  };
}

function bodyContentOf({ body, bodyType = 'application/json' }: Operation, schemas: Schemas): JsonObject {
  return { [bodyType]: { schema: schemas.of(body, 'input') } };
}

function responseOf({ description, json, media }: AnswerShape, schemas: Schemas): JsonObject {
  if (json !== undefined) {
    return { description, content: { 'application/json': { schema: schemas.of(json, 'output') } } };
  }
  return media === undefined ? { description } : { description, content: { [media]: {} } };
}

function parametersOf(schema: z.ZodObject, place: 'path' | 'query', schemas: Schemas): JsonObject[] {
  const whole = schemas.of(schema, 'input');
  const required = Array.isArray(whole['required']) ? whole['required'] : [];
  return Object.entries(isObject(whole['properties']) ? whole['properties'] : {}).map(([name, property]) => {
    const { description, ...rest } = isObject(property) ? property : {};
    return {
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

/** Schemas as JSON, those that have an id of their own once for all. */
class Schemas {
  readonly named: Record<string, JsonObject> = {};

  of(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
    // Within another one, a schema with an id is a reference.
    const converted: unknown = z.toJSONSchema(z.object({ it: schema }), { io, unrepresentable: 'any' });
    const { $defs = {}, properties } = asObject(plain(converted));
    for (const [name, definition] of Object.entries(asObject($defs))) {
      const parts = Object.entries(asObject(definition));
      this.named[name] = Object.fromEntries(parts.filter(([part]) => part !== 'id'));
    }
    return asObject(asObject(properties)['it']);
  }
}

/** JSON as the document has it: references to its components, and open to further fields. */
function plain(value: unknown): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) {
    const entries: [string, unknown][] = Object.entries(value);
    const kept = entries.filter(([name, field]) => !(name === 'additionalProperties' && field === false));
    return Object.fromEntries(
      kept.map(([name, field]) =>
        name === '$ref' && typeof field === 'string'
          ? [name, field.replace('#/$defs/', '#/components/schemas/')]
          : [name, plain(field)],
      ),
    );
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asObject(value: Json): JsonObject {
  return isObject(value) ? value : {};
}
