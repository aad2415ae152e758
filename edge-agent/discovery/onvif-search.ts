import { randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { systemClock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import { camerasIn, probeMessage, type OnvifCamera } from './ws-discovery.ts';

export interface OnvifSearchOptions {
  /** How long answers are waited for. Cameras answer within a second, slow ones within three. */
  timeoutMs: number;
  signal: AbortSignal;
  /** Own addresses from which is asked. Default: each IPv4 address of this host but loopback. */
  from?: string[];
  /** Who is asked. Default: every camera in the local network. */
  target?: { host: string; port: number };
}

export interface OnvifSearch {
  /** In the order in which they first answered. */
  cameras: OnvifCamera[];
  /** The own addresses from which was asked. */
  askedFrom: string[];
  /** A sentence for each network that could not be asked. */
  faults: string[];
}

const EVERYONE = { host: '239.255.255.250', port: 3702 };
/** UDP loses messages, and multicast over Wi-Fi many: the question is asked again. */
const ASK_AT_MS = [0, 300, 1000];
/** Nobody has more cameras in one network; a stranger may invent more. */
const MOST_CAMERAS = 1000;

/**
 * Asks the local networks for ONVIF cameras (WS-Discovery). Resolves after the time given with whoever answered, each
 * camera once; rejects only with the signal's reason.
 */
export async function searchOnvif(options: OnvifSearchOptions): Promise<OnvifSearch> {
  const { signal, target = EVERYONE } = options;
  signal.throwIfAborted();
  const found = new Map<string, OnvifCamera>();
  const faults: string[] = [];
  const question = Buffer.from(probeMessage(randomUUID()));
  const askedFrom = options.from ?? ownAddresses();
  const sockets = await Promise.all(
    askedFrom.map(async (address) => {
      const socket = createSocket({ type: 'udp4', reuseAddr: true });
      const fault = (error: unknown): void => {
        const sentence = `Cameras could not be asked for from ${address}: ${messageOf(error)}.`;
        if (!faults.includes(sentence)) faults.push(sentence);
      };
      socket.on('message', (message, { address: sender }) => {
        for (const camera of camerasIn(message, sender)) {
          if (!found.has(camera.endpoint) && found.size < MOST_CAMERAS) found.set(camera.endpoint, camera);
        }
      });
      try {
        socket.bind(0, address);
        await once(socket, 'listening');
        socket.setMulticastInterface(address);
      } catch (error) {
        fault(error);
        socket.close();
        return [];
      }
      socket.on('error', fault);
      return [{ socket, fault }];
    }),
  );
  try {
    let waitedMs = 0;
    for (const atMs of [...ASK_AT_MS.filter((ms) => ms < options.timeoutMs), options.timeoutMs]) {
      await systemClock.sleep(atMs - waitedMs, signal);
      waitedMs = atMs;
      if (atMs === options.timeoutMs) break;
      for (const { socket, fault } of sockets.flat()) ask(socket, question, target, fault);
    }
  } finally {
    for (const { socket } of sockets.flat()) socket.close();
  }
  return { cameras: [...found.values()], askedFrom, faults };
}

function ask(
  socket: Socket,
  question: Buffer,
  { host, port }: { host: string; port: number },
  fault: (error: unknown) => void,
): void {
  try {
    socket.send(question, port, host, (error) => {
      if (error !== null) fault(error);
    });
  } catch (error) {
    fault(error);
  }
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
}
