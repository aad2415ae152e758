import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { createHash } from 'node:crypto';
import type { FunctionContext, FunctionHandler } from '@faascam/core/function';
import { eventIdOf, eventKey } from '@faascam/core/ids';
import type { Manifest } from '@faascam/core/clip-messages';
import type { ObjectStore } from '@faascam/core/store';

/** For the tests: events in a store as the clip function leaves them, and a host for the handler. */
export interface EventFixture {
  camera: string;
  startUs: number;
  endUs?: number;
  labels?: string[];
  score?: number;
  demo?: boolean;
  gaps?: Manifest['gaps'];
  videoCodec?: string;
  clip?: Buffer;
  clipMs?: number;
  snapshot?: Buffer;
  /** The snapshot without boxes and labels. */
  clean?: Buffer;
  /** What the event tells of itself beside. */
  told?: Partial<Manifest['event']>;
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export function manifestOf(fixture: EventFixture): Manifest {
  const { camera, startUs, endUs = startUs + 4_000_000, labels = ['person'], score = 0.91 } = fixture;
  const id = eventIdOf(camera, startUs);
  const { gaps = [], clip, snapshot, clean } = fixture;
  const requested = { fromUs: startUs - 5_000_000, toUs: endUs + 5_000_000 };
  const objects = labels.map((label) => ({
    label,
    score,
    box: [0.4, 0.4, 0.1, 0.3] satisfies [number, number, number, number],
  }));
  return {
    v: 1,
    event: {
      v: 1,
      id,
      camera,
      phase: 'end',
      startUs,
      endUs,
      labels,
      tracks: labels.map((label, index) => ({
        id: index,
        label,
        startUs,
        endUs,
        hits: 20,
        medianScore: score,
        best: { atUs: startUs, score, box: [0.4, 0.4, 0.1, 0.3] },
      })),
      zones: [],
      bestScore: score,
      best: { atUs: startUs, objects },
      model: { name: 'test-model', sha256: 'a'.repeat(64), demo: fixture.demo ?? false },
      endReason: 'left',
      ...fixture.told,
    },
    agent: 'host',
    requested,
    delivered: requested,
    complete: gaps.length === 0,
    gaps,
    segments: [],
    ...(clip === undefined
      ? {}
      : {
          clip: {
            key: eventKey(id, 'clip.mp4'),
            sha256: digest(clip),
            sizeBytes: clip.length,
            durationMs: fixture.clipMs ?? (requested.toUs - requested.fromUs) / 1000,
            video: { codec: fixture.videoCodec ?? 'h264', width: 1280, height: 720, packets: 350 },
          },
        }),
    ...(snapshot === undefined
      ? {}
      : {
          snapshot: {
            key: eventKey(id, 'snapshot.jpg'),
            ...(clean === undefined ? {} : { cleanKey: eventKey(id, 'snapshot-clean.jpg') }),
            atUs: startUs,
            width: 1280,
            height: 720,
            objects,
          },
        }),
    storedAtUs: endUs + 8_000_000,
    software: 'faascam/test',
  };
}

/** Stores the event's objects, the manifest last, and gives its id. */
export async function storeEvent(store: ObjectStore, fixture: EventFixture): Promise<string> {
  const manifest = manifestOf(fixture);
  const { id } = manifest.event;
  if (fixture.clip) await store.put(eventKey(id, 'clip.mp4'), fixture.clip, { contentType: 'video/mp4' });
  if (fixture.snapshot) {
    await store.put(eventKey(id, 'snapshot.jpg'), fixture.snapshot, { contentType: 'image/jpeg' });
  }
  if (fixture.clean) {
    await store.put(eventKey(id, 'snapshot-clean.jpg'), fixture.clean, { contentType: 'image/jpeg' });
  }
  const json = Buffer.from(JSON.stringify(manifest));
  await store.put(eventKey(id, 'event.json'), json, { contentType: 'application/json' });
  return id;
}

class HostContext implements FunctionContext {
  code = 200;
  values: Record<string, string> = {};
  body: unknown;

  status(code?: number): this {
    this.code = code ?? this.code;
    return this;
  }

  headers(values?: Record<string, string>): this {
    this.values = values ?? this.values;
    return this;
  }

  succeed(value?: unknown): this {
    this.body = value;
    return this;
  }

  fail(value?: unknown): this {
    this.code = 500;
    this.body = String(value);
    return this;
  }
}

export interface HandlerHost {
  url: string;
  stop(): Promise<void>;
}

/** Serves the handler at a prefix, which it does not see, as the OpenFaaS gateway does. */
export async function hostHandler(handler: FunctionHandler, prefix = '', port = 0): Promise<HandlerHost> {
  const server: Server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://host');
    const query: Record<string, string | string[]> = {};
    for (const name of searchParams.keys()) {
      const values = searchParams.getAll(name);
      query[name] = values.length === 1 ? (values[0] ?? '') : values;
    }
    const context = new HostContext();
    const event = {
      body: Buffer.alloc(0),
      headers: request.headers,
      method: request.method ?? 'GET',
      query,
      path: pathname.startsWith(prefix) ? pathname.slice(prefix.length) : pathname,
    };
    void handler(event, context).then(
      async () => {
        response.writeHead(context.code, context.values);
        // A browser breaks off what it has seen enough of; then there is nobody to tell.
        if (context.body instanceof Readable) await pipeline(context.body, response).catch(() => undefined);
        else if (typeof context.body === 'string' || Buffer.isBuffer(context.body))
          response.end(context.body);
        else response.end();
      },
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const bound = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    url: `http://127.0.0.1:${bound}${prefix}/`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
