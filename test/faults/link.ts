import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlink } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The network between the agent and the broker. */
export interface Link {
  readonly description: string;
  /** Where the agent finds the broker. */
  readonly host: string;
  readonly port: number;
  /** What the agent's command begins with. */
  readonly within: readonly string[];
  /** Nothing gets through any more, and nobody is told. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  close(): Promise<void>;
}

const BROKER = '10.99.0.1';
const AGENT = '10.99.0.2';

/** A network of the agent's own, with one cable to the broker's. Needs a sandbox with namespaces. */
export async function cable(brokerPort: number): Promise<Link> {
  // A namespace lives as long as a process is in it.
  const holder = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = once(holder, 'exit');
  const pid = holder.pid ?? 0;
  await entered(pid);
  const ip = (...args: string[]) => run('ip', args);
  const inside = ['nsenter', `--net=/proc/${pid}/ns/net`];
  const ipInside = (...args: string[]) => run('nsenter', [...inside.slice(1), 'ip', ...args]);
  await ip('link', 'add', 'broker', 'type', 'veth', 'peer', 'name', 'agent');
  await ip('link', 'set', 'agent', 'netns', String(pid));
  await ip('addr', 'add', `${BROKER}/24`, 'dev', 'broker');
  await ip('link', 'set', 'broker', 'up');
  await ipInside('addr', 'add', `${AGENT}/24`, 'dev', 'agent');
  await ipInside('link', 'set', 'agent', 'up');
  await ipInside('link', 'set', 'lo', 'up');
  return {
    description: 'a network namespace of the agent’s own, and a cable that is pulled out at the broker’s end',
    host: BROKER,
    port: brokerPort,
    within: inside,
    cut: async () => {
      await ip('link', 'set', 'broker', 'down');
    },
    mend: async () => {
      await ip('link', 'set', 'broker', 'up');
    },
    close: async () => {
      holder.stdin.end();
      await ended;
    },
  };
}

async function entered(pid: number): Promise<void> {
  const own = await readlink('/proc/self/ns/net');
  while ((await readlink(`/proc/${pid}/ns/net`)) === own)
    await new Promise((resolve) => setImmediate(resolve));
}

/** A TCP relay that stops passing bytes on: what can be had without namespaces. */
export async function relay(brokerPort: number): Promise<Link> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((agent) => {
    const broker = connect(brokerPort, '127.0.0.1');
    for (const [from, to] of [
      [agent, broker],
      [broker, agent],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => {
        if (!to.write(bytes)) from.pause();
      });
      to.on('drain', () => {
        if (!isCut) from.resume();
      });
      from.on('error', () => undefined);
      from.once('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      if (isCut) from.pause();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    description: 'a TCP proxy in the middle that stops passing bytes on',
    host: '127.0.0.1',
    port: typeof address === 'object' && address !== null ? address.port : 0,
    within: [],
    cut: () => {
      isCut = true;
      for (const socket of sockets) socket.pause();
      return Promise.resolve();
    },
    mend: () => {
      isCut = false;
      for (const socket of sockets) socket.resume();
      return Promise.resolve();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
