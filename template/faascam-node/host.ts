import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { systemClock } from '@faascam/core/clock';
import { FaascamError } from '@faascam/core/errors';
import type { FunctionEvent, FunctionModule } from '@faascam/core/function';
import type { Logger } from '@faascam/core/log';
import { type Answer, CallContext, failed } from './context.ts';
import { Readiness } from './readiness.ts';

export interface FunctionHostOptions {
  module: FunctionModule;
  /** Where to listen; port 0 takes a free one. */
  host: string;
  port: number;
  /** A larger request body is answered with 413. */
  maxBodyBytes: number;
  log: Logger;
}

export interface FunctionHost {
  url: string;
  port: number;
  /** Calls that have not been answered in full. */
  inFlight(): number;
  /**
   * Says "not ready" from now on but keeps serving for `serveMs` and until no call is in flight, then stops
   * listening and closes the function's module.
   */
  drain(serveMs: number): Promise<void>;
}

// A proxy keeps idle connections for seconds; whoever closes first must be the proxy, or a call meets a closed socket.
const KEEP_ALIVE_MS = 75_000;
// A frame's motion header alone may be several kB, and the headers of a call are more than node's default of 16 kB.
const MAX_HEADER_BYTES = 64 * 1024;

/** Serves a function's module over HTTP, by the contract of OpenFaaS's node templates. */
export async function startFunctionHost(options: FunctionHostOptions): Promise<FunctionHost> {
  const { module, log } = options;
  const readiness = new Readiness(module.ready);
  const calls = new Set<FastifyRequest>();
  let idle: (() => void) | undefined;
  let draining = false;

  const app = fastify({
    logger: false,
    bodyLimit: options.maxBodyBytes,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    http: { maxHeaderSize: MAX_HEADER_BYTES },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  app.addHook('onRequest', (request, reply, done) => {
    // A body is bytes to us, whatever it is called; fastify would refuse a type that it cannot parse.
    request.headers = { ...request.headers, 'content-type': 'application/octet-stream' };
    if (!request.url.startsWith('/_/')) {
      calls.add(request);
      reply.raw.once('close', () => {
        calls.delete(request);
        if (calls.size === 0) idle?.();
      });
    }
    done();
  });

  app.get('/_/health', async (_request, reply) => await reply.type('text/plain').send('OK'));
  app.get('/_/ready', async (_request, reply) => {
    void reply.type('text/plain; charset=utf-8');
    if (draining) return await reply.code(503).send('The function is stopping.');
    const state = await readiness.state();
    return state.ready ? await reply.send('OK') : await reply.code(503).send(state.sentence);
  });

  app.route({
    method: app.supportedMethods,
    url: '*',
    handler: async (request, reply) => {
      const context = new CallContext();
      let answer: Answer;
      try {
        answer = context.answer(await module.default(eventOf(request), context));
      } catch (error) {
        answer = failed(error);
      }
      if (answer.fault) logFault(log, request, answer);
      return await send(request, reply, answer, log);
    },
  });

  app.setErrorHandler(async (error: FaultOfFramework, request, reply) => {
    const status = error.statusCode ?? 500;
    // A proxy that is still sending would meet a closed connection and never see the 413.
    if (status === 413) await discardBody(request.raw, 8 * options.maxBodyBytes);
    if (status >= 500) log.error({ err: error.message, path: pathOf(request) }, 'a call could not be served');
    const text =
      status === 413
        ? `The body is larger than ${options.maxBodyBytes} bytes.`
        : status < 500
          ? error.message
          : 'The function could not be called.';
    return await reply.code(status).type('text/plain; charset=utf-8').send(text);
  });

  await app.listen({ host: options.host, port: options.port });
  const address = app.server.address();
  if (address === null || typeof address === 'string') {
    throw new FaascamError('no-address', 'The function host listens on no TCP port.');
  }
  return {
    url: `http://${options.host}:${address.port}`,
    port: address.port,
    inFlight: () => calls.size,
    drain: async (serveMs) => {
      draining = true;
      await systemClock.sleep(serveMs);
      if (calls.size > 0) {
        await new Promise<void>((resolve) => {
          idle = resolve;
        });
      }
      await app.close();
      await module.close?.();
    },
  };
}

/** Reads the rest of a body into nothing, at most `mostBytes` of it. */
async function discardBody(request: IncomingMessage, mostBytes: number): Promise<void> {
  let bytes = 0;
  await new Promise<void>((resolve) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > mostBytes) resolve();
    });
    request.once('end', resolve);
    request.once('close', resolve);
    if (request.readableEnded || request.destroyed) resolve();
    request.resume();
  });
}

interface FaultOfFramework extends Error {
  statusCode?: number;
}

function eventOf(request: FastifyRequest): FunctionEvent {
  const { query, body } = request;
  return {
    body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
    headers: request.raw.headers,
    method: request.method,
    query: isQuery(query) ? query : {},
    path: pathOf(request),
  };
}

function isQuery(query: unknown): query is Record<string, string | string[]> {
  return typeof query === 'object' && query !== null;
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '/';
}

function logFault(log: Logger, request: FastifyRequest, answer: Answer): void {
  const { sentence, stack } = answer.fault ?? {};
  const topic = request.headers['x-topic'];
  const about = { method: request.method, path: pathOf(request), topic, status: answer.status, sentence };
  if (answer.status >= 500) log.error({ ...about, stack }, 'the function failed');
  else log.warn(about, 'the function refused a call');
}

async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
  log: Logger,
): Promise<FastifyReply> {
  void reply.code(answer.status).headers(answer.headers);
  const { body } = answer;
  if (body instanceof Readable) {
    body.once('error', (error) => {
      log.error({ err: error.message, path: pathOf(request) }, 'the stream of an answer broke');
    });
  }
  if (body instanceof Readable && (request.method === 'HEAD' || request.raw.socket.destroyed)) {
    // Nobody takes the bytes, but whoever opened the stream counts on its end.
    body.destroy();
    return await reply.send();
  }
  return await reply.send(body);
}
