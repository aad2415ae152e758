import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';

const run = promisify(execFile);
const here = import.meta.dirname;
const project = join(here, '../..');

let work: string;
let program: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'faascam-bundle-'));
  await run(join(here, 'build.sh'), ['--bundle', join(work, 'lib')]);
  program = join(work, 'lib/program.js');
});
afterAll(() => rm(work, { recursive: true, force: true }));

test('the bundle runs by itself, and knows what a camera host needs', async () => {
  const { stdout } = await run('node', [program, '--help'], { cwd: work });
  expect(stdout).toMatch(/agent/);
  expect(stdout).toMatch(/check/);
  expect(stdout).toMatch(/discover/);
});

test('the bundle checks a config', async () => {
  const config = join(work, 'faascam.yml');
  await writeFile(config, 'cameras: { yard: { source: "rtsp://192.0.2.10/1" } }\n');
  const { stdout, stderr } = await run('node', [program, 'check', '--offline', config], { cwd: work });
  expect(stdout + stderr).toMatch(/yard|right|OK/i);
  await writeFile(config, 'cameras: { yard: { sauce: "x" } }\n');
  await expect(run('node', [program, 'check', '--offline', config], { cwd: work })).rejects.toMatchObject({
    stderr: expect.stringMatching(/faascam\.yml:1: .*sauce/) as unknown,
  });
});

test('the bundle asks for sharp alone of what is compiled, and nothing of the functions is in it', async () => {
  const files = await readdir(join(work, 'lib'));
  const texts = await Promise.all(
    files.filter((file) => file.endsWith('.js')).map((file) => readFile(join(work, 'lib', file), 'utf8')),
  );
  const all = texts.join('\n');
  expect(all).toMatch(/import\("sharp"\)/);
  expect(all).not.toMatch(/onnxruntime|argon2|preact/);
  await symlink(join(project, 'node_modules'), join(work, 'lib/node_modules'));
  const script = `const { default: sharp } = await import('sharp'); console.log(sharp.versions.sharp)`;
  await writeFile(join(work, 'lib/sharp.mjs'), script);
  expect((await run('node', [join(work, 'lib/sharp.mjs')])).stdout.trim()).toBe(await versionOf('sharp'));
});

test('the release brings the sharp that the tests ran with', async () => {
  const runtime = await readFile(join(here, 'runtime/package.json'), 'utf8');
  const { dependencies } = z
    .object({ dependencies: z.object({ sharp: z.string() }) })
    .parse(JSON.parse(runtime));
  expect(dependencies.sharp).toBe(await versionOf('sharp'));
});

async function versionOf(name: string): Promise<string> {
  const text = await readFile(join(project, 'node_modules', name, 'package.json'), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
