import { createHash } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FaascamError, systemCodeOf } from '@faascam/core/errors';
import type { Answer, Asked } from './answer.ts';

/** The page's files: what is written by hand lies in `page/`, what is compiled in `dist/page/`. Nothing else is served. */
const WRITTEN = ['base.css', 'cameras.css', 'events.css', 'player.css', 'icon.svg'];
const COMPILED = [
  'api.js',
  'app.js',
  'camera-strip.js',
  'elements.js',
  'event-grid.js',
  'filters.js',
  'player.js',
  'polling.js',
  'reasons.js',
  'shape.js',
  'timeline.js',
  'words.js',
];

const types: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The page and its assets, in memory. */
export class PageFiles {
  /** Changes when any file does; part of the assets' address, so that browsers may keep them for good. */
  readonly digest: string;
  readonly #page: string;
  readonly #pageTag: string;
  readonly #assets: ReadonlyMap<string, Buffer>;

  constructor(page: string, assets: ReadonlyMap<string, Buffer>) {
    const hash = createHash('sha256').update(page);
    for (const [name, content] of assets) hash.update(name).update(content);
    this.digest = hash.digest('hex').slice(0, 16);
    this.#page = page.replaceAll(/(["'])assets\//g, `$1assets/${this.digest}/`);
    this.#pageTag = `"${this.digest}"`;
    this.#assets = assets;
  }

  page(asked: Asked): Answer {
    const headers = { 'Cache-Control': 'no-cache', ETag: this.#pageTag };
    if (asked.header('if-none-match') === this.#pageTag) return { status: 304, headers, body: undefined };
    return {
      status: 200,
      headers: { ...headers, 'Content-Type': 'text/html; charset=utf-8' },
      body: this.#page,
    };
  }

  /** A file of the page; undefined if it has none of that name. */
  asset(asked: Asked, name: string, digest: string | undefined): Answer | undefined {
    const content = this.#assets.get(name);
    const type = types[name.slice(name.lastIndexOf('.') + 1)];
    if (content === undefined || type === undefined) return undefined;
    // While versions change, a page of the other one may ask here. It gets what there is, but must not keep it.
    const lasting = digest === this.digest;
    const headers = {
      'Cache-Control': lasting ? 'public, max-age=31536000, immutable' : 'no-cache',
      ETag: this.#pageTag,
    };
    if (asked.header('if-none-match') === this.#pageTag) return { status: 304, headers, body: undefined };
    return { status: 200, headers: { ...headers, 'Content-Type': type }, body: content };
  }
}

/** Reads the page's files. Throws `FaascamError` `page-missing` when they were not built or not shipped. */
export async function loadPageFiles(from = import.meta.dirname): Promise<PageFiles> {
  const root = await packageRoot(from);
  try {
    const page = await readFile(join(root, 'page', 'index.html'), 'utf8');
    const assets = await Promise.all([
      ...WRITTEN.map(async (name) => [name, await readFile(join(root, 'page', name))] as const),
      ...COMPILED.map(async (name) => [name, await readFile(join(root, 'dist', 'page', name))] as const),
    ]);
    return new PageFiles(page, new Map(assets));
  } catch (cause) {
    throw new FaascamError(
      'page-missing',
      `A file of the web page is missing below ${root} (${systemCodeOf(cause) ?? 'unreadable'}): build it with npm run build.`,
      { cause },
    );
  }
}

/** This code runs from the package's folder or, built, from `dist` in it. */
async function packageRoot(from: string): Promise<string> {
  const above = dirname(from);
  if (basename(from) !== 'dist') return from;
  return await access(join(above, 'page', 'index.html')).then(
    () => above,
    () => from,
  );
}
