import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { FaascamError, systemCodeOf } from './errors.ts';

/**
 * What is told as free is used a moment later. Out of the ports that systems take for outgoing connections (Linux: from 32768
 * on; RFC 6335: from 49152 on) any connection may have taken it by then.
 */
const [FIRST, LAST] = [20_000, 32_767];
const TRIES = 50;

/** A TCP port that is free on `host` right now. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  return await freeOf((port) => bind(port, host));
}

/** A UDP port that is free on loopback right now. */
export async function freeUdpPort(): Promise<number> {
  return await freeOf(bindUdp);
}

/** A port at random that can be bound; `bound` rejects where it cannot. */
async function freeOf(bound: (port: number) => Promise<number>): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    try {
      return await bound(randomInt(FIRST, LAST + 1));
    } catch (error) {
      if (systemCodeOf(error) !== 'EADDRINUSE') throw error;
    }
  }
  return await bound(0);
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

function bindUdp(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind(port, '127.0.0.1', () => {
      const { port: bound } = socket.address();
      socket.close(() => resolve(bound));
    });
  });
}
