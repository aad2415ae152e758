import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { storeEvent } from '@faascam/core/event-fixture';
import { createLogger } from '@faascam/core/log';
import { freePort } from '@faascam/core/ports';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { builtEntry, builtHost } from '@faascam/function-host/testing/built-host';
import { startGateway, type Gateway } from '@faascam/local/gateway/gateway';
import { passwordHash } from '@faascam/viewer/auth/password';
import { newToken } from '@faascam/viewer/auth/token';
import { usersText } from '@faascam/viewer/auth/users-file';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// What somebody on the network may send to the page's address: through the gateway of one machine and the function's own host.

const viewerFolder = fileURLToPath(new URL('../functions/viewer', import.meta.url));
const CLIP_BYTES = 300_000;
const BODY_LIMIT = 8 * 1024 * 1024;

let directory: string;
let gateway: Gateway;
let store: ObjectStore;
let event: string;
let token: string;
/** A token that is taken out while something is open by it. */
let passing: string;
let takeOut: () => Promise<void>;
const usersFile = (): string => join(directory, 'viewer-users.yml');

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-security-'));
  await builtHost();
  await builtEntry(viewerFolder, 'handler.js');
  const clips = join(directory, 'clips');
  store = await openStore({ kind: 'directory', path: clips }, directory);
  event = await storeEvent(store, {
    camera: 'yard',
    startUs: Date.UTC(2026, 2, 4, 12) * 1000,
    clip: randomBytes(CLIP_BYTES),
  });
  // What must not come out: beside the clips, and above them.
  await writeFile(join(directory, 'passwd'), 'the secret beside');
  await mkdir(join(clips, 'yard', 'hidden'), { recursive: true });
  await writeFile(join(clips, 'yard', 'hidden', 'event.json'), 'the secret within');
  const { text, stored } = newToken({ name: 'test', scope: 'read' });
  token = text;
  const anna = { name: 'anna', role: 'admin', password: await passwordHash('password of anna') } as const;
  const lasting = newToken({ name: 'wall', scope: 'read' });
  passing = lasting.text;
  await writeFile(usersFile(), usersText({ users: [anna], tokens: [stored, lasting.stored] }));
  takeOut = async () => await writeFile(usersFile(), usersText({ users: [anna], tokens: [stored] }));
  const stackPath = join(directory, 'stack.yml');
  await writeFile(
    stackPath,
    [
      'version: 1.0',
      'provider: { name: openfaas }',
      'functions:',
      `  viewer: { lang: faascam-node, handler: ${JSON.stringify(viewerFolder)}, image: example/viewer:1 }`,
      `  motion: { lang: faascam-node, handler: ${JSON.stringify(viewerFolder)}, image: example/viewer:1 }`,
    ].join('\n'),
  );
  gateway = await startGateway({
    stackPath,
    variables: {},
    env: {
      FAASCAM_DATA: directory,
      FAASCAM_STORE: JSON.stringify({ kind: 'directory', path: clips }),
      NATS_URL: `nats://127.0.0.1:${await freePort()}`,
      MAX_BODY_BYTES: String(BODY_LIMIT),
    },
    port: 0,
    page: { host: '127.0.0.1', port: 0 },
    log: createLogger('gateway'),
  });
  await gateway.ready();
});
afterAll(async () => {
  await gateway.stop();
  await store.close();
  await rm(directory, { recursive: true });
});

interface Told {
  /** The status of each answer that came. */
  statuses: number[];
  text: string;
}

/** What comes back for these bytes until the other side closes, or has answered and been silent. */
async function raw(port: number, ...parts: (string | Buffer)[]): Promise<Told> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  let told: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => (told = resolve));
  let quiet: NodeJS.Timeout | undefined;
  socket.on('data', (data: Buffer) => {
    text += data.toString('latin1');
    clearTimeout(quiet);
    quiet = setTimeout(told, 700);
  });
  // Whoever is refused while still sending may be cut off.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  for (const part of parts) socket.write(part);
  await Promise.race([answered, once(socket, 'close')]);
  clearTimeout(quiet);
  socket.destroy();
  return { statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code)), text };
}

function pagePort(): number {
  return Number(new URL(gateway.pageUrl).port);
}
function hostPort(): number {
  return gateway.functions.find(({ name }) => name === 'viewer')?.port ?? 0;
}

function withToken(headers: Record<string, string> = {}): { headers: Record<string, string> } {
  return { headers: { Authorization: `Bearer ${token}`, ...headers } };
}

describe('paths', () => {
  const ways = [
    '/../passwd',
    '/api/events/../../passwd',
    '/api/events/..%2f..%2fpasswd',
    '/api/events/%2e%2e/%2e%2e/passwd',
    '/api/events/%252e%252e%252fpasswd',
    '/api/events/..%5c..%5cpasswd',
    '/api/events/%00/event.json',
    '/api/events/yard%2fhidden/event.json',
    '/api/events/hidden/event.json',
    '/api/cameras/..%2f..%2fpasswd/frame.jpg',
    '/assets/..%2f..%2f..%2fpackage.json',
    '/assets/../../package.json',
    '/assets/%2e%2e%2fhandler.js',
    '//etc/passwd',
    '/function/viewer/..%2f..%2fsystem/functions',
  ];
  it.each(ways)('%s leads to nothing', async (path) => {
    for (const port of [pagePort(), hostPort()]) {
      const { statuses, text } = await raw(
        port,
        `GET ${path} HTTP/1.1\r\nHost: cams\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
      );
      expect(statuses).toHaveLength(1);
      expect([200, 400, 404]).toContain(statuses[0]);
      expect(text).not.toMatch(/the secret|"dependencies"|root:x:/);
      if (statuses[0] === 200) expect(text).toContain('<!doctype html>');
    }
  });

  it("the page's own address leads to no other function and tells nothing of the gateway", async () => {
    const own = await fetch(`${gateway.url}/function/motion/`);
    expect(own.status).toBe(200);
    for (const path of [
      'function/motion/',
      'function/motion',
      'function/motion.openfaas-fn/',
      'system/functions',
      'system',
      'async-function/motion',
    ])
      expect((await fetch(`${gateway.pageUrl}/${path}`)).status, path).toBe(404);
    expect((await fetch(`${gateway.pageUrl}/function/viewer/api/session`)).status).toBe(200);
    expect((await fetch(`${gateway.pageUrl}/api/events`)).status).toBe(401);
  });
});

describe('two lengths for one body', () => {
  const login = JSON.stringify({ name: 'anna', password: 'wrong' });
  const smuggled = 'GET /api/session HTTP/1.1\r\nHost: cams\r\nX-Smuggled: yes\r\n\r\n';
  const json = 'Host: cams\r\nContent-Type: application/json\r\n';
  it.each([
    [
      'Content-Length and Transfer-Encoding',
      `POST /api/session HTTP/1.1\r\n${json}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    [
      'two Content-Lengths',
      `POST /api/session HTTP/1.1\r\n${json}Content-Length: ${login.length}\r\nContent-Length: 0\r\n\r\n${login}${smuggled}`,
    ],
    [
      'a Transfer-Encoding that is none',
      `POST /api/session HTTP/1.1\r\n${json}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    [
      'chunked twice',
      `POST /api/session HTTP/1.1\r\n${json}Transfer-Encoding: chunked, identity\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    [
      'a space before the colon',
      `POST /api/session HTTP/1.1\r\n${json}Content-Length : 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    [
      'a header that goes on in the next line',
      `POST /api/session HTTP/1.1\r\n${json}Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
  ])('%s: it is refused, and what comes behind is no request', async (_what, bytes) => {
    for (const port of [pagePort(), hostPort()]) {
      const { statuses, text } = await raw(port, bytes);
      expect(statuses).toEqual([400]);
      expect(text).not.toContain('"state"');
    }
  });

  it('one that is in order leaves the next request to its own answer', async () => {
    const { statuses } = await raw(
      pagePort(),
      `POST /api/session HTTP/1.1\r\n${json}Content-Length: ${login.length}\r\n\r\n${login}${smuggled}`,
    );
    expect(statuses).toEqual([401, 200]);
  });
});

describe('sizes', () => {
  it('headers over 64 kB are refused, and the next call is served', async () => {
    for (const port of [pagePort(), hostPort()]) {
      const { statuses } = await raw(
        port,
        `GET /api/session HTTP/1.1\r\nHost: cams\r\nCookie: ${'a'.repeat(70_000)}\r\n\r\n`,
      );
      expect(statuses).toEqual([431]);
    }
    expect((await fetch(`${gateway.pageUrl}/api/session`)).status).toBe(200);
  });

  it('a body that is too large is refused: over the limit of an operation, and over that of the host', async () => {
    const headers = { 'Content-Type': 'application/json' };
    const post = async (bytes: number): Promise<number> =>
      (
        await fetch(`${gateway.pageUrl}/api/session`, {
          method: 'POST',
          headers,
          body: JSON.stringify({ name: 'anna', password: 'x'.repeat(bytes) }),
        })
      ).status;
    expect(await post(2000)).toBe(400);
    expect(await post(100_000)).toBe(413);
    expect(await post(BODY_LIMIT + 1000)).toBe(413);
  });

  it('odd JSON is refused with a sentence', async () => {
    for (const body of ['{', '[]', 'null', '{"name":{"$ne":""},"password":1}', '['.repeat(8000)]) {
      const answer = await fetch(`${gateway.pageUrl}/api/session`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body,
      });
      expect(answer.status, body.slice(0, 40)).toBe(400);
      expect(await answer.text()).toMatch(/^\{"error":".+\."\}$/);
    }
  });

  it('names and parameters of a prototype are no way in', async () => {
    const answer = await fetch(`${gateway.pageUrl}/api/session`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"__proto__":{"role":"admin"},"name":"constructor","password":"x"}',
    });
    expect(answer.status).toBe(401);
    const events = await fetch(`${gateway.pageUrl}/api/events?__proto__[limit]=9&constructor=1`, withToken());
    expect(events.status).toBe(200);
  });
});

describe('ranges', () => {
  it.each([
    ['many', `bytes=${Array.from({ length: 2000 }, (_, at) => `${at}-${at + 1}`).join(',')}`, 200],
    ['overlapping', `bytes=${Array.from({ length: 500 }, () => '0-').join(',')}`, 200],
    ['far behind the end', 'bytes=99999999999999999999-', 416],
    ['turned around', 'bytes=9-1', 200],
    ['of no bytes', 'bytes=-0', 416],
    ['longer than the file', 'bytes=-99999999999999999999', 206],
    ['with numbers of many digits', `bytes=0-${'9'.repeat(5000)}`, 206],
    ['of another unit', 'items=0-1', 200],
  ])('%s: at most the file is sent, once', async (_what, range, status) => {
    const answer = await fetch(
      `${gateway.pageUrl}/api/events/${event}/clip.mp4`,
      withToken({ Range: range }),
    );
    const bytes = (await answer.arrayBuffer()).byteLength;
    expect(answer.status).toBe(status);
    expect(bytes).toBeLessThanOrEqual(CLIP_BYTES);
    expect(answer.headers.get('content-type')).not.toMatch(/multipart/);
  });
});

describe('what is open', () => {
  it('ends through the gateway with the token that it was opened by, and nothing else does', async () => {
    const over = new AbortController();
    const open = async (text: string): Promise<() => boolean> => {
      const answer = await fetch(`${gateway.pageUrl}/api/stream`, {
        headers: { Authorization: `Bearer ${text}` },
        signal: over.signal,
      });
      expect(answer.status).toBe(200);
      let isOpen = true;
      const read = async (): Promise<void> => {
        for await (const chunk of answer.body ?? []) expect(chunk).toBeDefined();
      };
      void read()
        .catch(() => undefined)
        .finally(() => (isOpen = false));
      return () => isOpen;
    };
    // Begun before: one that ended by itself would be first.
    const other = await open(token);
    const ends = await open(passing);
    await takeOut();
    await expect.poll(ends).toBe(false);
    expect(other()).toBe(true);
    over.abort();
    expect((await fetch(`${gateway.pageUrl}/api/events`, withToken())).status).toBe(200);
  });

  it('headers beyond number are refused or left out, and the next call is served', async () => {
    for (const port of [pagePort(), hostPort()]) {
      const many = Array.from({ length: 6000 }, (_, at) => `X-${String(at)}: 1\r\n`).join('');
      const { statuses } = await raw(
        port,
        `GET /api/session HTTP/1.1\r\nHost: cams\r\n${many}Connection: close\r\n\r\n`,
      );
      expect(statuses).toHaveLength(1);
      expect([200, 431]).toContain(statuses[0]);
    }
    expect((await fetch(`${gateway.pageUrl}/api/session`)).status).toBe(200);
  });
});
