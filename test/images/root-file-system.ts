import { spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { defaultOf, filledIn, isIgnored, pairsOf, parseDockerfile, type Stage } from './dockerfile.ts';

export interface BuildOptions {
  /** The folder that is built, as faas-cli lays it out. */
  context: string;
  /** Root file systems that stand for the images of the Dockerfile's arguments, by the argument's name. */
  bases: Record<string, string>;
  buildArgs: Record<string, string>;
  /** Where stages are made. Those that take nothing from the context but scripts are kept for the next build. */
  stages: string;
  /** Debian's name of the processor. */
  arch: 'amd64' | 'arm64';
}

export interface Image {
  root: string;
  environment: Record<string, string>;
  user: string;
  workingDirectory: string;
  command: string[];
}

/** Runs a program to its end; `Error` with the end of what it printed if that is not 0. */
export async function run(program: string, args: string[], env = process.env): Promise<string> {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => (printed = (printed + text.toString()).slice(-20_000)));
  }
  const code = await new Promise<number>((done, failed) => {
    child.once('error', failed);
    child.once('close', (ended) => done(ended ?? 1));
  });
  if (code === 0) return printed;
  throw new Error(`${program} ${args.join(' ').slice(0, 200)} ended with ${code}:\n${printed.slice(-3000)}`);
}

/**
 * Does a Dockerfile's steps in folders with chroot: what an image of it would hold, where there is no Docker. Only root
 * may; packages are loaded from Debian and npm. `Error` says which step failed.
 */
export async function buildRoot(options: BuildOptions): Promise<Image> {
  const { context } = options;
  const { args, stages } = parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'));
  const made = new Map<string, string>();
  let image: Image | undefined;
  for (const stage of stages) {
    const base = stageBase(stage, args, options.bases, made);
    if (stage.instructions.length === 0 && base !== undefined) {
      made.set(stage.name, base);
      continue;
    }
    image = await buildStage(stage, base, made, options);
    made.set(stage.name, image.root);
  }
  if (image === undefined) throw new Error('the Dockerfile has no stage');
  return image;
}

/** Undefined is `scratch`. */
function stageBase(
  { base }: Stage,
  args: Record<string, string>,
  bases: Record<string, string>,
  made: ReadonlyMap<string, string>,
): string | undefined {
  if (base === 'scratch') return undefined;
  const [, argument = ''] = /^\$\{(\w+)\}$/.exec(base) ?? [];
  const found = argument in args ? bases[argument] : made.get(base);
  if (found === undefined) throw new Error(`there is nothing for ${base}`);
  return found;
}

async function buildStage(
  stage: Stage,
  base: string | undefined,
  made: ReadonlyMap<string, string>,
  { context, buildArgs, stages, arch }: BuildOptions,
): Promise<Image> {
  const isOwn = stage.base === 'scratch' || stage.instructions.some(({ text }) => /^\.\s/.test(text));
  const key = isOwn ? basename(context) : Object.values(buildArgs).join('-') || 'plain';
  const root = join(stages, `${stage.name}-${key}`);
  const image: Image = { root, environment: {}, user: '', workingDirectory: '/', command: [] };
  const done = `${root}.done`;
  if (!isOwn && existsSync(done)) return image;
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  if (base !== undefined) await run('cp', ['-a', '--reflink=auto', `${base}/.`, root]);
  const values: Record<string, string> = {};
  for (const { keyword, text } of stage.instructions) {
    const filled = (): string => filledIn(text, { ...values, ...image.environment });
    if (keyword === 'ARG') {
      const name = /^\w+/.exec(text)?.[0] ?? '';
      Object.assign(values, { TARGETARCH: arch }, defaultOf(text));
      const given = buildArgs[name];
      if (given !== undefined) values[name] = given;
    } else if (keyword === 'ENV') Object.assign(image.environment, pairsOf(filled()));
    else if (keyword === 'WORKDIR') image.workingDirectory = filled();
    else if (keyword === 'USER') image.user = filled();
    else if (keyword === 'CMD') image.command = z.array(z.string()).parse(JSON.parse(text));
    else if (keyword === 'RUN') await runStep(root, text, { ...values, ...image.environment });
    else if (keyword === 'COPY') await copyStep(root, filled(), context, made);
    else if (keyword !== 'EXPOSE' && keyword !== 'HEALTHCHECK')
      throw new Error(`not understood: ${keyword} ${text}`);
  }
  if (!isOwn) await run('touch', [done]);
  return image;
}

async function runStep(root: string, command: string, values: Record<string, string>): Promise<void> {
  if (existsSync('/etc/resolv.conf')) cpSync('/etc/resolv.conf', join(root, 'etc/resolv.conf'));
  const authorities = process.env['NODE_EXTRA_CA_CERTS'];
  const env: NodeJS.ProcessEnv = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    ...values,
  };
  if (authorities !== undefined) {
    // As this machine trusts them; they are no part of what is copied out of the stage.
    cpSync(authorities, join(root, 'tmp', 'authorities.pem'));
    env['NODE_EXTRA_CA_CERTS'] = '/tmp/authorities.pem';
  }
  await run('chroot', [root, '/bin/sh', '-c', command], env);
}

async function copyStep(
  root: string,
  text: string,
  context: string,
  made: ReadonlyMap<string, string>,
): Promise<void> {
  const words = text.split(/\s+/);
  const stage = words[0]?.startsWith('--from=') === true ? words.shift()?.slice('--from='.length) : undefined;
  const target = words.pop() ?? '';
  for (const word of words) {
    const from = stage === undefined ? context : made.get(stage);
    if (from === undefined) throw new Error(`there is no stage ${stage ?? ''}`);
    const source = join(from, word);
    const isFolder = statSync(source).isDirectory();
    const to = isFolder || !target.endsWith('/') ? join(root, target) : join(root, target, basename(source));
    mkdirSync(isFolder ? to : dirname(to), { recursive: true });
    if (stage === undefined) copyFromContext(context, source, to);
    else if (isFolder) await run('cp', ['-a', `${source}/.`, to]);
    else await run('cp', ['-a', source, to]);
  }
}

function copyFromContext(context: string, source: string, to: string): void {
  const patterns = readFileSync(join(context, '.dockerignore'), 'utf8').split('\n');
  if (statSync(source).isFile()) {
    cpSync(source, to);
    return;
  }
  for (const name of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    const path = join(source, name);
    if (!statSync(path).isFile() || isIgnored(patterns, relative(context, path))) continue;
    cpSync(path, join(to, name));
    chmodSync(join(to, name), 0o644);
  }
}

/** Lays out what faas-cli builds in `build/NAME`: the template, and the function's folder as `function`. */
export function shrinkWrapped(root: string, name: string, to: string): string {
  const context = resolve(to, name);
  rmSync(context, { recursive: true, force: true });
  const copy = (from: string, into: string): void => {
    cpSync(from, into, { recursive: true, filter: (path) => basename(path) !== 'node_modules' });
  };
  copy(join(root, 'template', 'faascam-node'), context);
  copy(join(root, 'functions', name), join(context, 'function'));
  return context;
}
