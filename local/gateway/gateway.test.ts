import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { builtEntry, builtHost, writeHandler } from '@faascam/function-host/testing/built-host';
import { UsageError } from '@faascam/core/errors';
import pino from 'pino';
import { request as undiciRequest } from 'undici';
import { type Gateway, type GatewayOptions, startGateway } from './gateway.ts';

const ECHO = `
import { createHash } from 'node:crypto';
let asked = 0;
export default async (event, context) => {
  if (event.path === '/crash') process.kill(process.pid, 'SIGKILL');
  if (event.path === '/fail') throw new Error('no');
  if (event.path === '/sleep') await new Promise((resolve) => setTimeout(resolve, Number(event.query.ms)));
  if (event.path === '/hash') return context.succeed(createHash('sha256').update(event.body).digest('hex'));
  return context.headers({ 'x-echo': 'yes' }).succeed({
    pid: process.pid, path: event.path, query: event.query, method: event.method,
    camera: event.headers['x-camera'], host: event.headers['x-forwarded-host'],
    stack: process.env.FROM_STACK, given: process.env.GIVEN,
  });
};
export const ready = async () => { if (asked++ < Number(process.env.NOT_READY ?? 0)) throw new Error('the model is loading'); };
`;

const FILES = `
import { createReadStream, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
export default async (event, context) => {
  if (event.path === '/endless') {
    const endless = new Readable({ read() { this.push(Buffer.alloc(65536)); } });
    endless.once('close', () => writeFileSync(process.env.GONE_FILE, 'gone'));
    return context.succeed(endless);
  }
  const [, start, end] = /^bytes=(\\d+)-(\\d+)$/.exec(event.headers.range ?? '') ?? [];
  if (start === undefined) return context.succeed(createReadStream(process.env.CLIP_FILE));
  return context.status(206)
    .headers({ 'content-range': 'bytes ' + start + '-' + end + '/*', 'content-type': 'video/mp4' })
    .succeed(createReadStream(process.env.CLIP_FILE, { start: Number(start), end: Number(end) }));
};
`;

const STACK = `
version: 1.0
provider: { name: openfaas, gateway: http://127.0.0.1:8080 }
functions:
  echo:
    lang: faascam-node
    handler: ./echo
    image: \${REGISTRY:-example}/echo:1
    annotations: { topic: "frames.*" }
    environment: { FROM_STACK: "\${SOMETHING:-unset}", exec_timeout: 3s, max_inflight: 2, NOT_READY: 2 }
  viewer:
    lang: faascam-node
    handler: ./viewer
    image: example/viewer:1
`;

let directory: string;
let clip: Buffer;
let gateway: Gateway | undefined;
const log = pino({ level: 'silent' });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gateway-'));
  await builtHost();
  await writeHandler(join(directory, 'echo', 'dist', 'handler.js'), ECHO);
  await writeHandler(join(directory, 'viewer', 'dist', 'handler.js'), FILES);
  await writeFile(join(directory, 'stack.yml'), STACK);
  clip = randomBytes(3_000_000);
  await writeFile(join(directory, 'clip.mp4'), clip);
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function start(options: Partial<GatewayOptions> = {}): Promise<Gateway> {
  gateway = await startGateway({
    stackPath: join(directory, 'stack.yml'),
    variables: { SOMETHING: 'filled' },
    env: { GIVEN: 'extra', CLIP_FILE: join(directory, 'clip.mp4'), GONE_FILE: join(directory, 'gone') },
    port: 0,
    log,
    ...options,
  });
  return gateway;
}

/** Like a browser: `fetch` of Node sets `sec-fetch-*` headers itself. */
async function send(
  url: string,
  options: { method: 'GET' | 'POST'; headers: Record<string, string> },
): Promise<{ status: number }> {
  const answer = await undiciRequest(url, options);
  await answer.body.dump();
  return { status: answer.statusCode };
}

function pidOf(name: string): number {
  return gateway?.functions.find((each) => each.name === name)?.pid ?? 0;
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the gateway', () => {
  it('calls a function by its name with path, query, headers and environment', async () => {
    const { url, ready } = await start();
    await ready();
    const answer = await fetch(`${url}/function/echo/a/b%20c?x=1&x=2`, {
      method: 'PUT',
      headers: { 'X-Camera': 'gate' },
    });
    expect(answer.headers.get('x-echo')).toBe('yes');
    expect(await answer.json()).toEqual({
      pid: pidOf('echo'),
      path: '/a/b%20c',
      query: { x: ['1', '2'] },
      method: 'PUT',
      camera: 'gate',
      host: url.slice('http://'.length),
      stack: 'filled',
      given: 'extra',
    });
    expect(await (await fetch(`${url}/function/echo.openfaas-fn`)).json()).toMatchObject({ path: '/' });
  });

  it('says 503 until a function is ready, with the reason, and lists it without a replica', async () => {
    const { url, ready } = await start({ env: { GIVEN: '', NOT_READY: '6' } });
    const early = await fetch(`${url}/function/echo`);
    expect(early.status).toBe(503);
    expect(await early.text()).toContain('No endpoints available for: echo.');
    await ready();
    expect((await fetch(`${url}/function/echo`)).status).toBe(200);
  });

  it('lists the functions as the connector reads them, behind basic authentication if wanted', async () => {
    const { url, ready } = await start({ basicAuth: { user: 'admin', password: 'secret' } });
    await ready();
    expect((await fetch(`${url}/system/functions`)).status).toBe(401);
    const authorization = `Basic ${Buffer.from('admin:secret').toString('base64')}`;
    const answer = await fetch(`${url}/system/functions`, { headers: { authorization } });
    expect(await answer.json()).toMatchObject([
      {
        name: 'echo',
        namespace: 'openfaas-fn',
        image: 'example/echo:1',
        annotations: { topic: 'frames.*' },
        replicas: 1,
        availableReplicas: 1,
      },
      { name: 'viewer', annotations: {} },
    ]);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('answers 404 for an unknown function, in the words of OpenFaaS', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/function/nobody`);
    expect([answer.status, await answer.text()]).toEqual([
      404,
      'error finding function nobody.openfaas-fn: no such function',
    ]);
  });

  it('answers 429 above max_inflight, 504 after exec_timeout, and passes a 500 on', async () => {
    const { url, ready } = await start();
    await ready();
    const slow = [1, 2].map(() => fetch(`${url}/function/echo/sleep?ms=1000`));
    await vi.waitFor(async () => expect((await fetch(`${url}/function/echo`)).status).toBe(429));
    expect((await Promise.all(slow)).map((answer) => answer.status)).toEqual([200, 200]);
    const late = await fetch(`${url}/function/echo/sleep?ms=20000`);
    expect([late.status, await late.text()]).toEqual([504, 'echo did not answer within 3000 ms.']);
    expect((await fetch(`${url}/function/echo/fail`)).status).toBe(500);
  });

  it('serves what is outside of /function and /system by the viewer, ranges and large bodies included', async () => {
    const { url, ready } = await start();
    await ready();
    const whole = await fetch(`${url}/clips/any.mp4`);
    expect(Buffer.from(await whole.arrayBuffer()).equals(clip)).toBe(true);
    const part = await fetch(`${url}/clips/any.mp4`, { headers: { range: 'bytes=100000-200000' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 100000-200000/*']);
    expect(Buffer.from(await part.arrayBuffer()).equals(clip.subarray(100_000, 200_001))).toBe(true);
    const hash = await fetch(`${url}/function/echo/hash`, { method: 'POST', body: clip });
    expect(await hash.text()).toBe(createHash('sha256').update(clip).digest('hex'));
    const tooLarge = await fetch(`${url}/function/echo/hash`, {
      method: 'POST',
      body: Buffer.alloc(9 * 1024 * 1024),
    });
    expect(tooLarge.status).toBe(413);
  });

  it('lets no page of another site call a function, though it may link to one', async () => {
    const { url, ready } = await start();
    await ready();
    const headers = { 'sec-fetch-site': 'cross-site' };
    expect((await send(`${url}/function/echo`, { method: 'POST', headers })).status).toBe(403);
    expect((await send(`${url}/function/echo`, { method: 'GET', headers })).status).toBe(200);
    const own = { 'sec-fetch-site': 'same-origin' };
    expect((await send(`${url}/function/echo`, { method: 'POST', headers: own })).status).toBe(200);
  });

  it('ends the stream in the function when the caller leaves', async () => {
    const { url, ready } = await start();
    await ready();
    await new Promise<void>((resolve, reject) => {
      const request = httpRequest(`${url}/endless`, (response) => {
        response.once('data', () => {
          request.destroy();
          resolve();
        });
      });
      request.once('error', reject);
      request.end();
    });
    await vi.waitFor(() => expect(existsSync(join(directory, 'gone'))).toBe(true), { timeout: 10_000 });
  });

  it('starts a crashed function again; until then calls get an error and not an answer', async () => {
    const { url, ready } = await start();
    await ready();
    const before = pidOf('echo');
    expect((await fetch(`${url}/function/echo/crash`)).status).toBe(502);
    await vi.waitFor(
      async () => {
        const answer = await fetch(`${url}/function/echo`);
        expect([502, 503, 200]).toContain(answer.status);
        expect(answer.status).toBe(200);
      },
      { timeout: 20_000 },
    );
    expect(pidOf('echo')).not.toBe(before);
  });

  it('lets calls in flight finish when it stops, and leaves no process behind', async () => {
    const { url, ready, stop } = await start();
    await ready();
    const pids = [pidOf('echo'), pidOf('viewer')];
    const slow = fetch(`${url}/function/echo/sleep?ms=500`);
    // The second call to arrive: the first one is in flight.
    expect((await fetch(`${url}/function/echo`)).status).toBe(200);
    await stop();
    gateway = undefined;
    expect((await slow).status).toBe(200);
    expect(pids.map(runs)).toEqual([false, false]);
  });

  it('refuses to start without a handler, with a broken stack file, or on a taken port', async () => {
    await writeFile(join(directory, 'none.yml'), 'functions: { a: { handler: ./nowhere, image: x } }');
    await expect(start({ stackPath: join(directory, 'none.yml') })).rejects.toThrow(
      /nowhere.dist.handler\.js/,
    );
    await expect(start({ stackPath: join(directory, 'missing.yml') })).rejects.toThrow(UsageError);
    const { port } = await start();
    await expect(
      startGateway({ stackPath: join(directory, 'stack.yml'), variables: {}, port, log }),
    ).rejects.toThrow(`Port ${port} for the gateway is in use`);
  });
});

describe('the gateway as a process', () => {
  it('says where it serves, and its death leaves no function behind', async () => {
    const main = await builtEntry(fileURLToPath(new URL('..', import.meta.url)), 'gateway/main.js');
    const child = spawn(process.execPath, [main], {
      env: {
        ...process.env,
        FAASCAM_STACK: join(directory, 'stack.yml'),
        GATEWAY_PORT: '0',
        FAASCAM_LOG: 'silent',
      },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const { url } = await new Promise<{ url: string }>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`ended with ${code}`)));
      child.once('message', (message) => {
        if (typeof message === 'object' && 'url' in message) resolve({ url: String(message.url) });
      });
    });
    let pid = 0;
    await vi.waitFor(
      async () => {
        const answer = await fetch(`${url}/function/echo`);
        expect(answer.status).toBe(200);
        const told: unknown = await answer.json();
        pid = typeof told === 'object' && told !== null && 'pid' in told ? Number(told.pid) : 0;
      },
      { timeout: 20_000 },
    );
    expect(runs(pid)).toBe(true);
    child.kill('SIGKILL');
    await vi.waitFor(() => expect(runs(pid)).toBe(false), { timeout: 10_000 });
  });
});
