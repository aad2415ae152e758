import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process, { arch as processor, getuid } from 'node:process';
import { z } from 'zod';
import { parse } from 'yaml';
import { startNatsServer } from '@faascam/core/nats-server';
import { freePort } from '@faascam/core/ports';
import { readStack, type FunctionSpec } from '@faascam/local/gateway/stack';
import { notifyEnvironment, openExercise, type Exercise, type FunctionName } from '../bundles/exercise.ts';
import { makeBases, WATCHDOG_BYTES } from '../images/bases.ts';
import { parseDockerfile } from '../images/dockerfile.ts';
import { buildRoot, run, shrinkWrapped, type Image } from '../images/root-file-system.ts';
import { atMost, type Figure } from './figures.ts';

const root = new URL('../../../', import.meta.url).pathname;
const MEGABYTE = 1_000_000;
/** The most that an image may take, in MB. */
const limits: Partial<Record<FunctionName, number>> = { motion: 200, detect: 350, clip: 350 };
/** As the functions need each other: the viewer shows what clip has stored. */
const names: readonly FunctionName[] = ['motion', 'detect', 'events', 'clip', 'viewer', 'notify'];

const stackOptions = z.object({
  functions: z.record(z.string(), z.object({ build_options: z.array(z.string()).optional() })),
});

/**
 * Builds the functions' images by the steps of their Dockerfile, with what npm run build:functions makes, into
 * `.cache/images`; measures them; and runs each out of its image: in a chroot on a file system that is read-only, as
 * the image's user, behind a stand-in for of-watchdog. Only root may. The first time takes long: ffmpeg is compiled.
 */
export async function benchImages(): Promise<Figure[]> {
  if (getuid?.() !== 0)
    throw new Error('images are built with chroot, which only root may: sudo script/bench images');
  await run(process.execPath, [join(root, 'template/faascam-node/dist/bundling/main.js')]);
  const cache = join(root, '.cache', 'images');
  mkdirSync(cache, { recursive: true });
  const arch = processor === 'arm64' ? 'arm64' : 'amd64';
  const template = readFileSync(join(root, 'template/faascam-node/Dockerfile'), 'utf8');
  const bases = await makeBases(parseDockerfile(template).args['NODE_IMAGE'] ?? '', cache);
  const { functions } = stackOptions.parse(parse(readFileSync(join(root, 'stack.yml'), 'utf8')));
  const images = new Map<FunctionName, Image>();
  for (const name of names) {
    const packages = functions[name]?.build_options ?? [];
    const buildArgs = { ...(packages.length > 0 ? { ADDITIONAL_PACKAGE: packages.join(' ') } : {}) };
    const context = shrinkWrapped(root, name, join(cache, 'build'));
    images.set(name, await buildRoot({ context, bases, buildArgs, stages: join(cache, 'stages'), arch }));
  }
  return [...(await sizesOf(images, cache)), ...(await benchServing(images))];
}

async function sizesOf(images: ReadonlyMap<FunctionName, Image>, cache: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, image] of images) {
    const size = await megabytes(image.root);
    const limit = limits[name];
    const about = `image of ${name}, unpacked`;
    figures.push(
      limit === undefined ? { name: about, value: size, unit: 'MB' } : atMost(about, size, 'MB', limit),
    );
    const packed = join(cache, `${name}.tar.gz`);
    await run('tar', ['-czf', packed, '-C', image.root, '.']);
    const bytes = Number((await run('stat', ['-c', '%s', packed])).trim());
    figures.push({
      name: `image of ${name}, compressed`,
      value: rounded(bytes + WATCHDOG_BYTES / 3),
      unit: 'MB',
    });
  }
  const shared = join(cache, 'stages', 'base-plain', 'packed');
  figures.push({ name: 'of these, in one layer that all share', value: await megabytes(shared), unit: 'MB' });
  return figures;
}

async function megabytes(folder: string): Promise<number> {
  const [, bytes = ''] = /^(\d+)/.exec(await run('du', ['-s', '--block-size=1', folder])) ?? [];
  return rounded(Number(bytes) + WATCHDOG_BYTES);
}

function rounded(bytes: number): number {
  return Math.round(bytes / MEGABYTE);
}

async function benchServing(images: ReadonlyMap<FunctionName, Image>): Promise<Figure[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'faascam-images-'));
  const nats = await startNatsServer({ directory: join(scratch, 'nats') });
  const exercise = await openExercise(nats.url, 'image', scratch);
  try {
    const specs = readStack(join(root, 'stack.yml'), { NATS_URL: nats.url });
    const figures: Figure[] = [];
    for (const spec of specs) {
      const [name] = names.filter((each) => each === spec.name);
      const image = name === undefined ? undefined : images.get(name);
      if (name === undefined || image === undefined) continue;
      figures.push(...(await benchOne(name, image, spec, exercise, scratch)));
    }
    return figures;
  } finally {
    await exercise.close();
    await nats.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function benchOne(
  name: FunctionName,
  image: Image,
  spec: FunctionSpec,
  exercise: Exercise,
  scratch: string,
): Promise<Figure[]> {
  const [port, inner] = [await freePort(), await freePort()];
  // /tmp is the one place that may be written to, and clip and viewer share a store in it instead of a bucket.
  const tmp = join(scratch, 'tmp');
  mkdirSync(tmp, { recursive: true });
  const environment = {
    ...image.environment,
    ...spec.environment,
    ...notifyEnvironment,
    FAASCAM_VIEWER_OPEN: '1',
    ...{ port: String(port), http_port: String(inner), upstream_url: `http://127.0.0.1:${inner}` },
  };
  const begun = performance.now();
  const child = spawn(
    'unshare',
    // Mounts of its own, gone when it ends. exec, so that the signal reaches the watchdog.
    [
      '--mount',
      'sh',
      '-euc',
      SERVE,
      image.root,
      tmp,
      image.user.replace(/^(\d+):(\d+)$/, '$1:$2'),
      image.workingDirectory,
      ...image.command,
    ],
    { env: environment, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (log += text.toString()));
  const ended = once(child, 'exit').then(([code]: unknown[]) => code);
  try {
    const url = `http://127.0.0.1:${port}`;
    let status = 0;
    while (status !== 200) {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
      status = await fetch(`${url}/_/ready`).then(
        (answer) => answer.status,
        () => 0,
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const readyMs = Math.round(performance.now() - begun);
    await exercise[name](url);
    return [
      { name: `${name} out of its image, read-only and not root: ready after`, value: readyMs, unit: 'ms' },
      await drained(name, url, () => child.kill('SIGTERM'), ended),
    ];
  } catch (error) {
    throw new Error(`${name} does not work out of its image:\n${log.slice(-3000)}`, { cause: error });
  } finally {
    child.kill('SIGKILL');
  }
}

/** Calls a function over and over while it is told to stop: as long as calls are passed on, they must be answered. */
async function drained(
  name: FunctionName,
  url: string,
  stop: () => void,
  ended: Promise<unknown>,
): Promise<Figure> {
  const over = new AbortController();
  void ended.then(() => over.abort());
  let [answered, refused, lost] = [0, 0, 0];
  stop();
  while (!over.signal.aborted) {
    try {
      const { status } = await fetch(url, {
        method: 'POST',
        body: 'no message',
        headers: { connection: 'close' },
      });
      // 400 is an answer of the function's own; the viewer answers 4xx to a POST as well.
      if (status < 500) answered += 1;
      else lost += 1;
    } catch {
      refused += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const code = await ended;
  if (code !== 0) throw new Error(`${name} ended with ${String(code)} after SIGTERM`);
  if (refused === 0 && answered === 0) throw new Error(`${name} was not called while it stopped`);
  return { ...atMost(`${name}: of ${answered + lost} calls while it stops, not answered`, lost, 'calls', 0) };
}

/** In namespaces of its own: the image read-only, a /tmp, the user's number and folder, then the image's command. */
const SERVE = `
root=$0 tmp=$1 user=$2 directory=$3
shift 3
/usr/bin/mount --bind "$root" "$root"
/usr/bin/mount --bind "$tmp" "$root/tmp"
/usr/bin/chmod 1777 "$root/tmp"
/usr/bin/mount --bind /dev "$root/dev"
/usr/bin/mount --bind /proc "$root/proc"
/usr/bin/mount -o remount,bind,ro "$root"
exec /usr/sbin/chroot --userspec="$user" "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$directory" "$@"
`;
