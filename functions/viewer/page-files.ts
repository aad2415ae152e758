import { createHash } from 'node:crypto';
import { access, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { FaascamError, systemCodeOf } from '@faascam/core/errors';
import type { Answer, Asked } from './answer.ts';

/** In the folder of the built page, and the address below the page's own. */
export const WORKER = 'push-worker.js';

const types: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

interface Content {
  plain: Buffer;
  zipped: Buffer;
}

/** The page and its assets, in memory. */
export class PageFiles {
  /** Changes when any file does. */
  readonly digest: string;
  readonly #pages = new Map<number, Promise<Content>>();
  readonly #page: string;
  readonly #pageTag: string;
  readonly #assets: ReadonlyMap<string, Promise<Content>>;
  readonly #worker: Promise<Content> | undefined;

  constructor(page: string, assets: ReadonlyMap<string, Buffer>, worker?: Buffer) {
    const hash = createHash('sha256')
      .update(page)
      .update(worker ?? '');
    for (const [name, content] of assets) hash.update(name).update(content);
    this.digest = hash.digest('hex').slice(0, 16);
    this.#page = page;
    this.#pageTag = `"${this.digest}"`;
    this.#assets = new Map([...assets].map(([name, content]) => [name, contentOf(content)]));
    this.#worker = worker && contentOf(worker);
  }

  /**
   * The page at one of its paths, `depth` folders below its own address. It names its assets relative to that, as
   * nobody here knows below which prefix it is served.
   */
  async page(asked: Asked, depth = 0): Promise<Answer> {
    let content = this.#pages.get(depth);
    if (content === undefined) {
      const above = '../'.repeat(depth);
      content = contentOf(Buffer.from(this.#page.replaceAll(/(["'])\.\/assets\//g, `$1${above}assets/`)));
      this.#pages.set(depth, content);
    }
    return answerWith(asked, await content, {
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-cache',
      ETag: this.#pageTag,
    });
  }

  /** The service worker. Its address stays the same, and is where its scope begins. */
  async worker(asked: Asked): Promise<Answer | undefined> {
    if (this.#worker === undefined) return undefined;
    return answerWith(asked, await this.#worker, {
      'Content-Type': 'text/javascript; charset=utf-8',
      'Cache-Control': 'no-cache',
      ETag: this.#pageTag,
    });
  }

  /** A file of the page; undefined if it has none of that name. Names change with their content: they may be kept. */
  async asset(asked: Asked, name: string): Promise<Answer | undefined> {
    const content = this.#assets.get(name);
    const type = types[name.slice(name.lastIndexOf('.') + 1)];
    if (content === undefined || type === undefined) return undefined;
    return answerWith(asked, await content, {
      'Content-Type': type,
      'Cache-Control': 'public, max-age=31536000, immutable',
      ETag: this.#pageTag,
    });
  }
}

const zip = promisify(gzip);

async function contentOf(plain: Buffer): Promise<Content> {
  return { plain, zipped: await zip(plain, { level: 9 }) };
}

function answerWith(
  asked: Asked,
  { plain, zipped }: Content,
  headers: Record<string, string> & { ETag: string },
): Answer {
  const lasting = { ...headers, Vary: 'Accept-Encoding' };
  if (asked.header('if-none-match') === headers.ETag) {
    return { status: 304, headers: lasting, body: undefined };
  }
  if (!/\bgzip\b/.test(asked.header('accept-encoding') ?? '')) {
    return { status: 200, headers: lasting, body: plain };
  }
  return { status: 200, headers: { ...lasting, 'Content-Encoding': 'gzip' }, body: zipped };
}

/** Reads the built page. Throws `FaascamError` `page-missing` when it was not built or not shipped. */
export async function loadPageFiles(from = import.meta.dirname): Promise<PageFiles> {
  const web = join(await packageRoot(from), 'dist', 'web');
  try {
    const page = await readFile(join(web, 'index.html'), 'utf8');
    const names = (await readdir(join(web, 'assets'))).sort();
    const assets = await Promise.all(
      names.map(async (name) => [name, await readFile(join(web, 'assets', name))] as const),
    );
    return new PageFiles(page, new Map(assets), await readFile(join(web, WORKER)));
  } catch (cause) {
    throw new FaascamError(
      'page-missing',
      `A file of the web page is missing below ${web} (${systemCodeOf(cause) ?? 'unreadable'}): build it with npm run build.`,
      { cause },
    );
  }
}

/** This code runs from the package's folder or, built, from `dist` in it. */
async function packageRoot(from: string): Promise<string> {
  if (basename(from) !== 'dist') return from;
  const above = dirname(from);
  return await access(join(above, 'dist', 'web', 'index.html')).then(
    () => above,
    () => from,
  );
}
