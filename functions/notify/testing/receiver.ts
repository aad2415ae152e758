import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { readFileSync } from 'node:fs';
import type { Certificate } from '@faascam/test-servers/certificates';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A server that notes what is posted to it, and answers as it is told: 204 unless `next` has something else. */
export interface Receiver {
  url: string;
  received: Received[];
  /** Answers of the next calls, in order; `hang` never answers, and what is `endless` never ends what it says. */
  next: ({ status: number; headers?: Record<string, string>; body?: string; endless?: boolean } | 'hang')[];
  stop: () => Promise<void>;
}

export async function startReceiver(certificate?: Certificate): Promise<Receiver> {
  const received: Received[] = [];
  const next: Receiver['next'] = [];
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
      const answer: Receiver['next'][number] = next.shift() ?? { status: 204 };
      if (answer === 'hang') return;
      response.writeHead(answer.status, answer.headers);
      if (answer.endless === true) response.write(answer.body);
      else response.end(answer.body);
    });
  };
  const server =
    certificate === undefined
      ? createServer(serve)
      : createTlsServer(
          { cert: readFileSync(certificate.certificateFile), key: readFileSync(certificate.keyFile) },
          serve,
        );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on no port');
  return {
    url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}`,
    received,
    next,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
