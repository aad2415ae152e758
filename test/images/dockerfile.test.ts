import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { filledIn, isIgnored, pairsOf, parseDockerfile } from './dockerfile.ts';

const template = new URL('../../template/faascam-node/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, template), 'utf8');

it("the template's Dockerfile pins its bases by arguments and ends as somebody who is not root", () => {
  const { args, stages } = parseDockerfile(read('Dockerfile'));
  expect(Object.keys(args)).toEqual(['WATCHDOG_IMAGE', 'NODE_IMAGE']);
  for (const image of Object.values(args)) expect(image).toMatch(/:\d+\.\d+\.\d+/);
  const known = stages.map(({ name }) => name);
  for (const { base, instructions } of stages) {
    const from = filledIn(base, args);
    expect(from === 'scratch' || known.includes(from) || Object.values(args).includes(from), from).toBe(true);
    for (const { text } of instructions.filter(({ keyword }) => keyword === 'COPY')) {
      const [, stage] = /--from=(\S+)/.exec(text) ?? [];
      if (stage !== undefined) expect(known).toContain(stage);
    }
  }
  const ship = stages.at(-1);
  expect(ship?.base).toBe('scratch');
  expect(ship?.instructions.find(({ keyword }) => keyword === 'USER')?.text).toMatch(/^[1-9]\d*:/);
});

it("images and the agent's release have the same version of Node", () => {
  const checkout = new URL('../../', import.meta.url);
  const { args } = parseDockerfile(read('Dockerfile'));
  const [, version] = /^node:([\d.]+)-/.exec(args['NODE_IMAGE'] ?? '') ?? [];
  const files = execFileSync('git', ['ls-files', '--', '*Dockerfile'], { cwd: checkout, encoding: 'utf8' });
  const images = files
    .trim()
    .split('\n')
    .map((path) => parseDockerfile(readFileSync(new URL(path, checkout), 'utf8')).args['NODE_IMAGE'])
    .filter((image) => image !== undefined);
  expect(images.length).toBeGreaterThan(2);
  for (const image of images) expect(image).toMatch(new RegExp(`(^|/)node:${version}-`));
  const runtime = readFileSync(new URL('deploy/edge/runtime/package.json', checkout), 'utf8');
  const { optionalDependencies } = z
    .object({ optionalDependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(runtime));
  expect(new Set(Object.values(optionalDependencies))).toEqual(new Set([version]));
});

it('an image takes in bundles and scripts, and no sources, tests or packages of the checkout', () => {
  const patterns = read('.dockerignore').split('\n');
  const isIn = (path: string): boolean => !isIgnored(patterns, path);
  for (const path of [
    'bundle/index.mjs',
    'image/pack.sh',
    'function/bundle/handler.js',
    'function/handler.js',
  ])
    expect(isIn(path), path).toBe(true);
  expect(isIn('function/bundle/dist/web/assets/index.js')).toBe(true);
  for (const path of [
    ...['host.ts', 'dist/index.js', 'node_modules/x/a.js', 'function/handler.ts', 'function/dist/handler.js'],
    ...['function/node_modules/a/b.js', 'function/bundle/node_modules/a/b.js', 'Dockerfile', 'package.json'],
  ])
    expect(isIn(path), path).toBe(false);
});

it('variables are filled in as Docker does', () => {
  expect(filledIn('${A:-x} $B ${C} ${B:-y}', { B: 'b' })).toBe('x b  b');
  expect(pairsOf('a="b c" PATH=/bin:/x')).toEqual({ a: 'b c', PATH: '/bin:/x' });
});
