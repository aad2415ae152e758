import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** A link to a server on loopback that can be narrow, and cut. */
export interface TestLink {
  readonly port: number;
  /** Bytes that went to the server so far. */
  readonly sentBytes: number;
  /** Cuts all connections once so many more bytes went to the server. New ones are served. */
  cutAfter(bytes: number): void;
  close(): Promise<void>;
}

const STEP_MS = 20;

/** `bytesPerSecond` to the server, both ways unlimited without; what is too much waits at the sender. */
export async function openLink(options: { to: number; bytesPerSecond?: number }): Promise<TestLink> {
  const sockets = new Set<Socket>();
  let sentBytes = 0;
  let cutAt = Infinity;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const pass = (chunk: Buffer, server: Socket): void => {
    const left = cutAt - sentBytes;
    server.write(chunk.subarray(0, Math.max(0, Math.min(left, chunk.length))));
    sentBytes += Math.min(left, chunk.length);
    if (left > chunk.length) return;
    cutAt = Infinity;
    cut();
  };
  const perStep = ((options.bytesPerSecond ?? 0) * STEP_MS) / 1000;
  const listener = createServer({ highWaterMark: perStep === 0 ? 65_536 : Math.ceil(perStep) }, (client) => {
    const server = connect(options.to, '127.0.0.1');
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    server.on('data', (chunk: Buffer) => client.write(chunk));
    client.on('data', (chunk: Buffer) => {
      pass(chunk, server);
      if (perStep === 0) return;
      client.pause();
      setTimeout(() => client.resume(), (chunk.length / perStep) * STEP_MS);
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(listener.address()),
    get sentBytes() {
      return sentBytes;
    },
    cutAfter: (bytes) => (cutAt = sentBytes + bytes),
    close: async () => {
      cut();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the link does not listen');
  return address.port;
}
