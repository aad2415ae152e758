import { createHash, timingSafeEqual } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { FaascamError, UsageError } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { requirePort } from '@faascam/core/ports';
import { FunctionProcess } from './function-process.ts';
import { answerText, forward } from './proxy.ts';
import { readStack, type Variables } from './stack.ts';

export interface GatewayOptions {
  /** The stack file; handlers are relative to its folder. */
  stackPath: string;
  /** What `${NAME}` in the stack file stands for. */
  variables: Variables;
  /** Given to every function on top of its environment in the stack file; it wins. */
  env?: Record<string, string>;
  /** Default 127.0.0.1: whoever reaches the gateway may call every function. */
  host?: string;
  /** Default 8080; 0 takes a free one. */
  port?: number;
  /**
   * A second address, which serves the page and nothing else of the gateway: for whoever may see the page, and not call
   * functions. Port 0 takes a free one.
   */
  page?: { host: string; port: number };
  /** Asked for below `/system`. */
  basicAuth?: { user: string; password: string };
  /** How long `stop` lets calls in flight finish; default 5000. */
  stopTimeoutMs?: number;
  log: Logger;
}

export interface GatewayFunction {
  name: string;
  pid: number | undefined;
  port: number | undefined;
  /** Whether calls are let through, and if not, why. */
  ready: boolean;
  cause?: string;
}

export interface Gateway {
  url: string;
  port: number;
  /** Where the page is; the gateway's own address unless it has one of its own. */
  pageUrl: string;
  /** As they are at this moment. */
  readonly functions: GatewayFunction[];
  /** Resolves once every function can be called (or the gateway was stopped). */
  ready: () => Promise<void>;
  /** Lets calls in flight finish, ends the functions and closes the port. */
  stop: () => Promise<void>;
}

const NAMESPACE = 'openfaas-fn';
/** What is asked outside of `/function` and `/system` goes to this function: the page is at `/`. */
const FRONT = 'viewer';
// Longer than the connector and browsers keep an idle connection, so that they close first.
const KEEP_ALIVE_MS = 75_000;
const SERVER_OPTIONS = {
  maxHeaderSize: 64 * 1024,
  keepAliveTimeout: KEEP_ALIVE_MS,
  requestTimeout: 0,
};

interface Route {
  process: FunctionProcess;
  inFlight: number;
}

/**
 * Runs the functions of a stack file on this machine and serves them as OpenFaaS's gateway does.
 * Resolves when the port is open and every function was started; a function that is not ready yet is answered with 503.
 * Throws `UsageError` for a wrong stack file or a handler that was not built, `FaascamError` when the port is taken.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { log, host = '127.0.0.1', port = 8080 } = options;
  const specs = readStack(options.stackPath, options.variables);
  const hostEntry = functionHostEntry();
  const handlers = specs.map((spec) => {
    const handlerPath = join(spec.handlerDirectory, 'dist', 'handler.js');
    if (existsSync(handlerPath)) return { spec, handlerPath };
    throw new UsageError(
      'handler-missing',
      `There is no ${handlerPath} for the function ${spec.name}: npm run build`,
    );
  });

  const routes = new Map<string, Route>();
  const createdAt = new Date().toISOString();
  const serving = { routes, options, createdAt };
  const open = async (
    at: { host: string; port: number },
    what: string,
    pageOnly: boolean,
  ): Promise<Listening> => {
    const server = createServer(SERVER_OPTIONS);
    server.on('request', (request, response) => {
      void serve(request, response, { ...serving, pageOnly });
    });
    if (at.port !== 0) await requirePort(at.port, at.host, what);
    const bound = await listen(server, at.port, at.host);
    return {
      server,
      port: bound,
      url: `http://${at.host.includes(':') ? `[${at.host}]` : at.host}:${bound}`,
    };
  };
  const own = await open({ host, port }, 'the gateway', false);
  const page = options.page === undefined ? undefined : await open(options.page, 'the page', true);
  const listening = page === undefined ? [own] : [own, page];

  for (const { spec, handlerPath } of handlers) {
    const env = { ...process.env, ...spec.environment, ...options.env };
    routes.set(spec.name, {
      process: new FunctionProcess({ spec, hostEntry, handlerPath, env, log }),
      inFlight: 0,
    });
  }
  const processes = [...routes.values()].map((route) => route.process);
  await Promise.all(processes.map((process) => process.started()));
  const { url } = own;
  log.info({ url, functions: specs.map((spec) => spec.name) }, 'the gateway serves');

  return {
    url,
    port: own.port,
    pageUrl: (page ?? own).url,
    get functions() {
      return processes.map(({ spec, pid, port, state }) => ({
        name: spec.name,
        pid,
        port,
        ready: state.kind === 'up',
        ...(state.kind === 'down' ? { cause: state.cause } : {}),
      }));
    },
    ready: async () => {
      await Promise.all(processes.map((process) => process.ready()));
    },
    stop: async () => {
      const closed = listening.map(({ server }) => {
        const over = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeIdleConnections();
        return over;
      });
      await Promise.all(processes.map((process) => process.stop(options.stopTimeoutMs ?? 5000)));
      for (const { server } of listening) server.closeAllConnections();
      await Promise.all(closed);
    },
  };
}

interface Listening {
  server: Server;
  port: number;
  url: string;
}

interface Serving {
  pageOnly: boolean;
  routes: Map<string, Route>;
  options: GatewayOptions;
  createdAt: string;
}

async function serve(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const target = request.url ?? '/';
  const [path = '/'] = target.split('?', 1);
  const query = target.slice(path.length);
  if (path === '/healthz') {
    answerText(response, 200, 'OK');
  } else if (isForeign(request)) {
    answerText(response, 403, 'Another site may not call functions from a browser.');
  } else if (serving.pageOnly && !isPage(path)) {
    answerText(response, 404, 'Only the page is to be had at this address.');
  } else if (path === '/system' || path.startsWith('/system/')) {
    answerSystem(path, request, response, serving);
  } else if (path.startsWith('/async-function/')) {
    answerText(response, 501, 'Asynchronous calls are not offered here: use a topic.');
  } else {
    const [, named, below = ''] = /^\/function\/([^/]+)(\/.*)?$/.exec(path) ?? [];
    const name = named === undefined ? FRONT : withoutNamespace(named);
    const passed = named === undefined ? path : below === '' ? '/' : below;
    await call(name, `${passed}${query}`, request, response, serving);
  }
}

async function call(
  name: string,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  { routes, options }: Serving,
): Promise<void> {
  const route = routes.get(name);
  if (!route) {
    answerText(response, 404, `error finding function ${name}.${NAMESPACE}: no such function`);
    return;
  }
  const { state, spec } = route.process;
  if (state.kind === 'down') {
    answerText(response, 503, `No endpoints available for: ${name}. (${state.cause})`);
    return;
  }
  if (spec.maxInflight > 0 && route.inFlight >= spec.maxInflight) {
    answerText(
      response,
      429,
      `Concurrent request limit exceeded. Max concurrent requests: ${spec.maxInflight}`,
    );
    return;
  }
  route.inFlight += 1;
  try {
    const timeoutMs = spec.execTimeoutMs;
    await forward(request, response, { name, pool: state.pool, path, timeoutMs, log: options.log });
  } finally {
    route.inFlight -= 1;
  }
}

function answerSystem(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  { routes, options, createdAt }: Serving,
): void {
  if (options.basicAuth && !authorized(request.headers.authorization, options.basicAuth)) {
    answerText(response, 401, 'invalid credentials', { 'www-authenticate': 'Basic realm="Restricted"' });
    return;
  }
  const listed = [...routes.values()].map(({ process: { spec, state } }) => ({
    name: spec.name,
    namespace: NAMESPACE,
    image: spec.image,
    labels: spec.labels,
    annotations: spec.annotations,
    replicas: 1,
    availableReplicas: state.kind === 'up' ? 1 : 0,
    createdAt,
  }));
  const [, named] = /^\/system\/function\/([^/]+)$/.exec(path) ?? [];
  const found =
    path === '/system/functions'
      ? listed
      : listed.find(({ name }) => named !== undefined && name === withoutNamespace(named));
  if (found === undefined) {
    answerText(response, 404, 'not found');
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(found));
}

/** Whether the viewer answers it. */
function isPage(path: string): boolean {
  const [, named] = /^\/function\/([^/]+)(?:\/.*)?$/.exec(path) ?? [];
  return named === undefined
    ? !/^\/(system|async-function)(\/|$)/.test(path)
    : withoutNamespace(named) === FRONT;
}

/**
 * Whether a page of another site makes the browser do more than read: a gateway without a login on this machine must
 * not be at any page's command. Programs send no such header.
 */
function isForeign({ method, headers }: IncomingMessage): boolean {
  return headers['sec-fetch-site'] === 'cross-site' && method !== 'GET' && method !== 'HEAD';
}

function withoutNamespace(name: string): string {
  return name.endsWith(`.${NAMESPACE}`) ? name.slice(0, -NAMESPACE.length - 1) : name;
}

function authorized(
  header: string | undefined,
  { user, password }: { user: string; password: string },
): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return timingSafeEqual(digest(header ?? ''), digest(wanted));
}

/** The function host's compiled entry; a child process needs plain JavaScript even when we run from source. */
function functionHostEntry(): string {
  const resolved = createRequire(import.meta.url).resolve('@faascam/function-host/index');
  const entry = resolved.endsWith('.ts') ? join(dirname(resolved), 'dist', 'index.js') : resolved;
  if (existsSync(entry)) return entry;
  throw new UsageError('function-host-missing', `There is no ${entry}: npm run build`);
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  if (address !== null && typeof address === 'object') return address.port;
  throw new FaascamError('no-address', `The gateway listens on no port of ${host}.`);
}
