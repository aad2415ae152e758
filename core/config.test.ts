import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { configJsonSchema, configRevision, parseConfig, readConfig } from './config.ts';
import { UsageError } from './errors.ts';
import { schemaFileText } from './schema-file.ts';

function mistakesOf(text: string, env: NodeJS.ProcessEnv = {}): string[] {
  try {
    parseConfig(text, 'faascam.yml', env);
  } catch (error) {
    if (error instanceof UsageError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('config', () => {
  const directory = mkdtempSync(join(tmpdir(), 'faascam-config-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('fills in the defaults', () => {
    const config = parseConfig('cameras: { yard: { source: "demo:" } }', 'faascam.yml', {});
    expect(config.cameras['yard']).toMatchObject({ frames: { fps: 5, width: 1280 }, ring: { minutes: 10 } });
    expect(config.page).toMatchObject({ host: '127.0.0.1', port: 8080, open: false });
    expect(config.store).toEqual({ kind: 'directory', path: '' });
  });

  it('names file, line and key of an unknown key, and what is allowed there', () => {
    expect(mistakesOf('cameras:\n  yard:\n    source: "demo:"\n    frames: { fsp: 5 }\n')).toEqual([
      'faascam.yml:4: cameras.yard.frames.fsp: unknown key; allowed here: fps, idleFps, quality, width',
    ]);
  });

  it('tells every mistake at once, each with its line', () => {
    const mistakes = mistakesOf(
      'cameras:\n  Yard!:\n    source: "demo:"\n  b:\n    source: 7\npage: { port: 70000 }\nstore: { kind: ftp }\n',
    );
    expect(mistakes.map((line) => line.split(':').slice(0, 3).join(':'))).toEqual([
      'faascam.yml:2: cameras.Yard!',
      'faascam.yml:5: cameras.b.source',
      'faascam.yml:6: page.port',
      'faascam.yml:7: store.kind',
    ]);
  });

  it('takes values from the environment, and says which are missing', () => {
    const text = 'cameras:\n  yard:\n    source: rtsp://u:${PASSWORD}@h/${PATH_PART:-live}\n';
    expect(parseConfig(text, 'faascam.yml', { PASSWORD: 'x' }).cameras['yard']?.source).toBe(
      'rtsp://u:x@h/live',
    );
    expect(mistakesOf(text)).toEqual([
      'faascam.yml:3: the environment variable PASSWORD is not set: set it, or give a default as ${PASSWORD:-...}',
    ]);
  });

  it.each(['', '[]', 'cameras: {}', 'cameras: {a: {source: x}\n', '\t- : :', 'cameras: null'])(
    'refuses %j with a sentence instead of failing',
    (text) => {
      expect(mistakesOf(text).length).toBeGreaterThan(0);
    },
  );

  it('finds the data folder beside the config file', () => {
    const path = join(directory, 'faascam.yml');
    writeFileSync(path, 'data: here\ncameras: { yard: { source: "demo:" } }\n');
    expect(readConfig(path, {}).data).toBe(join(directory, 'here'));
  });

  it('says when the file is not there', () => {
    expect(() => readConfig(join(directory, 'none.yml'))).toThrow(/none\.yml cannot be read \(ENOENT\)/);
  });
});

describe('the example config', () => {
  const path = new URL('../docs/faascam.example.yml', import.meta.url).pathname;
  const text = readFileSync(path, 'utf8');

  it('is right, and shows the defaults', () => {
    const example = readConfig(path, {});
    const defaults = parseConfig('cameras: { front-door: { source: "demo:" } }', 'faascam.yml', {});
    const source = example.cameras['front-door']?.source ?? '';
    expect({ ...example, data: 'faascam-data' }).toEqual({
      ...defaults,
      cameras: { 'front-door': { ...defaults.cameras['front-door'], source } },
    });
  });

  it('shows every key there is', () => {
    // What has no default, or excludes the default, is shown as a comment.
    const uncommented = text
      .replaceAll(/^ {2}# \w+:\n(?: {2}# {3}.*\n)+/gm, (block) => block.replaceAll(/^ {2}# /gm, '  '))
      .replaceAll(/^( *)# ([a-zA-Z]+: (?!.* [a-z]+ ))/gm, '$1$2');
    const shown = keysOf(parse(uncommented, { uniqueKeys: false })).map((key) =>
      // One of each kind.
      key.replace(/^notify\.targets\.\w+\./, 'notify.targets.*.'),
    );
    const there = schemaKeys(configJsonSchema(), '')
      .map((key) =>
        Object.entries(shownNames).reduce((path, [any, name]) => path.replace(`${any}.*`, name), key),
      )
      // A camera's own of these sections has the keys of the sections.
      .filter((key) => !/^cameras\.front-door\.(motion|events)\./.test(key));
    expect(there.filter((key) => !shown.includes(key))).toEqual([]);
    expect(there).toContain('cameras.front-door.ring.minutes');
    expect(there).toContain('cameras.front-door.zones.porch.loiteringMs');
    expect(there).toContain('store.createBucket');
  });

  it('begins with the schema that editors complete it by', () => {
    const [, schema = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
    expect(readFileSync(join(dirname(path), schema), 'utf8')).toContain('"title": "faascam.yml"');
  });
});

describe('the published JSON Schema', () => {
  it('is that of this version: if not, run "npm run schema"', () => {
    const path = new URL('../docs/faascam.schema.json', import.meta.url).pathname;
    expect(readFileSync(path, 'utf8')).toBe(schemaFileText());
  });

  it('explains every key', () => {
    const unexplained = schemaNodes(configJsonSchema(), '').filter(
      ({ node }) => node.description === undefined,
    );
    expect(unexplained.map(({ key }) => key)).toEqual([]);
  });
});

interface SchemaNode {
  description?: string | undefined;
  properties?: Record<string, SchemaNode> | undefined;
  additionalProperties?: boolean | SchemaNode | undefined;
  oneOf?: SchemaNode[] | undefined;
}
const schemaNode: z.ZodType<SchemaNode> = z.lazy(() =>
  z.object({
    description: z.string().optional(),
    properties: z.record(z.string(), schemaNode).optional(),
    additionalProperties: z.union([z.boolean(), schemaNode]).optional(),
    oneOf: z.array(schemaNode).optional(),
  }),
);

/** The names that the example gives to what the user names. */
const shownNames = {
  cameras: 'cameras.front-door',
  'cameras.front-door.zones': 'cameras.front-door.zones.porch',
  'cameras.front-door.lines': 'cameras.front-door.lines.gate',
  'cameras.front-door.objects': 'cameras.front-door.objects.person',
};

/** Every key of a schema with its path; what the user names is `*`. */
function schemaNodes(schema: unknown, prefix: string): { key: string; node: SchemaNode }[] {
  const { properties = {}, additionalProperties: more, oneOf = [] } = schemaNode.parse(schema);
  const named = Object.entries(properties).flatMap(([name, node]) => [
    { key: `${prefix}${name}`, node },
    ...schemaNodes(node, `${prefix}${name}.`),
  ]);
  const others = typeof more === 'object' ? schemaNodes(more, `${prefix}*.`) : [];
  return [...named, ...others, ...oneOf.flatMap((node) => schemaNodes(node, prefix))];
}

function schemaKeys(schema: unknown, prefix: string): string[] {
  return [...new Set(schemaNodes(schema, prefix).map(({ key }) => key))];
}

function keysOf(value: unknown, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => [
    `${prefix}${key}`,
    ...keysOf(item, `${prefix}${key}.`),
  ]);
}

describe('secrets in a config', () => {
  const directory = mkdtempSync(join(tmpdir(), 'faascam-secrets-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'faascam.yml');
  const sourceOf = (source: string, env: NodeJS.ProcessEnv = {}): string | undefined =>
    parseConfig(`cameras: { yard: { source: '${source}' } }`, path, env).cameras['yard']?.source;

  it('come from the first line of a file, relative to the config', () => {
    writeFileSync(join(directory, 'cam'), '  geheim \nsecond line\n');
    expect(sourceOf('rtsp://u:${file:cam}@h/1')).toBe('rtsp://u:geheim@h/1');
    expect(sourceOf(`rtsp://u:\${file:${join(directory, 'cam')}}@h/1`)).toBe('rtsp://u:geheim@h/1');
  });

  it('are found by name where systemd hands them over, or else beside the config', () => {
    for (const folder of ['secrets', 'handed']) mkdirSync(join(directory, folder));
    writeFileSync(join(directory, 'secrets', 'yard-1'), 'beside\n');
    expect(sourceOf('rtsp://u:${secret:yard-1}@h/1')).toBe('rtsp://u:beside@h/1');
    writeFileSync(join(directory, 'handed', 'secret_yard-1'), 'handed\n');
    const env = { CREDENTIALS_DIRECTORY: join(directory, 'handed') };
    expect(sourceOf('rtsp://u:${secret:yard-1}@h/1', env)).toBe('rtsp://u:handed@h/1');
    expect(sourceOf('file:${secret-file:yard-1}', env)).toBe(
      `file:${join(directory, 'handed', 'secret_yard-1')}`,
    );
    expect(() => sourceOf('rtsp://u:${secret:none}@h/1', env)).toThrow(join(directory, 'secrets', 'none'));
  });

  it('that are missing are a mistake with its line', () => {
    writeFileSync(join(directory, 'empty'), '\n');
    const text = 'cameras:\n  yard:\n    source: rtsp://u:${file:none}@h/${file:empty}\n';
    expect(() => parseConfig(text, path, {})).toThrow(
      `${path}:3: the secret file ${join(directory, 'none')} cannot be read (ENOENT): create it, or mend the path\n` +
        `${path}:3: the secret file ${join(directory, 'empty')} has nothing in its first line`,
    );
  });

  it('may have any character in the login of an address', () => {
    const password = 'p@ss:w/o?r#d %41é';
    const source = sourceOf('rtsp://cam:${P}@10.0.0.7:554/live', { P: password }) ?? '';
    expect(decodeURIComponent(new URL(source).password)).toBe(password);
    expect(new URL(source).host).toBe('10.0.0.7:554');
    expect(sourceOf('rtsp://${LOGIN}@h/1', { LOGIN: 'cam:p@ss:1' })).toBe('rtsp://cam:p%40ss%3A1@h/1');
  });

  it('are left as they are when they are written for an address already, and elsewhere', () => {
    expect(sourceOf('rtsp://cam:${P}@h/1', { P: 'p%40ss' })).toBe('rtsp://cam:p%40ss@h/1');
    expect(sourceOf('rtsp://h/${P}', { P: 'a@b/c' })).toBe('rtsp://h/a@b/c');
    expect(sourceOf('${S}', { S: 'rtsp://u:p@h/1' })).toBe('rtsp://u:p@h/1');
    expect(sourceOf('file:${P}', { P: '/srv/a b@c.mp4' })).toBe('file:/srv/a b@c.mp4');
  });

  it('are never in a message, whatever is wrong with the file', () => {
    const secret = 'geheim4711';
    fc.assert(
      fc.property(fc.string({ maxLength: 40, unit: 'binary' }), fc.nat(60), (junk, at) => {
        const right = 'cameras:\n  yard:\n    source: "rtsp://cam:${P}@h/1"\n    frames: { fps: 5 }\n';
        const text = right.slice(0, at) + junk + right.slice(at);
        for (const mistake of mistakesOf(text, { P: secret })) expect(mistake).not.toContain(secret);
        const plain = text.replace('${P}', secret);
        for (const mistake of mistakesOf(plain)) expect(mistake).not.toContain(secret);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it('do not change the revision, everything else does', () => {
    const revision = (text: string): string => configRevision(parseConfig(text, path, {}));
    const one = revision('cameras: { yard: { source: "rtsp://u:one@h/1" } }');
    expect(one).toMatch(/^[0-9a-f]{8}$/);
    expect(revision('cameras: { yard: { source: "rtsp://u:two@h/1" } }')).toBe(one);
    expect(revision('cameras: { yard: { source: "rtsp://u:one@h/2" } }')).not.toBe(one);
  });
});

describe('any text at all', () => {
  it('is a config or a UsageError', () => {
    const yaml = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.string({ maxLength: 60, unit: fc.constantFrom(...Array.from('{}[]:,-&*!|>"\'%@`#?$ \n\tab1')) }),
      fc.json().map((json) => `cameras: ${json}`),
      fc.json(),
    );
    fc.assert(
      fc.property(yaml, (text) => {
        mistakesOf(text);
      }),
      { numRuns: 2000, seed: 1 },
    );
    expect(mistakesOf('['.repeat(20_000))).toHaveLength(51);
  });
});
