import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseConfig, readConfig } from '@faascam/core/config';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

// The installer below a folder of its own. With a real systemd it runs in script/test install.

const run = promisify(execFile);
const here = import.meta.dirname;
const script = join(here, 'install.sh');

let work: string;
let root: string;
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'faascam-install-'));
  root = join(work, 'root');
  await mkdir(root);
});
afterEach(async () => {
  const pid = await readFile(join(work, 'agent.pid'), 'utf8').catch(() => '');
  if (pid !== '') process.kill(Number(pid));
  await rm(work, { recursive: true, force: true });
});

/** An archive like a release, of a program that says its name. */
async function release(version: string): Promise<string> {
  const name = `faascam-agent-${version}-linux-amd64`;
  const folder = join(work, name);
  for (const each of ['bin', 'share']) await mkdir(join(folder, each), { recursive: true });
  await writeFile(join(folder, 'VERSION'), `${version}\n`);
  await writeFile(join(folder, 'bin/faascam'), `#!/bin/sh\necho ${version}\n`);
  await chmod(join(folder, 'bin/faascam'), 0o755);
  await copyFile('/bin/sleep', join(folder, 'bin/node'));
  for (const file of ['faascam-agent.service', 'faascam-agent.sysusers', 'faascam.yml'])
    await writeFile(join(folder, 'share', file), await readFile(join(here, file)));
  const archive = join(work, `${name}.tar.gz`);
  await run('tar', ['-C', work, '-czf', archive, name]);
  const digest = createHash('sha256')
    .update(await readFile(archive))
    .digest('hex');
  await writeFile(`${archive}.sha256`, `${digest}  ${name}.tar.gz\n`);
  return archive;
}

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

async function install(...args: string[]): Promise<Outcome> {
  return await new Promise((resolve) => {
    execFile('sh', [script, '--root', root, '--arch', 'amd64', ...args], (error, stdout, stderr) => {
      resolve({
        code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
        stdout,
        stderr,
      });
    });
  });
}

const at = (...path: string[]): string => join(root, ...path);
const text = (...path: string[]): Promise<string> => readFile(at(...path), 'utf8');

test('the shell scripts have nothing that shellcheck minds', async () => {
  const scripts = (await readdir(here))
    .filter((file) => file.endsWith('.sh'))
    .map((file) => join(here, file));
  expect(scripts).toContain(script);
  await run('shellcheck', scripts);
});

describe('an installed agent', () => {
  test('has a program, a unit that starts with the system, a user, and a config for it alone', async () => {
    const from = await release('0.1.0');
    const camera = 'front-door=rtsp://viewer:it\'s "me"@192.0.2.10/stream1';
    const { code, stderr } = await install(
      ...['--from', from, '--nats', 'tls://nats.example.org:4222', '--agent', 'porch', '--camera', camera],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await text('opt/faascam/current/VERSION')).toBe('0.1.0\n');
    expect(await readlink(at('usr/local/bin/faascam'))).toBe('/opt/faascam/current/bin/faascam');
    expect(await readlink(at('etc/systemd/system/multi-user.target.wants/faascam-agent.service'))).toBe(
      '../faascam-agent.service',
    );
    expect(await text('etc/sysusers.d/faascam.conf')).toContain('u faascam');
    const path = at('etc/faascam/faascam.yml');
    const config = parseConfig(await readFile(path, 'utf8'), path);
    expect(config.agent.id).toBe('porch');
    expect(config.nats.url).toBe('tls://nats.example.org:4222');
    expect(config.cameras['front-door']?.source).toBe('rtsp://viewer:it\'s "me"@192.0.2.10/stream1');
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect((await stat(at('etc/faascam/secrets'))).mode & 0o777).toBe(0o700);
  });

  test('gets its key and the certificates of an authority, readable for those whom they concern', async () => {
    const [nkey, ca] = [join(work, 'agent.nk'), join(work, 'ca.pem')];
    await writeFile(nkey, 'SUAAA\n');
    await writeFile(ca, '-----BEGIN CERTIFICATE-----\n');
    const from = await release('0.1.0');
    const { code } = await install(
      '--from',
      from,
      '--nats',
      'tls://n:4222',
      '--nkey',
      nkey,
      '--ca',
      ca,
      '--camera',
      'a=demo:',
    );
    expect(code).toBe(0);
    expect(await text('etc/faascam/secrets/nats-nkey')).toBe('SUAAA\n');
    expect((await stat(at('etc/faascam/secrets/nats-nkey'))).mode & 0o777).toBe(0o600);
    const path = at('etc/faascam/faascam.yml');
    const { nats } = readConfig(path, {});
    expect(nats).toMatchObject({
      nkeyFile: at('etc/faascam/secrets/nats-nkey'),
      caFile: at('etc/faascam/nats-ca.pem'),
    });
  });

  test('may write to the disk that its footage is to go to, and waits for it', async () => {
    const { code } = await install('--from', await release('0.1.0'), '--ring', '/mnt/disk/faascam');
    expect(code).toBe(0);
    const unit = await text('etc/systemd/system/faascam-agent.service.d/20-ring.conf');
    expect(unit).toMatch(/^\[Unit\]\nRequiresMountsFor=\/mnt\/disk\/faascam$/m);
    expect(unit).toMatch(/^\[Service\]\nReadWritePaths=\/mnt\/disk\/faascam$/m);
    expect(await text('etc/faascam/faascam.yml')).toContain("ringPath: '/mnt/disk/faascam'");
  });

  test('is upgraded with its config and footage as they were', async () => {
    await install('--from', await release('0.1.0'), '--agent', 'porch');
    await writeFile(at('etc/faascam/faascam.yml'), 'mine\n');
    await writeFile(at('var/lib/faascam/footage'), 'mine\n');
    const { code } = await install('--upgrade', '--from', await release('0.2.0'), '--agent', 'other');
    expect(code).toBe(0);
    expect(await text('opt/faascam/current/VERSION')).toBe('0.2.0\n');
    expect(await text('etc/faascam/faascam.yml')).toBe('mine\n');
    expect(await text('var/lib/faascam/footage')).toBe('mine\n');
  });

  test('is the same after the same installation once more', async () => {
    const from = await release('0.1.0');
    await install('--from', from);
    const before = await run('find', [root, '-printf', '%P %m %l\n']);
    expect((await install('--from', from)).code).toBe(0);
    expect((await run('find', [root, '-printf', '%P %m %l\n'])).stdout).toBe(before.stdout);
  });

  test('keeps the version before, where going back to it fails', async () => {
    const first = await release('0.1.0');
    await install('--from', first);
    await install('--upgrade', '--from', await release('0.2.0'));
    const versions = (await readdir(at('opt/faascam'))).sort();
    await rm(at('etc/faascam/faascam.yml'));
    const { code } = await install('--from', first, '--camera', 'rtsp://192.0.2.1');
    expect(code).toBe(1);
    expect((await readdir(at('opt/faascam'))).sort()).toEqual(versions);
    expect(await text('opt/faascam/current/VERSION')).toBe('0.2.0\n');
  });

  test('goes without its config and footage, or with them', async () => {
    await install('--from', await release('0.1.0'));
    expect((await install('--uninstall')).code).toBe(0);
    const files = (await run('find', [root, '-not', '-type', 'd', '-printf', '%P\n'])).stdout;
    expect(files.trim()).toBe('etc/faascam/faascam.yml');
    expect((await install('--uninstall', '--purge')).code).toBe(0);
    expect((await run('find', [root, '-name', '*faascam*'])).stdout).toBe('');
  });
});

/** Programs of the host, as lines of a shell: the folder that they lie in. */
async function standIns(programs: Record<string, string>): Promise<string> {
  const bin = join(work, 'bin');
  await mkdir(bin);
  for (const [name, lines] of Object.entries(programs))
    await writeFile(join(bin, name), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  return bin;
}

/** The installer without its last line, which calls it: its functions. */
async function withoutItsCall(): Promise<string> {
  const path = join(work, 'functions.sh');
  const all = await readFile(script, 'utf8');
  await writeFile(path, all.slice(0, all.lastIndexOf('main "$@"')));
  return path;
}

/**
 * A host below `root` whose systemd and apt are programs that note how they were called; its agent runs once it was
 * started.
 */
async function host(): Promise<{
  install: (...args: string[]) => Promise<string>;
  calls: () => Promise<string[]>;
}> {
  const [log, pid] = [join(work, 'calls'), join(work, 'agent.pid')];
  await writeFile(log, '');
  const bin = await standIns({
    systemctl: `echo "systemctl $*" >>${log}
      case "$*" in
        --version) echo 'systemd 252 (252)' ;;
        restart*) [ ! -e ${pid} ] || kill $(cat ${pid})
          ${at('opt/current/bin/node')} 600 >/dev/null 2>&1 & echo $! >${pid} ;;
        *MainPID*) cat ${pid} ;;
        is-active*) if [ -e ${pid} ]; then echo active; else echo inactive; fi ;;
        *NRestarts*) echo 0 ;;
        *StatusText*) cat ${join(work, 'status')} 2>/dev/null ;;
      esac`,
    'systemd-sysusers': '',
  });
  const functions = await withoutItsCall();
  const program = `. ${functions}; parse "$@"; trap 'clean $?' EXIT; arch=amd64; opt=${at('opt')} etc=${at('etc')}
    state=${at('state')} units=${at('units')} link=${at('bin/faascam')} users=${at('sysusers')}; install`;
  return {
    install: async (...args) => {
      const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
      return (await run('sh', ['-c', program, 'install.sh', '--wait', '0', ...args], { env })).stdout;
    },
    calls: async () => (await readFile(log, 'utf8')).split('\n'),
  };
}

describe('on a host with an agent that runs', () => {
  const site = ['--nats', 'nats://n:4222', '--camera', 'a=demo:'];
  const starts = (calls: string[]): number => calls.filter((call) => call.includes('restart')).length;

  test('the same installation once more lets it run, and keeps the version before', async () => {
    const { install: onHost, calls } = await host();
    await onHost('--from', await release('0.1.0'), ...site);
    const from = await release('0.2.0');
    expect(await onHost('--from', from)).toMatch(/0\.2\.0 runs\./);
    expect(starts(await calls())).toBe(2);
    const before = await readdir(at('opt'));
    expect(before.map((name) => name.replace(/-.*/, '')).sort()).toEqual(['0.1.0', '0.2.0', 'current']);

    expect(await onHost('--from', from)).toMatch(/runs already/);
    expect(starts(await calls())).toBe(2);
    expect(await readdir(at('opt'))).toEqual(before);
  });

  test('an upgrade while NATS is away is kept, and the installer says how the agent is', async () => {
    const { install: onHost } = await host();
    await onHost('--from', await release('0.1.0'), ...site);
    await writeFile(join(work, 'status'), '1 of 1 cameras stream; NATS is away\n');
    expect(await onHost('--upgrade', '--from', await release('0.2.0'))).toMatch(
      /0\.2\.0 runs\.\nIt says: 1 of 1 cameras stream; NATS is away\.\n/,
    );
    expect(await text('opt/current/VERSION')).toBe('0.2.0\n');
  });

  test('a version that was installed without a start is started by the next installation', async () => {
    const { install: onHost, calls } = await host();
    await onHost('--from', await release('0.1.0'), ...site);
    const from = await release('0.2.0');
    await onHost('--from', from, '--no-start');
    expect(starts(await calls())).toBe(1);
    expect(await onHost('--from', from)).toMatch(/0\.2\.0 runs\./);
    expect(starts(await calls())).toBe(2);
  });

  test('a new key has it started anew, and keeps the version before too', async () => {
    const { install: onHost, calls } = await host();
    await onHost('--from', await release('0.1.0'), ...site);
    const from = await release('0.2.0');
    await onHost('--from', from);
    const nkey = join(work, 'agent.nk');
    await writeFile(nkey, 'SUAAA\n');
    expect(await onHost('--from', from, '--nkey', nkey)).toMatch(/0\.2\.0 runs\./);
    expect(starts(await calls())).toBe(3);
    expect((await readdir(at('opt'))).length).toBe(3);
  });
});

test('ffmpeg is installed once others let go of the locks of apt', async () => {
  const log = join(work, 'calls');
  const locked = 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)';
  const bin = await standIns({
    'apt-get': `echo "$*" >>${log}; [ -e ${log}.free ] || { echo '${locked}' >&2; exit 100; }`,
    sleep: `: >${log}.free`,
    grep: 'exec /bin/grep "$@"',
  });
  await run('/bin/sh', ['-c', `. ${await withoutItsCall()}; work=${work}; need_ffmpeg`], {
    env: { PATH: bin },
  });
  const wait = '-qq -o DPkg::Lock::Timeout=300';
  expect((await readFile(log, 'utf8')).trim().split('\n')).toEqual([
    `${wait} update`,
    `${wait} update`,
    `${wait} install -y --no-install-recommends ffmpeg`,
  ]);
});

test('what the docs have a container told is a config that an agent runs by', async () => {
  const docs = await readFile(join(here, '../../docs/install-edge.md'), 'utf8');
  const [, told = ''] = /^## As a container[^]*?```yaml\n([^]*?)```/m.exec(docs) ?? [];
  await mkdir(at('secrets'));
  for (const name of ['front-door', 'nats-nkey']) await writeFile(at('secrets', name), 'geheim\n');
  const path = at('faascam.yml');
  await writeFile(path, (await readFile(join(here, 'faascam.yml'), 'utf8')) + told);
  const config = readConfig(path, {});
  expect(config.cameras['front-door']?.source).toBe('rtsp://viewer:geheim@192.0.2.10/stream1');
  expect(config.nats).toMatchObject({ nkeyFile: at('secrets/nats-nkey'), caFile: at('nats-ca.pem') });
});

describe('what is wrong is one sentence, and nothing is changed', () => {
  test.each([
    ['an option that there is not', ['--colour', 'red'], /no option --colour/],
    ['an option without its value', ['--from'], /--from needs a value/],
    ['an archive that is not there', ['--from', '/nowhere.tar.gz'], /\/nowhere\.tar\.gz cannot be read/],
    ['a key that is not there', ['--nkey', '/nowhere.nk'], /\/nowhere\.nk cannot be read/],
    ['an upgrade of nothing', ['--upgrade'], /not installed here/],
    ['a name that no agent may have', ['--agent', 'Porch One'], /--agent Porch One/],
    ['a value of two lines', ['--nats', 'nats://n\ncameras: {}'], /must be one line/],
    ['a folder of footage that is no whole path', ['--ring', 'ring'], /whole path/],
    ['a platform without a release', ['--arch', 'riscv64'], /no release for riscv64/],
  ])('%s', async (_name, args, message) => {
    const { code, stderr } = await install(...args);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^Error: [^\n]+\n$/);
    expect(await readdir(root)).toEqual([]);
  });

  test('an archive that is not what its digest says', async () => {
    const from = await release('0.1.0');
    await writeFile(`${from}.sha256`, `${'0'.repeat(64)}  archive\n`);
    const { code, stderr } = await install('--from', from);
    expect(code).toBe(1);
    expect(stderr).toMatch(/not what it should be/);
    expect(await readdir(root)).toEqual([]);
  });

  test('an archive of which nobody says what it should be', async () => {
    const from = await release('0.1.0');
    await rm(`${from}.sha256`);
    const { code, stderr } = await install('--from', from);
    expect(code).toBe(1);
    expect(stderr).toMatch(/give --sha256/);
    expect(await readdir(root)).toEqual([]);
  });

  test('an archive that is none', async () => {
    const from = join(work, 'archive.tar.gz');
    await writeFile(from, 'nothing');
    const sha256 = createHash('sha256').update('nothing').digest('hex');
    const { code, stderr } = await install('--from', from, '--sha256', sha256);
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot be unpacked/);
    expect((await run('find', [root, '-not', '-type', 'd'])).stdout).toBe('');
  });

  test('a camera without a name', async () => {
    const { code, stderr } = await install('--from', await release('0.1.0'), '--camera', 'rtsp://192.0.2.1');
    expect(code).toBe(1);
    expect(stderr).toMatch(/write its name and its source/);
    expect((await run('find', [root, '-not', '-type', 'd'])).stdout).toBe('');
  });
});

test('a dry run says what would be done, and does nothing', async () => {
  const { code, stdout } = await install('--dry-run', '--from', '/nowhere.tar.gz');
  expect(code).toBe(0);
  expect(stdout).toMatch(/Would fetch \/nowhere\.tar\.gz/);
  expect(await readdir(root)).toEqual([]);
});

test('half a script does nothing', async () => {
  await run('sh', [await withoutItsCall(), '--root', root, '--from', await release('0.1.0')]);
  expect(await readdir(root)).toEqual([]);
});
