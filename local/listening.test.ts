import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema, type Config } from '@faascam/core/config';
import { expect, it } from 'vitest';
import { hasUsersFile, isLoopback, listeningHost } from './listening.ts';

function configWith(page: object): Config {
  return configSchema.parse({ page, cameras: { yard: { source: 'demo:' } } });
}

it('without users the page listens on this host alone, whatever the config says, and tells why', () => {
  const { page } = configWith({ host: '0.0.0.0' });
  const { host, notice } = listeningHost(page, false);
  expect(host).toBe('127.0.0.1');
  expect(notice).toContain('faascam user add');
  expect(listeningHost(page, true)).toEqual({ host: '0.0.0.0' });
});

it('it listens where it was told to when it is to be open, or a proxy logs people in', () => {
  expect(listeningHost(configWith({ host: '0.0.0.0', open: true }).page, false)).toEqual({ host: '0.0.0.0' });
  const { page } = configWith({ host: '::', login: { proxy: { secretFile: 'secret' } } });
  expect(listeningHost(page, false)).toEqual({ host: '::' });
  expect(listeningHost(configWith({}).page, false)).toEqual({ host: '127.0.0.1' });
});

it('loopback is loopback in all its names, and no other', () => {
  expect(['127.0.0.1', '127.1.2.3', '::1', 'localhost'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '::', '192.0.2.1', '127.0.0.1.example', ''].some(isLoopback)).toBe(false);
});

it('users are looked for in the data folder, or where the config says', async () => {
  const data = await mkdtemp(join(tmpdir(), 'faascam-listening-'));
  try {
    expect(await hasUsersFile({ ...configWith({}), data })).toBe(false);
    const named = configWith({ login: { usersFile: join(data, 'elsewhere.yml') } });
    await writeFile(join(data, 'viewer-users.yml'), 'users: []\n');
    expect(await hasUsersFile({ ...configWith({}), data })).toBe(true);
    expect(await hasUsersFile({ ...named, data })).toBe(false);
  } finally {
    await rm(data, { recursive: true });
  }
});
