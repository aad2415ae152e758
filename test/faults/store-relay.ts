import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

/** How the store behaves. `answer`: says this status to everything. */
export type StoreMood =
  | { kind: 'well' }
  | { kind: 'answer'; status: 500 | 503 }
  | { kind: 'slow'; bytesPerSecond: number }
  /** Takes half an upload and hangs up. */
  | { kind: 'half' }
  /** Takes an upload whole, and hangs up instead of answering. */
  | { kind: 'mute' };

export interface StoreRelay {
  endpoint: string;
  mood: StoreMood;
  /** Requests that the mood has spoilt. */
  spoilt: number;
  /** How often the server has taken an object as new, by its path. */
  readonly taken: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** Stands before an S3 server on loopback, and spoils what clients ask of it as `mood` says. */
export async function startStoreRelay(targetPort: number): Promise<StoreRelay> {
  const taken = new Map<string, number>();
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { mood } = self;
    const upload = incoming.method === 'PUT' || incoming.method === 'POST';
    if (mood.kind === 'answer') {
      self.spoilt += 1;
      incoming.resume();
      outgoing.writeHead(mood.status, { 'content-type': 'application/xml', connection: 'close' });
      outgoing.end(`<Error><Code>${mood.status === 500 ? 'InternalError' : 'SlowDown'}</Code></Error>`);
      return;
    }
    const forwarded = request({
      host: '127.0.0.1',
      port: targetPort,
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      // As they are, the host too: they are signed.
      headers: incoming.rawHeaders,
      agent: false,
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      forwarded.once('response', resolve);
      forwarded.once('error', reject);
    });
    answered.catch(() => undefined);
    const sizeBytes = Number(incoming.headers['content-length'] ?? 0);
    let passed = 0;
    for await (const chunk of incoming) {
      if (!Buffer.isBuffer(chunk)) continue;
      passed += chunk.length;
      if (upload && mood.kind === 'half' && passed > sizeBytes / 2) {
        self.spoilt += 1;
        forwarded.write(chunk.subarray(0, Math.floor(chunk.length / 2)));
        await wait(50);
        forwarded.destroy();
        outgoing.destroy();
        return;
      }
      if (upload && mood.kind === 'slow') {
        self.spoilt += 1;
        await wait((chunk.length / mood.bytesPerSecond) * 1000);
      }
      if (!forwarded.write(chunk)) await once(forwarded, 'drain');
    }
    forwarded.end();
    const answer = await answered;
    const path = (incoming.url ?? '').split('?', 1)[0] ?? '';
    if (upload && answer.statusCode === 200) taken.set(path, (taken.get(path) ?? 0) + 1);
    if (upload && mood.kind === 'mute') {
      self.spoilt += 1;
      answer.resume();
      outgoing.destroy();
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
    answer.pipe(outgoing);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const self: StoreRelay = {
    endpoint: `http://127.0.0.1:${port}`,
    mood: { kind: 'well' },
    spoilt: 0,
    taken,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return self;
}
