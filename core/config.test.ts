import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseConfig, readConfig } from './config.ts';
import { UsageError } from './errors.ts';

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
    expect(config.page).toEqual({ host: '127.0.0.1', port: 8080 });
    expect(config.store).toEqual({ kind: 'directory', path: '' });
  });

  it('names file, line and key of an unknown key, and what is allowed there', () => {
    expect(mistakesOf('cameras:\n  yard:\n    source: "demo:"\n    frames: { fsp: 5 }\n')).toEqual([
      'faascam.yml:4: cameras.yard.frames.fsp: unknown key; allowed here: fps, quality, width',
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
  it('is right, and shows the defaults', () => {
    const path = new URL('../docs/faascam.example.yml', import.meta.url).pathname;
    const example = readConfig(path, {});
    const defaults = parseConfig('cameras: { front-door: { source: "demo:" } }', 'faascam.yml', {});
    const source = example.cameras['front-door']?.source ?? '';
    expect({ ...example, data: 'faascam-data' }).toEqual({
      ...defaults,
      cameras: { 'front-door': { ...defaults.cameras['front-door'], source } },
    });
  });
});
