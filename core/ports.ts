import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { FaascamError, systemCodeOf } from './errors.ts';

/** A TCP port that is free on `host` right now. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  return await bind(0, host);
}

/** A UDP port that is free on loopback right now. */
export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** Throws `FaascamError` `port-in-use` when something else listens on the port, naming `what` wanted it. */
export async function requirePort(port: number, host: string, what: string): Promise<void> {
  try {
    await bind(port, host);
  } catch (cause) {
    const taken = systemCodeOf(cause) === 'EADDRINUSE';
    throw new FaascamError(
      taken ? 'port-in-use' : 'port-refused',
      taken
        ? `Port ${port} for ${what} is in use on ${host}: stop the other program or choose another port.`
        : `Port ${port} on ${host} cannot be opened for ${what}: ${systemCodeOf(cause) ?? 'refused'}.`,
      { cause },
    );
  }
}

function bind(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('no address'));
      });
    });
  });
}
