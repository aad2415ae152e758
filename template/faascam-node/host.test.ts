/* eslint-disable @typescript-eslint/require-await -- handlers are async by contract */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { MalformedInputError, StoreError } from '@faascam/core/errors';
import type { FunctionHandler, FunctionModule } from '@faascam/core/function';
import pino from 'pino';
import { type FunctionHost, startFunctionHost } from './host.ts';

let directory: string;
let host: FunctionHost | undefined;
let lines: string[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'function-host-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});
afterEach(async () => {
  await host?.drain(0);
  host = undefined;
});

async function serve(module: FunctionModule | FunctionHandler): Promise<string> {
  lines = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  host = await startFunctionHost({
    module: typeof module === 'function' ? { default: module } : module,
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 1000,
    log,
  });
  return host.url;
}

describe('what a handler is given', () => {
  it('is the raw body whatever its content type, headers in lower case, method, query and path', async () => {
    const url = await serve(async (event, context) => {
      const { body } = event;
      return context.succeed({
        isBuffer: Buffer.isBuffer(body),
        hex: Buffer.isBuffer(body) ? body.toString('hex') : '',
        camera: event.headers['x-camera'],
        method: event.method,
        query: event.query,
        path: event.path,
      });
    });
    const bytes = Buffer.from([0xff, 0xd8, 0x00, 0x0a, 0xfe]);
    for (const type of ['image/jpeg', 'application/json', 'text/plain', 'no content type at all', '']) {
      const headers = { 'X-Camera': 'gate', ...(type === '' ? {} : { 'content-type': type }) };
      const answer = await fetch(`${url}/some/path?a=1&b=x&b=y`, { method: 'POST', headers, body: bytes });
      expect(answer.status, type).toBe(200);
      expect(await answer.json()).toEqual({
        isBuffer: true,
        hex: bytes.toString('hex'),
        camera: 'gate',
        method: 'POST',
        query: { a: '1', b: ['x', 'y'] },
        path: '/some/path',
      });
    }
  });

  it('is an empty buffer when there is no body', async () => {
    const url = await serve(async ({ body }, context) =>
      context.succeed(Buffer.isBuffer(body) ? `${body.length}` : 'no buffer'),
    );
    expect(await (await fetch(url)).text()).toBe('0');
    expect(await (await fetch(url, { method: 'DELETE' })).text()).toBe('0');
  });

  it('never is a body over the limit: that is answered with 413', async () => {
    let called = false;
    const url = await serve(async (_event, context) => {
      called = true;
      return context.succeed();
    });
    const answer = await fetch(url, { method: 'POST', body: Buffer.alloc(1001) });
    expect(answer.status).toBe(413);
    expect(await answer.text()).toBe('The body is larger than 1000 bytes.');
    expect(called).toBe(false);
  });
});

describe('what a handler answers', () => {
  it('is sent as bytes, text or JSON, with its status and headers', async () => {
    const url = await serve(async ({ path }, context) => {
      if (path === '/bytes')
        return context.headers({ 'content-type': 'image/jpeg' }).succeed(Buffer.from('jpeg'));
      if (path === '/text') return context.status(201).succeed('words');
      if (path === '/nothing') return context.status(204).succeed();
      return context.headers({ 'x-of': 'mine' }).succeed({ a: [1] });
    });
    const bytes = await fetch(`${url}/bytes`);
    expect([bytes.status, bytes.headers.get('content-type'), await bytes.text()]).toEqual([
      200,
      'image/jpeg',
      'jpeg',
    ]);
    const text = await fetch(`${url}/text`);
    expect([text.status, text.headers.get('content-type')]).toEqual([201, 'text/plain; charset=utf-8']);
    expect((await fetch(`${url}/nothing`)).status).toBe(204);
    const json = await fetch(`${url}/json`);
    expect(json.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(json.headers.get('x-of')).toBe('mine');
    expect(await json.json()).toEqual({ a: [1] });
  });

  it('is what it returns when it gave no verdict, as under the official template', async () => {
    // A handler in plain JavaScript may return its value, which our types do not allow.
    const plain: unknown = () => Promise.resolve({ plain: true });
    const isHandler = (value: unknown): value is FunctionHandler => typeof value === 'function';
    if (!isHandler(plain)) throw new TypeError('no function');
    expect(await (await fetch(await serve(plain))).json()).toEqual({ plain: true });
  });

  it('may be a stream with a range, whose length and status are kept', async () => {
    const file = join(directory, 'clip.bin');
    await writeFile(file, Buffer.from('0123456789'));
    const url = await serve(async (_event, context) =>
      context
        .status(206)
        .headers({ 'content-type': 'video/mp4', 'content-range': 'bytes 2-5/10', 'content-length': '4' })
        .succeed(createReadStream(file, { start: 2, end: 5 })),
    );
    const answer = await fetch(url, { headers: { range: 'bytes=2-5' } });
    expect([answer.status, answer.headers.get('content-range')]).toEqual([206, 'bytes 2-5/10']);
    expect(answer.headers.get('content-length')).toBe('4');
    expect(await answer.text()).toBe('2345');
  });

  it('has its stream destroyed when the caller leaves or asked for the head only', async () => {
    const streams: Readable[] = [];
    const url = await serve(async (_event, context) => {
      const endless = new Readable({ read: () => void endless.push(Buffer.alloc(65_536)) });
      streams.push(endless);
      return context.headers({ 'content-length': '99999999999' }).succeed(endless);
    });
    await new Promise<void>((resolve, reject) => {
      const request = httpRequest(url, (response) => {
        response.once('data', () => {
          request.destroy();
          resolve();
        });
      });
      request.once('error', reject);
      request.end();
    });
    await vi.waitFor(() => expect(streams[0]?.destroyed).toBe(true));
    const head = await fetch(url, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe('99999999999');
    await vi.waitFor(() => expect(streams[1]?.destroyed).toBe(true));
    expect(host?.inFlight()).toBe(0);
  });
});

describe('a handler that fails', () => {
  it('answers malformed input with 400 and one line, by the code whatever the class', async () => {
    const url = await serve(async ({ path }) => {
      if (path === '/copy')
        throw Object.assign(new Error('the frame is no JPEG\nat byte 3'), { code: 'malformed-input' });
      throw new MalformedInputError('the message of camera gate is not JSON');
    });
    const own = await fetch(url);
    expect([own.status, await own.text()]).toEqual([400, 'the message of camera gate is not JSON']);
    const copy = await fetch(`${url}/copy`);
    expect([copy.status, await copy.text()]).toEqual([400, 'the frame is no JPEG']);
  });

  it('answers anything else with 500 and logs it once, without the body or a secret', async () => {
    const url = await serve(async ({ path }, context) => {
      if (path === '/store')
        throw new StoreError('store-unreachable', 'No store at http://me:hunter2@store:9000.');
      if (path === '/fail') return context.fail(new StoreError('store-full', 'The disk is full.'));
      throw new TypeError(`cannot read properties of ${'x'.repeat(100_000)}`);
    });
    const store = await fetch(`${url}/store`, { method: 'POST', body: 'the-body' });
    expect([store.status, await store.text()]).toEqual([500, 'No store at http://me:***@store:9000.']);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('No store at');
    expect(lines[0]).not.toContain('hunter2');
    expect(lines[0]).not.toContain('the-body');
    expect(await (await fetch(`${url}/fail`)).text()).toBe('The disk is full.');
    const bug = await fetch(`${url}/bug`);
    expect([bug.status, await bug.text()]).toEqual([
      500,
      'The function failed (TypeError); its log says more.',
    ]);
    for (const line of lines) expect(line.length).toBeLessThan(64_000);
  });
});

describe('readiness', () => {
  it('is 503 with the reason while the function cannot serve, and asked no more once it can', async () => {
    let asked = 0;
    const url = await serve({
      default: async (_event, context) => context.succeed(),
      ready: async () => {
        asked += 1;
        if (asked < 3) throw new Error(`no model yet (${asked})`);
      },
    });
    expect((await fetch(`${url}/_/health`)).status).toBe(200);
    const first = await fetch(`${url}/_/ready`);
    expect([first.status, await first.text()]).toEqual([503, 'no model yet (1)']);
    expect(await (await fetch(`${url}/_/ready`)).text()).toBe('no model yet (2)');
    expect((await fetch(`${url}/_/ready`)).status).toBe(200);
    expect((await fetch(`${url}/_/ready`)).status).toBe(200);
    expect(asked).toBe(3);
  });

  it('ends with the drain, which serves on until the calls in flight are answered and then closes the function', async () => {
    const steps: string[] = [];
    let finish: (() => void) | undefined;
    const url = await serve({
      default: async (event, context) => {
        if (event.path === '/slow') await new Promise<void>((resolve) => (finish = resolve));
        steps.push(`answered ${event.path}`);
        return context.succeed('done');
      },
      close: async () => void steps.push('closed'),
    });
    const slow = fetch(`${url}/slow`);
    await vi.waitFor(() => expect(finish).toBeDefined());
    const drained = host?.drain(0);
    expect((await fetch(`${url}/_/ready`)).status).toBe(503);
    expect(await (await fetch(`${url}/meanwhile`)).text()).toBe('done');
    finish?.();
    expect(await (await slow).text()).toBe('done');
    await drained;
    host = undefined;
    expect(steps).toEqual(['answered /meanwhile', 'answered /slow', 'closed']);
  });
});
