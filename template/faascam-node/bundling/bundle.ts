import { isBuiltin } from 'node:module';
import { build, type BuildOptions } from 'esbuild';
import { FaascamError, messageOf } from '@faascam/core/errors';

export interface Bundle {
  code: string;
  /** The files that are in it, relative to the root. */
  inputs: string[];
  /** Packages that it asks for at run time. */
  external: string[];
}

/** What packages would use if it were there, and do without: it must not be in one bundle and not in the next. */
const DISPENSABLE = ['bufferutil', 'utf-8-validate', 'supports-color'];

/** The oldest Node that faascam runs on. */
const TARGET = 'node20.19';

/**
 * A handler's module and all that it imports as one CommonJS file. `module.exports` is the handler, as the official
 * templates want it, with `ready` and `close` as its properties. `entry` is relative to `root`.
 */
export async function bundleHandler(root: string, entry: string, native: readonly string[]): Promise<Bundle> {
  const contents = [
    `const { default: handler, ready, close } = require(${JSON.stringify(`./${entry}`)});`,
    'module.exports = Object.assign(handler, { ready, close });',
  ].join('\n');
  return await run(root, {
    stdin: { contents, resolveDir: root, sourcefile: 'handler.js' },
    external: [...native],
    format: 'cjs',
    // What these mean in a file that is not a module.
    define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  });
}

/** The function host's program as one ES module. */
export async function bundleHost(root: string, entry: string): Promise<Bundle> {
  return await run(root, {
    entryPoints: [`./${entry}`],
    format: 'esm',
    // Packages in CommonJS ask for Node's own modules with `require`, which modules do not have.
    banner: {
      js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
    },
  });
}

type OwnOptions = Pick<BuildOptions, 'stdin' | 'entryPoints' | 'external' | 'format' | 'banner' | 'define'>;

async function run(root: string, { define, ...options }: OwnOptions): Promise<Bundle> {
  const made = await build({
    bundle: true,
    platform: 'node',
    target: TARGET,
    // Straight from the sources: nothing that was compiled earlier can get in.
    conditions: ['faascam-source'],
    absWorkingDir: root,
    write: false,
    metafile: true,
    charset: 'utf8',
    // They are in a file beside it.
    legalComments: 'none',
    logLevel: 'silent',
    ...options,
    external: [...DISPENSABLE, ...(options.external ?? [])],
    // fluent-ffmpeg has a second copy of itself for its own tests, which is not there.
    define: { 'process.env.FLUENTFFMPEG_COV': 'undefined', ...define },
  }).catch((cause: unknown) => {
    throw new FaascamError('bundle-failed', `esbuild could not bundle: ${messageOf(cause)}`, { cause });
  });
  const [output] = made.outputFiles;
  if (output === undefined) throw new FaascamError('bundle-failed', 'esbuild made no file.');
  const external = Object.values(made.metafile.outputs).flatMap(({ imports }) =>
    imports
      .filter(({ external, path }) => external === true && !isBuiltin(path) && !path.startsWith('node:'))
      .filter(({ path }) => !DISPENSABLE.includes(path))
      .map(({ path }) => path),
  );
  return {
    code: output.text,
    inputs: Object.keys(made.metafile.inputs).sort(),
    external: [...new Set(external)].sort(),
  };
}
