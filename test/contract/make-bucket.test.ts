import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkout } from '../faults/checkout.ts';

let scratch: string;
let keys: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'faascam-make-bucket-'));
  keys = join(scratch, 'keys');
  mkdirSync(keys);
  const names = ['clip-access-key', 'clip-secret-key', 'viewer-access-key', 'viewer-secret-key'];
  // With the end of line that some have.
  for (const name of ['user', 'password', ...names]) writeFileSync(join(keys, name), `the-${name}\n`);
  program('sleep', 'echo slept >>"$CALLS"');
  program(
    'mc',
    `{ echo "$*"; case "$*" in *"alias set"*|*"user add"*) sed 's/^/  stdin: /' ;; esac; } >>"$CALLS"
case "$*" in
  *"alias set"*) [ "$(grep -c "alias set" "$CALLS")" -gt "\${DOWN:-0}" ] || { echo "connection refused" >&2; exit 1; } ;;
  *"policy attach"*|*"policy detach"*) echo "mc: <ERROR> \${SAYS:-The specified policy change is already in effect.}" >&2; exit 1 ;;
esac`,
  );
});
afterEach(() => rmSync(scratch, { recursive: true }));

function program(name: string, body: string): void {
  mkdirSync(join(scratch, 'bin'), { recursive: true });
  const path = join(scratch, 'bin', name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
}

async function makeBucket(
  more: Record<string, string> = {},
): Promise<{ code: number | null; output: string; told: string; stdin: string[] }> {
  const calls = join(scratch, 'calls');
  const env = {
    ...process.env,
    PATH: `${join(scratch, 'bin')}:${process.env['PATH'] ?? ''}`,
    CALLS: calls,
    FOLDER: keys,
    MC_CONFIG_DIR: join(scratch, 'mc'),
    SITE: 'https://minio.example',
    ...more,
  };
  const { code, output } = await new Promise<{ code: number | null; output: string }>((resolve) => {
    const child = execFile('sh', [join(checkout, 'deploy/s3/make-bucket.sh')], { env }, (_error, out, err) =>
      resolve({ code: child.exitCode, output: `${out}${err}` }),
    );
  });
  const lines = existsSync(calls) ? readFileSync(calls, 'utf8').split('\n') : [];
  const isInput = (line: string): boolean => line.startsWith('  stdin: ');
  return {
    code,
    output,
    told: lines.filter((line) => !isInput(line)).join('\n'),
    stdin: lines.filter(isInput).map((line) => line.slice('  stdin: '.length)),
  };
}

const policy = z.object({
  Statement: z.array(
    z.strictObject({
      Effect: z.literal('Allow'),
      Action: z.union([z.string(), z.array(z.string())]),
      Resource: z.string(),
      Condition: z.unknown().optional(),
    }),
  ),
});

function statements(path: string): z.infer<typeof policy>['Statement'] {
  return policy.parse(JSON.parse(readFileSync(path, 'utf8'))).Statement;
}

describe('make-bucket.sh', () => {
  it('hands keys to the client through stdin only', async () => {
    const { code, output, told, stdin } = await makeBucket();
    expect(code, output).toBe(0);
    // An access key is a user's name, which policies are attached by; the secret keys are what must not show.
    expect(`${told}${output}`).not.toMatch(/the-password|-secret-key/);
    const names = ['user', 'password', 'clip-access-key', 'clip-secret-key', 'viewer-access-key'];
    expect(stdin).toEqual([...names, 'viewer-secret-key'].map((name) => `the-${name}`));
    expect(told).toContain('mb --ignore-existing site/faascam');
  });

  it('sets the tested policies of this folder, for the whole bucket in place of a prefix', async () => {
    expect((await makeBucket({ BUCKET: 'mine' })).code).toBe(0);
    for (const name of ['clip', 'viewer', 'retention', 'viewer-changes']) {
      const tested = statements(join(checkout, `deploy/s3/${name}.json`));
      expect(statements(join(scratch, 'mc', `${name}.json`))).toEqual(
        tested.map(({ Effect, Action, Resource }) => ({
          Effect,
          Action,
          Resource: Resource.replace('clips/cameras/', 'mine/').replace(/clips$/, 'mine'),
        })),
      );
    }
  });

  it('lets the clip function remove clips only where that is wanted, and serves a site with one key for all', async () => {
    const removes = 'attach site faascam-retention --user the-clip-access-key';
    expect((await makeBucket()).told).toContain(removes);
    for (const name of ['viewer-access-key', 'viewer-secret-key', 'clip-access-key'])
      rmSync(join(keys, name));
    writeFileSync(join(keys, 'clip-access-key'), 'one');
    rmSync(join(scratch, 'calls'));
    const { code, told } = await makeBucket({ RETENTION: 'no' });
    expect(code).toBe(0);
    expect(told.match(/policy (at|de)tach .*/g)).toEqual([
      'policy attach site faascam-clip --user one',
      'policy detach site faascam-retention --user one',
      'policy attach site faascam-viewer-changes --user one',
    ]);
  });

  it('lets the page keep and remove events unless that is not wanted', async () => {
    const changes = 'site faascam-viewer-changes --user the-viewer-access-key';
    expect((await makeBucket()).told).toContain(`attach ${changes}`);
    expect((await makeBucket({ CHANGES: 'no' })).told).toContain(`detach ${changes}`);
  });

  it('ends with what the server says where a right is not given', async () => {
    const { code, output } = await makeBucket({ SAYS: 'Access denied.' });
    expect(code).toBe(1);
    expect(output).toMatch(
      /Access denied\.\nError: MinIO does not attach the policy faascam-clip; the lines/,
    );
    expect(output).not.toContain('is there');
  });

  it('waits for a server that has just been started, and says so when it never comes', async () => {
    const late = await makeBucket({ DOWN: '3' });
    expect(late.code, late.output).toBe(0);
    expect(late.told.match(/slept/g)).toHaveLength(3);
    rmSync(join(scratch, 'calls'));
    const { code, output, told } = await makeBucket({ DOWN: '1000' });
    expect(code).toBe(1);
    expect(output).toMatch(/connection refused\nError: MinIO at https:\/\/minio.example does not let us in/);
    expect(told).not.toContain('mb ');
  });
});
