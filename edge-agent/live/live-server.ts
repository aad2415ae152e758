import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Duplex } from 'node:stream';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { WebSocketServer } from 'ws';
import { z } from 'zod';
import { messageOf } from '@faascam/core/errors';
import { cameraId } from '@faascam/core/ids';
import type { LiveSettings } from '@faascam/core/live-settings';
import type { Logger } from '@faascam/core/log';
import { headers as ours } from '@faascam/core/subjects';
import { HlsStreams } from '../restream/hls-stream.ts';
import { admit } from './live-admission.ts';
import type { LiveCameras } from './live-cameras.ts';
import { LiveRefusal } from './live-refusal.ts';
import { MJPEG_TYPE, MjpegViewer } from './mjpeg-viewer.ts';
import { MseViewer } from './mse-viewer.ts';

const OFFER_BYTES = 64_000;
/** A browser that sends its head or its offer slower than this is none. */
const REQUEST_MS = 10_000;
/** A viewer whose network has gone without a word does not answer a ping. */
const PING_MS = 15_000;
const METHODS = 'GET, POST, PATCH, DELETE, OPTIONS';

const params = z.object({ camera: cameraId, session: z.uuid().optional() });
const query = z.object({ token: z.string().max(500).optional() });

/**
 * The agent's HTTP server for those who watch: `/cameras/<id>/whep`, `mse`, `hls/index.m3u8`, `stream.mjpeg`, `frame.jpg`, each with a token.
 * `close` ends it.
 */
export class LiveServer {
  readonly #settings: LiveSettings;
  readonly #cameras: LiveCameras;
  readonly #log: Logger;
  readonly #http: FastifyInstance;
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: 1024, perMessageDeflate: false });
  readonly #mjpegViewers = new Set<MjpegViewer>();
  /** Whatever asked to become a WebSocket: the HTTP server knows of it no more, and its time limits do not count for it. */
  readonly #upgraded = new Set<Duplex>();
  readonly #hls = new HlsStreams();
  readonly #pings: NodeJS.Timeout;

  private constructor(settings: LiveSettings, cameras: LiveCameras, log: Logger) {
    this.#settings = settings;
    this.#cameras = cameras;
    this.#log = log;
    // No log of requests: their addresses hold tokens.
    this.#http = fastify({ bodyLimit: OFFER_BYTES, requestTimeout: REQUEST_MS, forceCloseConnections: true });
    this.#routes();
    this.#http.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#upgrade(request, socket, head);
    });
    this.#pings = setInterval(() => this.#ping(), PING_MS);
  }

  /** Rejects with a system error when the port cannot be had. */
  static async listen(settings: LiveSettings, cameras: LiveCameras, log: Logger): Promise<LiveServer> {
    const server = new LiveServer(settings, cameras, log);
    try {
      await server.#http.listen({ host: settings.host, port: settings.port });
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  /** How browsers reach it. */
  get url(): string {
    const { publicUrl, host } = this.#settings;
    if (publicUrl !== '') return publicUrl.replace(/\/+$/, '');
    const address = this.#http.server.address();
    const { port } =
      typeof address === 'object' && address !== null
        ? address
        : ({ port: 0 } satisfies Pick<AddressInfo, 'port'>);
    const everywhere = host === '0.0.0.0' || host === '::';
    const name = everywhere ? (firstAddress() ?? '127.0.0.1') : host;
    return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
  }

  async close(): Promise<void> {
    clearInterval(this.#pings);
    for (const socket of this.#upgraded) socket.destroy();
    this.#sockets.close();
    for (const viewer of this.#mjpegViewers) viewer.close();
    this.#hls.close();
    await this.#http.close();
  }

  #routes(): void {
    const http = this.#http;
    http.addContentTypeParser(
      ['application/sdp', 'application/trickle-ice-sdpfrag'],
      { parseAs: 'string' },
      (_request, body, done) => {
        done(null, body);
      },
    );
    http.addHook('onRequest', (request, reply, done) => {
      reply.headers(this.#crossOrigin(request.headers.origin));
      reply.headers({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      });
      done();
    });
    http.setErrorHandler((error, request, reply) => this.#refuse(error, request, reply));
    http.setNotFoundHandler((_request, reply) =>
      reply.code(404).send({ error: 'There is nothing at this address.', code: 'not-found' }),
    );
    http.options('/*', (_request, reply) => reply.code(204).send());
    http.post('/cameras/:camera/whep', (request, reply) => this.#offer(request, reply));
    http.patch('/cameras/:camera/whep/:session', async (request, reply) => {
      const { session = '' } = params.parse(request.params);
      if (!(await this.#cameras.webRtc.addCandidates(session, sdpOf(request)))) throw noSession();
      return await reply.code(204).send();
    });
    http.delete('/cameras/:camera/whep/:session', (request, reply) => {
      const { session = '' } = params.parse(request.params);
      if (!this.#cameras.webRtc.end(session)) throw noSession();
      return reply.code(200).send();
    });
    http.get('/cameras/:camera/mse', (request) => {
      this.#admitted(request);
      throw new LiveRefusal(426, 'no-websocket', 'This address is a WebSocket.');
    });
    // Of its own: fastify's would serve a viewer who sees nothing, and never end.
    http.head('/cameras/:camera/stream.mjpeg', (request, reply) => {
      this.#cameras.tapOf(this.#admitted(request));
      return reply.type(MJPEG_TYPE).send();
    });
    http.get('/cameras/:camera/stream.mjpeg', (request, reply) =>
      this.#mjpeg(this.#admitted(request), reply),
    );
    http.get('/cameras/:camera/hls/:name', async (request, reply) => {
      const tap = this.#cameras.tapOf(this.#admitted(request));
      const { pathname, searchParams } = new URL(request.url, 'http://agent');
      const { type, body } = await this.#hls.answer(tap, pathname.split('/').at(-1) ?? '', searchParams);
      return await reply.type(type).send(body);
    });
    http.get('/cameras/:camera/frame.jpg', async (request, reply) => {
      const { jpeg, capturedAtUs } = await this.#cameras.picture(this.#admitted(request));
      if (capturedAtUs !== undefined) reply.header(ours.capturedAt, capturedAtUs);
      return await reply.type('image/jpeg').send(jpeg);
    });
  }

  /** The camera that the request may watch. Throws `LiveRefusal`. */
  #admitted({
    params: path,
    query: search,
    headers,
  }: Pick<FastifyRequest, 'params' | 'query' | 'headers'>): string {
    const { camera } = params.parse(path);
    const { token } = query.parse(search);
    admit(this.#settings, camera, { authorization: headers.authorization, token }, Date.now() / 1000);
    return camera;
  }

  async #offer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const camera = this.#admitted(request);
    const { session, sdp } = await this.#cameras.offer(camera, sdpOf(request));
    // Told to nobody else, it is what later requests show for themselves.
    const location = `${new URL(this.url).pathname.replace(/\/$/, '')}/cameras/${camera}/whep/${session}`;
    return await reply.code(201).header('location', location).type('application/sdp').send(sdp);
  }

  #mjpeg(camera: string, reply: FastifyReply): FastifyReply {
    const pictures = this.#cameras.picturesOf(camera);
    const leaveServer = this.#cameras.enter();
    reply.hijack();
    const response = reply.raw;
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) response.setHeader(name, value);
    const viewer = new MjpegViewer(response);
    this.#mjpegViewers.add(viewer);
    const leave = pictures.subscribe((picture) => viewer.show(picture));
    response.once('close', () => {
      leave();
      leaveServer();
      this.#mjpegViewers.delete(viewer);
    });
    return reply;
  }

  /** Must not throw: nothing above it would catch that, and the recording would end with the agent. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#upgraded.add(socket);
    socket.once('close', () => this.#upgraded.delete(socket));
    socket.on('error', () => undefined);
    try {
      const url = urlOf(request);
      const [, camera] = /^\/cameras\/([^/]+)\/mse$/.exec(url.pathname) ?? [];
      if (camera === undefined) throw new LiveRefusal(404, 'not-found', 'There is nothing at this address.');
      const { origin } = request.headers;
      if (origin !== undefined && this.#crossOrigin(origin)['access-control-allow-origin'] === undefined)
        throw new LiveRefusal(403, 'origin', 'This page may not watch: live.origins does not name it.');
      const token = url.searchParams.get('token');
      const sound = url.searchParams.get('sound') === 'true';
      const admitted = this.#admitted({
        ...{ params: { camera }, headers: request.headers },
        query: token === null ? {} : { token },
      });
      const tap = this.#cameras.tapOf(admitted);
      const leaveServer = this.#cameras.enter();
      socket.once('close', leaveServer);
      this.#sockets.handleUpgrade(request, socket, head, (client) => {
        const leave = tap.subscribe(new MseViewer(client, admitted, { sound }));
        client.on('error', () => undefined);
        client.once('close', leave);
        client.on('pong', () => this.#silent.delete(client));
      });
    } catch (error) {
      const { status, body } = this.#answerTo(error, '/cameras/:camera/mse');
      const text = JSON.stringify(body);
      // Ended alone, it would stay half open until the other side ends too, which nothing makes it do.
      socket.once('finish', () => socket.destroy());
      socket.end(
        `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
      );
    }
  }

  readonly #silent = new WeakSet<object>();

  #ping(): void {
    for (const viewer of this.#mjpegViewers) viewer.letGoIfGone();
    for (const client of this.#sockets.clients) {
      if (this.#silent.has(client)) client.terminate();
      this.#silent.add(client);
      client.ping();
    }
  }

  #crossOrigin(origin: string | undefined): Record<string, string> {
    const { origins } = this.#settings;
    const allowed = origins.includes('*') ? '*' : origins.find((each) => each === origin);
    return {
      ...{ vary: 'Origin', 'cross-origin-resource-policy': 'cross-origin' },
      ...(allowed === undefined
        ? {}
        : {
            'access-control-allow-origin': allowed,
            'access-control-allow-methods': METHODS,
            'access-control-allow-headers': 'Authorization, Content-Type, If-Match, If-None-Match',
            'access-control-expose-headers': `Location, ${ours.capturedAt}`,
            'access-control-allow-private-network': 'true',
            'access-control-max-age': '600',
          }),
    };
  }

  #refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { status, body } = this.#answerTo(error, request.routeOptions.url);
    if (status === 401) reply.header('www-authenticate', 'Bearer');
    return reply.code(status).send(body);
  }

  #answerTo(error: unknown, route: string | undefined): Answer {
    const answer = answerTo(error);
    if (answer.status === 500) this.#log.error({ route, err: error }, 'a live view could not be served');
    return answer;
  }
}

interface Answer {
  status: number;
  body: { error: string; code: string };
}

/** What went wrong, for whoever asked. */
function answerTo(error: unknown): Answer {
  if (error instanceof LiveRefusal)
    return { status: error.status, body: { error: error.message, code: error.code } };
  if (error instanceof z.ZodError)
    return { status: 400, body: { error: 'The address names no camera or token.', code: 'bad-request' } };
  if (
    error instanceof Error &&
    'statusCode' in error &&
    typeof error.statusCode === 'number' &&
    error.statusCode < 500
  )
    return { status: error.statusCode, body: { error: messageOf(error), code: 'bad-request' } };
  return { status: 500, body: { error: 'The agent failed to show this; its log says why.', code: 'failed' } };
}

/** Throws `LiveRefusal` for what is no address, such as `//`. */
function urlOf({ url = '/' }: IncomingMessage): URL {
  if (URL.canParse(url, 'http://agent')) return new URL(url, 'http://agent');
  throw new LiveRefusal(400, 'bad-request', 'The request names no address.');
}

function noSession(): LiveRefusal {
  return new LiveRefusal(404, 'no-session', 'There is no such WebRTC session, or it has ended.');
}

function sdpOf({ body }: FastifyRequest): string {
  if (typeof body === 'string') return body;
  throw new LiveRefusal(415, 'no-sdp', 'Send SDP, as application/sdp.');
}

function firstAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
}
