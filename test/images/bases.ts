import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './root-file-system.ts';

/** What of-watchdog's program takes in an image; no package holds it, so that it is reckoned and not measured. */
export const WATCHDOG_BYTES = 12_000_000;

/**
 * Root file systems in place of the base images, made once below `directory`: Debian of the image's name by mmdebstrap
 * with Node of its version from npm, and the watchdog's stand-in.
 */
export async function makeBases(nodeImage: string, directory: string): Promise<Record<string, string>> {
  const [, version = '', suite = ''] = /^node:([\d.]+)-(\w+)-slim$/.exec(nodeImage) ?? [];
  const debian = join(directory, `node-${version}-${suite}`);
  if (!existsSync(`${debian}.done`)) {
    const archive = join(directory, `${suite}.tar`);
    mkdirSync(debian, { recursive: true });
    await run('mmdebstrap', ['--variant=minbase', suite, archive, 'http://deb.debian.org/debian']);
    await run('tar', ['-xf', archive, '-C', debian]);
    const packages = join(directory, `node-${version}`);
    const install = [
      'install',
      '--prefix',
      packages,
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ];
    await run('npm', [...install, `node@${version}`, 'npm@11']);
    cpSync(join(packages, 'node_modules/node/bin/node'), join(debian, 'usr/local/bin/node'), {
      dereference: true,
    });
    const licence = join(packages, 'node_modules/node/LICENSE');
    if (existsSync(licence)) cpSync(licence, join(debian, 'usr/local/LICENSE'));
    else writeFileSync(join(debian, 'usr/local/LICENSE'), '');
    mkdirSync(join(debian, 'usr/local/lib/node_modules'), { recursive: true });
    await run('cp', [
      '-a',
      join(packages, 'node_modules/npm'),
      join(debian, 'usr/local/lib/node_modules/npm'),
    ]);
    await run('ln', ['-sf', '../lib/node_modules/npm/bin/npm-cli.js', join(debian, 'usr/local/bin/npm')]);
    const users = join(debian, 'etc/passwd');
    writeFileSync(users, `${readFileSync(users, 'utf8')}node:x:1000:1000::/home/node:/bin/sh\n`);
    const groups = join(debian, 'etc/group');
    writeFileSync(groups, `${readFileSync(groups, 'utf8')}node:x:1000:\n`);
    writeFileSync(`${debian}.done`, '');
  }
  const watchdog = join(directory, 'watchdog');
  mkdirSync(watchdog, { recursive: true });
  cpSync(
    fileURLToPath(new URL('../../images/watchdog-stand-in.cjs', import.meta.url)),
    join(watchdog, 'fwatchdog'),
  );
  chmodSync(join(watchdog, 'fwatchdog'), 0o755);
  return { NODE_IMAGE: debian, WATCHDOG_IMAGE: watchdog };
}
