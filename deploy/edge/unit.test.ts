import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';

const run = promisify(execFile);
const here = import.meta.dirname;
const UNIT = 'faascam-agent.service';

const cleanups: string[] = [];
afterEach(async () => {
  for (const path of cleanups.splice(0)) await rm(path, { recursive: true, force: true });
});

/** A folder with the unit and the program that it starts, which systemd wants to see. */
async function rootWithUnit(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'faascam-unit-'));
  cleanups.push(root);
  const [units, bin] = [join(root, 'etc/systemd/system'), join(root, 'opt/faascam/current/bin')];
  for (const folder of [units, bin, join(root, 'bin')]) await mkdir(folder, { recursive: true });
  await cp(join(here, UNIT), join(units, UNIT));
  for (const program of [join(bin, 'faascam'), join(root, 'bin/kill')])
    await writeFile(program, '#!/bin/sh\n', { mode: 0o755 });
  return root;
}

test('systemd understands each word of the unit', async () => {
  const root = await rootWithUnit();
  const { stderr } = await run('systemd-analyze', ['verify', '--man=no', `--root=${root}`, UNIT]).catch(
    (error: unknown) => {
      if (error instanceof Error && 'stderr' in error) return { stderr: String(error.stderr) };
      throw error;
    },
  );
  // Of a root that holds nothing else, other units are missing; of ours there is nothing to tell.
  expect(
    stderr.split('\n').filter((line) => line.includes(UNIT) && !/not found|Unit \S+ not/.test(line)),
  ).toEqual([]);
});

test("the unit's exposure is below 3 of 10, by systemd's own measure", async () => {
  const unit = join(here, UNIT);
  const { stdout } = await run('systemd-analyze', [
    ...['security', '--offline=true', '--no-pager', '--threshold=29'],
    unit,
  ]);
  const exposure = /Overall exposure level for \S+: (\d+\.\d)/.exec(stdout)?.[1];
  expect(Number(exposure)).toBeLessThan(3);
});
