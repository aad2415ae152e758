import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface HttpCameraOptions {
  /** With a user, the camera wants this authentication. */
  login?: { user: string; password: string; scheme: 'basic' | 'digest'; algorithm?: 'MD5' | 'SHA-256' };
  /** What it serves, by path without query. Everything else is 404. */
  routes: Record<string, (request: IncomingMessage, response: ServerResponse) => void | Promise<void>>;
}

export interface HttpCamera {
  port: number;
  /** `http://user:password@127.0.0.1:PORT`, or without a login. */
  origin: string;
  /** The requests that it served (not those it refused), as `GET /path?query`. */
  served: string[];
  /** Requests that were being answered at the same time, at most. */
  mostAtOnce: number;
  /** Changes the password, or the scheme. */
  login: HttpCameraOptions['login'];
  stop(): Promise<void>;
}

/** Starts a web camera on loopback. The caller stops it. */
export async function startHttpCamera(options: HttpCameraOptions): Promise<HttpCamera> {
  const nonce = randomBytes(12).toString('hex');
  const sockets = new Set<Socket>();
  let atOnce = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const challenge = refusal(camera.login, request, nonce);
    if (challenge !== undefined) {
      response.writeHead(401, { 'www-authenticate': challenge }).end('who are you?');
      return;
    }
    const path = new URL(request.url ?? '/', 'http://camera').pathname;
    const route = options.routes[path];
    camera.served.push(`${request.method ?? ''} ${request.url ?? ''}`);
    atOnce += 1;
    camera.mostAtOnce = Math.max(camera.mostAtOnce, atOnce);
    response.once('close', () => (atOnce -= 1));
    if (route === undefined) response.writeHead(404).end('no such page');
    else await route(request, response);
  };
  const server: Server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const login = options.login;
  const userInfo =
    login === undefined ? '' : `${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@`;
  const camera: HttpCamera = {
    port,
    origin: `http://${userInfo}127.0.0.1:${port}`,
    served: [],
    mostAtOnce: 0,
    login,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return camera;
}

/** A response of pictures one after the other, as web cameras send them, until the client hangs up. */
export function sendMultipart(
  response: ServerResponse,
  jpegs: readonly Buffer[],
  options: { everyMs: number; lengths?: boolean },
): void {
  response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=picture' });
  let index = 0;
  const send = (): void => {
    const jpeg = jpegs[index % jpegs.length] ?? Buffer.alloc(0);
    index += 1;
    const length = options.lengths === false ? '' : `Content-Length: ${jpeg.length}\r\n`;
    response.write(`--picture\r\nContent-Type: image/jpeg\r\n${length}\r\n`);
    response.write(jpeg);
    response.write('\r\n');
  };
  send();
  const timer = setInterval(send, options.everyMs);
  response.once('close', () => clearInterval(timer));
}

/** The `WWW-Authenticate` for a request that is not let in; undefined for one that is. */
function refusal(
  login: HttpCameraOptions['login'],
  request: IncomingMessage,
  nonce: string,
): string | undefined {
  if (login === undefined) return undefined;
  const given = request.headers.authorization ?? '';
  if (login.scheme === 'basic') {
    const wanted = `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
    return given === wanted ? undefined : 'Basic realm="camera"';
  }
  const algorithm = login.algorithm ?? 'MD5';
  const challenge = `Digest realm="camera, back yard", qop="auth", algorithm=${algorithm}, nonce="${nonce}", opaque="x"`;
  const hash = (text: string): string =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const field = (name: string): string => new RegExp(`[ ,]${name}="?([^",]*)`).exec(given)?.[1] ?? '';
  const secret = hash(`${login.user}:camera, back yard:${login.password}`);
  const asked = hash(`${request.method ?? ''}:${request.url ?? ''}`);
  const wanted = hash([secret, nonce, field('nc'), field('cnonce'), field('qop'), asked].join(':'));
  return given.startsWith('Digest ') && field('response') === wanted ? undefined : challenge;
}
