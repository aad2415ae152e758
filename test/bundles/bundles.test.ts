import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { freePort } from '@faascam/core/ports';
import { bundledFunctions } from '@faascam/function-host/bundling/functions';
import { writeFunction, writeHost } from '@faascam/function-host/bundling/write';
import { notifyEnvironment, openExercise, type Exercise, type FunctionName } from './exercise.ts';
import { installFunction } from './installed.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const official = fileURLToPath(new URL('official-contract.cjs', import.meta.url));
/** Each shows in NATS what the next one needs, and the last shows what the one before it has stored. */
const names: readonly FunctionName[] = ['motion', 'detect', 'events', 'clip', 'viewer', 'notify'];

let scratch: string;
let nats: NatsServer;
const children: ChildProcess[] = [];

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'faascam-bundles-'));
  nats = await startNatsServer({ directory: join(scratch, 'nats') });
  await writeHost(root, join(scratch, 'host'));
  for (const name of names) await installFunction(root, name, join(scratch, 'host'), join(scratch, name));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
});
afterAll(async () => {
  await nats.stop();
  await rm(scratch, { recursive: true, force: true });
});

/** Runs plain node in a function's folder, with the environment of a container and nothing of the tests' own. */
async function serve(
  name: FunctionName,
  program: string,
  store: string,
): Promise<{ url: string; log: () => string }> {
  const port = await freePort();
  const child = spawn(process.execPath, [program], {
    cwd: join(scratch, name),
    env: {
      PATH: process.env['PATH'],
      TMPDIR: join(scratch, 'tmp'),
      NATS_URL: nats.url,
      ...notifyEnvironment,
      FAASCAM_STORE: JSON.stringify({ kind: 'directory', path: store }),
      FAASCAM_VIEWER_OPEN: '1',
      http_port: String(port),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let log = '';
  child.stderr.on('data', (text: Buffer) => (log += text.toString()));
  child.stdout.resume();
  const url = `http://127.0.0.1:${port}`;
  while (!(await isListening(url))) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${log}`);
  }
  return { url, log: () => log };
}

async function isListening(url: string): Promise<boolean> {
  try {
    // The official templates know no such path and ask the handler, whose answer does not matter here.
    await fetch(`${url}/_/health`, { method: 'HEAD' });
    return true;
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return false;
  }
}

describe.each([
  ['our host program', 'index.mjs'],
  ["the official templates' contract", official],
])('a bundle under %s, in a folder with nothing but its own packages', (_kind, program) => {
  const camera = program === official ? 'official' : 'own';
  let exercise: Exercise;

  beforeAll(async () => {
    for (const folder of ['tmp', camera]) await mkdir(join(scratch, folder), { recursive: true });
    exercise = await openExercise(nats.url, camera, join(scratch, camera));
  });
  afterAll(() => exercise.close());

  it.each(names)('%s works', async (name) => {
    const { url, log } = await serve(name, program, join(scratch, `store-${camera}`));
    if (program !== official) {
      const ready = await fetch(`${url}/_/ready`);
      expect([ready.status, await ready.text()], log()).toEqual([200, 'OK']);
    }
    await exercise[name](url);
  });
});

it('a function that cannot work yet says so and why, instead of being ready', async () => {
  const store = join(scratch, 'no-folder');
  await writeFile(store, 'a file where the store should be');
  const { url } = await serve('clip', 'index.mjs', store);
  const ready = await fetch(`${url}/_/ready`);
  expect(ready.status).toBe(503);
  expect(await ready.text()).toContain(store);
});

it('bundles are the same bytes each time, and tell nothing of the machine that they were made on', async () => {
  const again = join(scratch, 'again');
  await writeHost(root, join(again, 'host'));
  for (const each of bundledFunctions) await writeFunction(root, each, join(again, each.name, 'function'));
  const files = (await readdir(again, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  expect(files.map(({ name }) => name)).toContain('faascam-demo.onnx');
  for (const { parentPath, name } of files) {
    const path = relative(again, join(parentPath, name));
    const bytes = await readFile(join(again, path));
    expect(bytes.equals(await readFile(join(scratch, path))), path).toBe(true);
    expect(bytes.includes(root), path).toBe(false);
  }
});
