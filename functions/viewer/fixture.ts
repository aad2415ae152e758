import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { FunctionContext, FunctionEvent, FunctionHandler } from '@faascam/core/function';

export { manifestOf, storeEvent, type EventFixture } from '@faascam/core/event-fixture';

/** For the tests: a host for the handler. */
class HostContext implements FunctionContext {
  code = 200;
  values: Record<string, string> = {};
  body: unknown;

  status(code?: number): this {
    this.code = code ?? this.code;
    return this;
  }

  headers(values?: Record<string, string>): this {
    this.values = values ?? this.values;
    return this;
  }

  succeed(value?: unknown): this {
    this.body = value;
    return this;
  }

  fail(value?: unknown): this {
    this.code = 500;
    this.body = String(value);
    return this;
  }
}

export interface HandlerHost {
  url: string;
  stop(): Promise<void>;
}

/** Serves the handler at a prefix, which it does not see, as the OpenFaaS gateway does. */
export async function hostHandler(handler: FunctionHandler, prefix = '', port = 0): Promise<HandlerHost> {
  const server: Server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://host');
    const query: Record<string, string | string[]> = {};
    for (const name of searchParams.keys()) {
      const values = searchParams.getAll(name);
      query[name] = values.length === 1 ? (values[0] ?? '') : values;
    }
    const context = new HostContext();
    const eventOf = (body: Buffer): FunctionEvent => ({
      body,
      headers: request.headers,
      method: request.method ?? 'GET',
      query,
      path: pathname.startsWith(prefix) ? pathname.slice(prefix.length) : pathname,
    });
    const answered = buffer(request).then(async (body) => await handler(eventOf(body), context));
    void answered.then(
      async () => {
        response.writeHead(context.code, context.values);
        // A browser breaks off what it has seen enough of; then there is nobody to tell.
        if (context.body instanceof Readable) await pipeline(context.body, response).catch(() => undefined);
        else if (typeof context.body === 'string' || Buffer.isBuffer(context.body))
          response.end(context.body);
        else response.end();
      },
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const bound = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    url: `http://127.0.0.1:${bound}${prefix}/`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
