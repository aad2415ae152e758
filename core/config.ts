import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml';
import { z } from 'zod';
import { messageOf, systemCodeOf, UsageError } from './errors.ts';
import { cameraId } from './ids.ts';
import { liveSettings } from './live-settings.ts';
import { loginSettings, resolvedLogin } from './login-settings.ts';
import { natsSettings, resolvedNats } from './nats-access.ts';
import { notifySettings, resolvedNotify } from './notify-settings.ts';
import { redact } from './redact.ts';
import { cameraSettings } from './camera-settings.ts';
import { clipSettings } from './clip-settings.ts';
import { retentionSettings } from './retention-settings.ts';
import { detectSettings, eventSettings, motionSettings } from './settings.ts';
import { storeSettings } from './store-settings.ts';
import { substituted, type Surroundings } from './substitution.ts';

/** `faascam.yml`: everything that one machine, or one agent, is told. */
export const configSchema = z.strictObject({
  data: z
    .string()
    .min(1)
    .default('faascam-data')
    .describe("Folder of ring, clips, models and NATS's files; relative to the config file."),
  agent: z
    .strictObject({
      id: cameraId
        .default('local')
        .describe("Name of this host's agent: its key in health, and in receipts."),
      ringPath: z
        .string()
        .default('')
        .describe(
          'Folder of the footage, such as a RAM disk or a second disk. Empty: `ring` in the data folder.',
        ),
      ringMegabytes: z
        .number()
        .nonnegative()
        .default(0)
        .describe("Footage of all cameras together. 0: no limit but each camera's own and the disk's."),
      allowExec: z
        .boolean()
        .default(false)
        .describe('Whether cameras may be `exec:`, which runs programs as this user.'),
    })
    .prefault({})
    .describe('The edge agent on this host.'),
  uplink: z
    .strictObject({
      clipKilobytesPerSecond: z
        .number()
        .nonnegative()
        .default(0)
        .describe(
          'What the clips of all cameras together may take of the link to NATS. 0: what frames leave; they always go first.',
        ),
      storeMegabytes: z
        .number()
        .min(16)
        .default(2048)
        .describe(
          "Footage on its way to the clip function, in NATS, of all agents together. When it is full older events' footage waits on its agent's disk; 2 GB hold a hundred events of 20 MB.",
        ),
    })
    .prefault({})
    .describe("The way of this host's clips to NATS."),
  nats: natsSettings.prefault({}).describe('NATS, by which the parts speak to each other.'),
  page: z
    .strictObject({
      host: z
        .string()
        .default('127.0.0.1')
        .describe(
          'Where the page listens. Without users (docs/login.md) it is this host alone, whatever stands here, unless `open` is set.',
        ),
      port: z
        .number()
        .int()
        .min(0)
        .max(65_535)
        .default(8080)
        .describe('Port of the page and of the functions. 0 takes a free one.'),
      open: z
        .boolean()
        .default(false)
        .describe(
          'Whether everybody who reaches the page may do everything while it has no users. For a page that only a proxy with a login reaches.',
        ),
      login: loginSettings,
    })
    .prefault({})
    .describe('The web page.'),
  live: liveSettings,
  cameras: z
    .record(cameraId, cameraSettings)
    .refine((cameras) => Object.keys(cameras).length > 0, { error: 'needs at least one camera' })
    .meta({
      description: 'The cameras by id: a-z, 0-9, _ and -, at most 63, the first a letter or digit.',
      minProperties: 1,
    }),
  motion: motionSettings,
  detect: detectSettings,
  events: eventSettings,
  clip: clipSettings,
  store: storeSettings.prefault({ kind: 'directory' }).describe('Where clips are kept.'),
  retention: retentionSettings,
  notify: notifySettings,
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
  const { agent } = config;
  const ringPath = agent.ringPath === '' ? '' : resolve(dirname(path), agent.ringPath);
  return {
    ...config,
    data: resolve(dirname(path), config.data),
    agent: { ...agent, ringPath },
    nats: resolvedNats(config.nats, dirname(path)),
    page: { ...config.page, login: resolvedLogin(config.page.login, dirname(path)) },
    notify: resolvedNotify(config.notify, dirname(path)),
  };
}

/** The config in `text`; `path` names it in errors, and secret files are relative to it. Throws as `readConfig` does. */
export function parseConfig(text: string, path: string, env = process.env): Config {
  const lines = new LineCounter();
  const place = (offset: number): string => `${path}:${lines.linePos(offset).line}`;
  const mistakes: string[] = [];
  try {
    const document = parseDocument(text, { lineCounter: lines });
    mistakes.push(...document.errors.map((error) => `${place(error.pos[0])}: ${yamlFault(error.message)}`));
    mistakes.push(...substitute(document, { env, directory: dirname(path) }, place));
    if (mistakes.length === 0) {
      const parsed = configSchema.safeParse(document.toJS());
      if (parsed.success) return parsed.data;
      for (const issue of parsed.error.issues) mistakes.push(...describe(issue, document, place));
    }
  } catch (cause) {
    // Nested too deep, or aliases that unfold into too much.
    if (!(cause instanceof RangeError) && !(cause instanceof ReferenceError)) throw cause;
    throw new UsageError('config-invalid', `${path}: the file is too deeply nested to be read`, { cause });
  }
  const lineIn = (mistake: string): number => Number(mistake.slice(path.length + 1).split(':')[0]);
  mistakes.sort((a, b) => lineIn(a) - lineIn(b));
  const shown = mistakes.slice(0, MOST_MISTAKES);
  if (mistakes.length > shown.length)
    shown.push(`${path}: and ${mistakes.length - shown.length} more mistakes`);
  throw new UsageError('config-invalid', shown.join('\n'));
}

/** Tells configs apart, without telling of passwords: the first digits of a hash over all but those in addresses. */
export function configRevision(config: Config): string {
  return createHash('sha256')
    .update(redact(JSON.stringify(config)))
    .digest('hex')
    .slice(0, 8);
}

/** The schema as JSON Schema, for editors and for telling which keys are allowed where. */
export function configJsonSchema(): Record<string, unknown> {
  return {
    title: 'faascam.yml',
    ...z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }),
  };
}

/** Whoever mends these sees the next ones. */
const MOST_MISTAKES = 50;

/** The first line of what the YAML parser says, without the text that it quotes: that may be a password. */
function yamlFault(message: string): string {
  const [first = ''] = message.split('\n');
  return first.replace(/: ?["'].*$/, '').replace(/:$/, '') || 'not YAML';
}

/** Puts in the values of `${...}`; answers what is missing. Keys are left as they are. */
function substitute(
  document: Document,
  surroundings: Surroundings,
  place: (offset: number) => string,
): string[] {
  const mistakes: string[] = [];
  visit(document, {
    Scalar: (key, node) => {
      if (key === 'key' || typeof node.value !== 'string') return;
      const missing: string[] = [];
      node.value = substituted(node.value, surroundings, missing);
      mistakes.push(...missing.map((sentence) => `${place(node.range?.[0] ?? 0)}: ${sentence}`));
    },
  });
  return mistakes;
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
