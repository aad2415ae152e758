import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { builtHost, writeHandler } from './testing/built-host.ts';

const HANDLER = `
import { writeFileSync } from 'node:fs';
export default async (event, context) => {
  if (event.path === '/slow') await new Promise((resolve) => setTimeout(resolve, Number(event.query.ms)));
  if (event.path === '/crash') setImmediate(() => { throw new Error('out of the blue'); });
  if (event.path === '/reject') void Promise.reject(new Error('nobody listens'));
  return context.succeed('answered');
};
export const close = async () => writeFileSync(process.env.CLOSED_FILE, 'closed');
`;

let directory: string;
let entry: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'function-process-'));
  entry = await builtHost();
  await writeHandler(join(directory, 'handler.js'), HANDLER);
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function start(env: Record<string, string> = {}) {
  const child = fork(entry, [], {
    env: {
      ...process.env,
      FAASCAM_HANDLER: join(directory, 'handler.js'),
      CLOSED_FILE: join(directory, 'closed'),
      http_port: '0',
      ...env,
    },
    // Not what runs the tests was told, such as to import sources.
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  children.push(child);
  let log = '';
  child.stderr?.on('data', (text: Buffer) => {
    log += text.toString();
  });
  const ended = once(child, 'exit').then(([code]: unknown[]) => code);
  const listening = new Promise<string>((resolve) => {
    child.on('message', (message) => {
      if (typeof message === 'object' && 'listening' in message) {
        resolve(`http://127.0.0.1:${Number(message.listening)}`);
      }
    });
  });
  const url = await Promise.race([listening, ended.then((code) => `ended with ${String(code)}`)]);
  return { child, url, ended, log: () => log };
}

describe('a function process', () => {
  it('answers the calls in flight after SIGTERM, closes the function and exits with 0', async () => {
    const { child, url, ended, log } = await start();
    const slow = fetch(`${url}/slow?ms=400`);
    await vi.waitFor(async () => expect((await fetch(`${url}/_/ready`)).status).toBe(200));
    child.kill('SIGTERM');
    await vi.waitFor(() => expect(log()).toContain('draining'));
    expect(await (await slow).text()).toBe('answered');
    expect(await ended).toBe(0);
    await rm(join(directory, 'closed'));
  });

  it('goes on serving for as long as the watchdog in front passes calls on', async () => {
    const { child, url, ended, log } = await start({ DRAIN_SERVE_MS: '700' });
    child.kill('SIGTERM');
    await vi.waitFor(() => expect(log()).toContain('draining'));
    expect((await fetch(`${url}/_/ready`)).status).toBe(503);
    expect(await (await fetch(url)).text()).toBe('answered');
    expect(await ended).toBe(0);
  });

  it('exits with 1 at a second signal, and when calls do not end in time', async () => {
    const impatient = await start();
    const cut = fetch(`${impatient.url}/slow?ms=60000`).catch(() => 'cut');
    await vi.waitFor(async () => expect((await fetch(impatient.url)).status).toBe(200));
    impatient.child.kill('SIGTERM');
    await vi.waitFor(() => expect(impatient.log()).toContain('draining'));
    impatient.child.kill('SIGTERM');
    expect(await impatient.ended).toBe(1);
    expect(await cut).toBe('cut');

    const limited = await start({ DRAIN_TIMEOUT_MS: '100' });
    const alsoCut = fetch(`${limited.url}/slow?ms=60000`).catch(() => 'cut');
    await vi.waitFor(async () => expect((await fetch(limited.url)).status).toBe(200));
    limited.child.kill('SIGTERM');
    expect(await limited.ended).toBe(1);
    expect(await alsoCut).toBe('cut');
  });

  it('exits with 1 and says why when something throws or rejects that nobody catches', async () => {
    for (const [path, reason] of [
      ['/crash', 'out of the blue'],
      ['/reject', 'nobody listens'],
    ] as const) {
      const { url, ended, log } = await start();
      await fetch(`${url}${path}`).catch(() => undefined);
      expect(await ended).toBe(1);
      expect(log()).toContain(reason);
    }
  });

  it('ends when its parent is gone', async () => {
    const { child, ended } = await start();
    child.disconnect();
    expect(await ended).toBe(0);
  });

  it('says what is wrong with a missing or malformed handler, or a bad setting', async () => {
    const missing = await start({ FAASCAM_HANDLER: join(directory, 'nowhere.js') });
    expect(missing.url).toBe('ended with 1');
    expect(missing.log()).toContain('There is no handler at');
    await writeHandler(join(directory, 'empty', 'handler.js'), 'export const nothing = 1;');
    const empty = await start({ FAASCAM_HANDLER: join(directory, 'empty', 'handler.js') });
    expect(empty.log()).toContain('exports no function as default');
    const setting = await start({ http_port: 'eighty' });
    expect(setting.log()).toContain('Environment variable http_port must be a whole number');
  });
});
