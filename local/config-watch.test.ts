import { mkdtemp, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig, readConfig } from '@faascam/core/config';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { configChanges } from './config-changes.ts';
import { watchConfig, type ConfigWatchOptions } from './config-watch.ts';

const soon = { timeout: 20_000, interval: 20 };

let directory: string;
let path: string;
let stop: AbortController;
let watching: Promise<void>;
let sources: string[];
let lines: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-watch-'));
  path = join(directory, 'faascam.yml');
  stop = new AbortController();
  [sources, lines] = [[], []];
  await writeFile(path, configWith('rtsp://h/0'));
});

afterEach(async () => {
  stop.abort();
  await watching;
  await rm(directory, { recursive: true, force: true });
});

function configWith(source: string): string {
  return `cameras:\n  yard:\n    source: ${source}\n`;
}

/** Resolves once the watch has begun. */
async function watch(options: Partial<ConfigWatchOptions<string>> = {}): Promise<void> {
  watching = watchConfig({
    path,
    read: () => readConfig(path, {}).cameras['yard']?.source ?? '',
    onConfig: (source) => {
      sources.push(source);
      return Promise.resolve();
    },
    log: { error: (line: unknown) => void lines.push(String(line)) },
    signal: stop.signal,
    // Changes are noticed by the system's word, unless a test is about the other way.
    pollMs: 600_000,
    ...options,
  });
  await vi.waitFor(() => expect(sources).toHaveLength(1), soon);
}

describe('a config that is watched', () => {
  it('is taken over when it was written, or another was put in its place', async () => {
    await watch();
    await writeFile(path, configWith('rtsp://h/1'));
    await vi.waitFor(() => expect(sources).toEqual(['rtsp://h/0', 'rtsp://h/1']), soon);
    await writeFile(join(directory, 'new.yml'), configWith('rtsp://h/2'));
    await rename(join(directory, 'new.yml'), path);
    await vi.waitFor(() => expect(sources).toEqual(['rtsp://h/0', 'rtsp://h/1', 'rtsp://h/2']), soon);
  });

  it('is taken over when a secret file has changed, also one that is swapped with its folder', async () => {
    const [one, two, current] = ['one', 'two', 'current'].map((name) => join(directory, 'secrets', name));
    for (const [folder = '', secret = ''] of [
      [one, 'first'],
      [two, 'second'],
    ]) {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'cam'), secret);
    }
    await symlink(one ?? '', current ?? '');
    await symlink('current/cam', join(directory, 'secrets', 'cam'));
    await writeFile(path, configWith('rtsp://u:${file:secrets/cam}@h/1'));
    await watch();
    await symlink(two ?? '', `${current ?? ''}.new`);
    await rename(`${current ?? ''}.new`, current ?? '');
    await vi.waitFor(() => expect(sources).toEqual(['rtsp://u:first@h/1', 'rtsp://u:second@h/1']), soon);
  });

  it('is looked at now and then where no change is told of', async () => {
    path = join(directory, 'link', 'faascam.yml');
    const seen = watch({ pollMs: 50 });
    // This folder comes after the watch has begun.
    await symlink(directory, join(directory, 'link'));
    await seen;
    expect(sources).toEqual(['rtsp://h/0']);
  });

  it('that is wrong changes nothing, and each mistake is told once', async () => {
    await watch({ pollMs: 20 });
    await writeFile(path, 'cameras:\n  yard: { source: 7 }\n');
    await vi.waitFor(() => expect(lines.join()).toMatch(/faascam\.yml:2: cameras\.yard\.source/), soon);
    await writeFile(path, 'cameras:\n  yard: { source: 7, fsp: 3 }\n');
    await vi.waitFor(() => expect(lines.join()).toMatch(/fsp: unknown key/), soon);
    await rm(path);
    await vi.waitFor(() => expect(lines.join()).toMatch(/cannot be read \(ENOENT\)/), soon);
    await writeFile(path, configWith('rtsp://h/1'));
    await vi.waitFor(() => expect(sources).toEqual(['rtsp://h/0', 'rtsp://h/1']), soon);
    expect(lines.filter((line) => line.includes('cameras.yard.source'))).toHaveLength(1);
  });

  it('is looked at when SIGHUP asks for it, even if it is the same', async () => {
    await watch();
    await utimes(path, 1, 1);
    process.kill(process.pid, 'SIGHUP');
    await vi.waitFor(() => expect(sources).toEqual(['rtsp://h/0', 'rtsp://h/0']), soon);
  });
});

describe('changes of a config', () => {
  const config = (more: string) => parseConfig(`cameras: { a: { source: "demo:" } }\n${more}`, 'f', {});

  it('are told in one line: what changes at once, and what waits for the next start', () => {
    const before = config('');
    expect(configChanges(before, config('')).text).toBe('');
    const after = parseConfig(
      'cameras: { b: { source: "demo:" } }\nagent: { ringMegabytes: 9, id: x }\nevents: { labels: [cat] }',
      'f',
      {},
    );
    expect(configChanges(before, after)).toEqual({
      agent: true,
      later: ['agent.id', 'events.labels'],
      text: 'cameras: added b; removed a; changed agent.ringMegabytes; at the next start: agent.id, events.labels',
    });
    expect(configChanges(before, config('page: { port: 1 }')).agent).toBe(false);
  });
});
