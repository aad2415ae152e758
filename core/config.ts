import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml';
import { z } from 'zod';
import { messageOf, systemCodeOf, UsageError } from './errors.ts';
import { cameraId } from './ids.ts';
import { cameraSettings, detectSettings, eventSettings, motionSettings, storeSettings } from './settings.ts';

/** `faascam.yml`: everything that one machine, or one agent, is told. */
export const configSchema = z.strictObject({
  /** Folder of ring, clips, models and NATS's files; relative to the config file. */
  data: z.string().min(1).default('faascam-data'),
  agent: z
    .strictObject({
      id: cameraId.default('local'),
      /** Folder of the footage, such as a RAM disk or a second disk. Empty: `ring` in the data folder. */
      ringPath: z.string().default(''),
      /** Footage of all cameras together. 0: no limit but each camera's own and the disk's. */
      ringMegabytes: z.number().nonnegative().default(0),
      /** Whether cameras may be `exec:`, which runs programs as this user. */
      allowExec: z.boolean().default(false),
    })
    .prefault({}),
  nats: z
    .strictObject({
      /** `nats://user:password@host:4222`. Empty: `faascam up` runs a nats-server of its own. */
      url: z.string().default(''),
    })
    .prefault({}),
  page: z
    .strictObject({
      /** Loopback unless told otherwise: the page has no login yet. */
      host: z.string().default('127.0.0.1'),
      port: z.number().int().min(0).max(65_535).default(8080),
    })
    .prefault({}),
  cameras: z
    .record(cameraId, cameraSettings)
    .refine((cameras) => Object.keys(cameras).length > 0, { error: 'needs at least one camera' }),
  motion: motionSettings,
  detect: detectSettings,
  events: eventSettings,
  store: storeSettings.prefault({ kind: 'directory' }),
});
export type Config = z.infer<typeof configSchema>;

/**
 * Reads and checks a config file. Paths in the answer are absolute. Throws `UsageError` whose message has a line
 * for each mistake: file, line, key, and what is allowed.
 */
export function readConfig(path: string, env = process.env): Config {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(
      'config-unreadable',
      `The config file ${path} cannot be read (${systemCodeOf(cause) ?? messageOf(cause)}): check the path.`,
      { cause },
    );
  }
  const config = parseConfig(text, path, env);
  return { ...config, data: resolve(dirname(path), config.data) };
}

/** The config in `text`; `path` names it in errors. Throws `UsageError` as `readConfig` does. */
export function parseConfig(text: string, path: string, env = process.env): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const mistakes = document.errors.map(
    (error) => `${path}:${lineAt(error.pos[0])}: ${error.message.split('\n')[0] ?? 'not YAML'}`,
  );
  mistakes.push(...substitute(document, env, (offset) => `${path}:${lineAt(offset)}`));
  if (mistakes.length === 0) {
    const parsed = configSchema.safeParse(document.toJS());
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      mistakes.push(...describe(issue, document, (offset) => `${path}:${lineAt(offset)}`));
    }
  }
  const lineIn = (mistake: string): number => Number(mistake.slice(path.length + 1).split(':')[0]);
  mistakes.sort((a, b) => lineIn(a) - lineIn(b));
  throw new UsageError('config-invalid', mistakes.join('\n'));
}

/** The schema as JSON Schema, for editors and for telling which keys are allowed where. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
}

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/** Puts the environment's values for `${NAME}` and `${NAME:-default}`; answers what is missing. */
function substitute(document: Document, env: NodeJS.ProcessEnv, place: (offset: number) => string): string[] {
  const missing: string[] = [];
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value !== 'string') return;
      node.value = node.value.replaceAll(VARIABLE, (_match, name: string, fallback: string | undefined) => {
        const value = env[name] ?? fallback;
        if (value === undefined) {
          missing.push(
            `${place(node.range?.[0] ?? 0)}: the environment variable ${name} is not set: set it, or give a default as \${${name}:-...}`,
          );
        }
        return value ?? '';
      });
    },
  });
  return missing;
}

function describe(issue: z.core.$ZodIssue, document: Document, place: (offset: number) => string): string[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const allowed = allowedKeys(path);
    return issue.keys.map((key) => {
      const where = place(keyOffset(document, [...path, key]));
      const list = allowed.length > 0 ? `; allowed here: ${allowed.join(', ')}` : '';
      return `${where}: ${[...path, key].join('.')}: unknown key${list}`;
    });
  }
  const where = place(keyOffset(document, path));
  if (issue.code === 'invalid_key') {
    return issue.issues.map(({ message }) => `${where}: ${path.join('.')}: the name ${message}`);
  }
  return [`${where}: ${path.length === 0 ? 'the file' : path.join('.')}: ${issue.message}`];
}

/** Where in the text the key at `path` stands, or the nearest key above it. */
function keyOffset(document: Document, path: readonly string[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent: unknown =
      length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const name = path[length - 1];
    if (typeof parent !== 'object' || parent === null || !('items' in parent)) continue;
    if (!Array.isArray(parent.items)) continue;
    for (const item of parent.items as readonly unknown[]) {
      if (typeof item !== 'object' || item === null || !('key' in item)) continue;
      if (isScalar(item.key) && String(item.key.value) === name) return item.key.range?.[0] ?? 0;
    }
  }
  return 0;
}

const node: z.ZodType<SchemaNode> = z.lazy(() =>
  z.object({
    properties: z.record(z.string(), node).optional(),
    additionalProperties: z.union([z.boolean(), node]).optional(),
    anyOf: z.array(node).optional(),
    oneOf: z.array(node).optional(),
  }),
);
interface SchemaNode {
  properties?: Record<string, SchemaNode> | undefined;
  additionalProperties?: boolean | SchemaNode | undefined;
  anyOf?: SchemaNode[] | undefined;
  oneOf?: SchemaNode[] | undefined;
}

function allowedKeys(path: readonly string[]): string[] {
  let places: SchemaNode[] = [node.parse(configJsonSchema())];
  const open = (each: SchemaNode): SchemaNode[] => [each, ...(each.anyOf ?? []), ...(each.oneOf ?? [])];
  for (const key of path) {
    places = places.flatMap(open).flatMap((each) => {
      const next = each.properties?.[key] ?? each.additionalProperties;
      return typeof next === 'object' ? [next] : [];
    });
  }
  return [...new Set(places.flatMap(open).flatMap((each) => Object.keys(each.properties ?? {})))].sort();
}
