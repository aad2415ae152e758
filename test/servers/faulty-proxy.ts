import * as http from 'node:http';
import { once } from 'node:events';
import { freePort } from '@faascam/core/ports';

/** What goes wrong with one request. */
export type Fault =
  /** Answers by itself, with S3's error code in the body. */
  | { kind: 'answer'; status: number; code?: string; headers?: Record<string, string> }
  /** Takes the request and never answers. */
  | { kind: 'hang' }
  /** Hangs up on both sides when so much of the body has passed. */
  | { kind: 'cut'; afterBytes: number }
  /** The server does as it was asked, and its answer gets lost. */
  | { kind: 'lose-answer' }
  /** The answer's body comes in two halves, so much apart. */
  | { kind: 'slow'; ms: number };

export interface Passed {
  method: string;
  url: string;
  headers: http.IncomingHttpHeaders;
  fault: Fault | undefined;
}

export interface FaultyProxy {
  endpoint: string;
  port: number;
  /** Every request so far. */
  passed: Passed[];
  /** Asked for each request, which is held until it has answered. */
  faultOf: (request: http.IncomingMessage) => Fault | undefined | Promise<Fault | undefined>;
  stop(): Promise<void>;
}

/** An HTTP proxy on loopback in front of one server, which spoils the requests that `faultOf` picks. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port: targetPort } = new URL(target);
  const handle = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const fault = await proxy.faultOf(request);
    const { method = '', url = '', headers } = request;
    proxy.passed.push({ method, url, headers, fault });
    // Whoever is cut off need not hear more.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    if (fault?.kind === 'answer') {
      request.resume();
      const body = fault.code === undefined ? '' : `<Error><Code>${fault.code}</Code></Error>`;
      request.on('end', () =>
        response.writeHead(fault.status, fault.headers).end(method === 'HEAD' ? '' : body),
      );
      return;
    }
    if (fault?.kind === 'hang') {
      request.resume();
      return;
    }
    pass(request, response, fault, { hostname, port: targetPort });
  };
  const server = http.createServer((request, response) => {
    void handle(request, response);
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const proxy: FaultyProxy = {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    passed: [],
    faultOf: () => undefined,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return proxy;
}

function pass(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  fault: Fault | undefined,
  target: { hostname: string; port: string },
): void {
  const { method, url, headers } = request;
  const upstream = http.request({ ...target, method, path: url, headers }, (answer) => {
    if (fault?.kind === 'lose-answer') {
      answer.resume();
      answer.on('end', () => request.socket.destroy());
      return;
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    if (fault?.kind !== 'slow') answer.pipe(response);
    else {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const body = Buffer.concat(chunks);
        response.write(body.subarray(0, body.length / 2));
        setTimeout(() => response.end(body.subarray(body.length / 2)), fault.ms);
      });
    }
  });
  upstream.on('error', () => request.socket.destroy());
  request.on('close', () => {
    if (!request.complete) upstream.destroy();
  });
  let seen = 0;
  request.on('data', (chunk: Buffer) => {
    seen += chunk.length;
    if (fault?.kind === 'cut' && seen > fault.afterBytes) {
      request.socket.destroy();
      upstream.destroy();
    } else if (!upstream.write(chunk)) {
      request.pause();
      upstream.once('drain', () => request.resume());
    }
  });
  request.on('end', () => upstream.end());
}
