import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verify } from '@node-rs/argon2';
import { parseUsers } from '@faascam/viewer/auth/users-file';
import { afterAll, expect, it } from 'vitest';
import { faascam, type Outcome } from './program.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-users-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const path = join(scratch, 'viewer-users.yml');

/** Runs `faascam` with this on stdin. */
function run(args: string[], input = ''): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [faascam, ...args], (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

it('faascam user and faascam token keep a file that nobody else reads, and print no password or hash', async () => {
  const added = await run(
    ['user', 'add', 'anna', '--role', 'admin', '-d', scratch],
    'correct horse\nnot this line\n',
  );
  expect(added.code, added.stderr).toBe(0);
  expect(added.stdout).toBe(`${path}: anna is admin now.\n`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const [anna] = parseUsers(readFileSync(path, 'utf8')).users;
  expect(await verify(anna?.password ?? '', 'correct horse')).toBe(true);

  const vera = await run(['user', 'add', 'vera', '--camera', 'yard,door', '-f', path], 'battery staple');
  expect(vera.stdout).toContain('vera is viewer now, and sees yard, door alone');
  const short = await run(['user', 'passwd', 'vera', '-f', path], 'short\n');
  expect([short.code, short.stderr]).toEqual([2, expect.stringContaining('8 characters at least')]);

  const token = await run(['token', 'add', 'home', '--scope', 'read', '--expires', '90d', '-f', path]);
  expect(token.stdout).toMatch(/^fct_[0-9a-f]{12}_[\w-]{43}\n$/);
  expect(readFileSync(path, 'utf8')).not.toContain(token.stdout.trim());
  expect(token.stderr).not.toContain(token.stdout.trim());
  const users = await run(['user', 'list', '-f', path]);
  expect(users.stdout).toMatch(/^NAME\s+ROLE\s+CAMERAS\nanna\s+admin\s+all\nvera\s+viewer\s+yard, door\n$/);
  expect((await run(['user', 'rm', 'vera', '-f', path])).code).toBe(0);
  expect(parseUsers(readFileSync(path, 'utf8')).users.map(({ name }) => name)).toEqual(['anna']);
  for (const { stdout, stderr } of [added, vera, short, users])
    expect(`${stdout}${stderr}`).not.toMatch(/correct horse|battery staple|argon2id/);
});
