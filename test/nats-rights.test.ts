import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { headers as newHeaders, PermissionViolationError } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { passwordHash } from '@faascam/viewer/auth/password';
import { newToken } from '@faascam/viewer/auth/token';
import { usersText } from '@faascam/viewer/auth/users-file';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { consumerName } from '@faascam/connector/topics';
import { cameraSettings } from '@faascam/core/camera-settings';
import { createLogger } from '@faascam/core/log';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { freePort } from '@faascam/core/ports';
import { keepSubscription, listSubscriptions, removeSubscription } from '@faascam/core/push-subscriptions';
import { ensureSite } from '@faascam/core/site-buckets';
import { ProfileTeller } from '@faascam/edge-agent/profile-teller';
import { makeCertificate, type Certificate } from '@faascam/test-servers/certificates';
import { startGuardedNats, type GuardedNats } from '@faascam/test-servers/guarded-nats';
import { processesAbout, runFaascam, startFaascam, startProgram, type Running } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'faascam-rights-test-'));
const WAIT = { timeout: 200_000, interval: 200 };
/** Of the parts; what this process is refused on purpose is not worth a line. */
const LOUD = { FAASCAM_LOG: 'info' };
let certificate: Certificate;
let nats: GuardedNats;
let url: string;

const seedOf = (user: string): string => join(folder, 'secrets', `nats-${user}`);
const wayOf = (user: string) => ({
  ...{ url, nkeyFile: seedOf(user), caFile: certificate.caFile },
  identity: user,
});

beforeAll(async () => {
  vi.stubEnv('FAASCAM_LOG', 'silent');
  const made = await runFaascam([
    'nats-auth',
    folder,
    '--agent',
    'pi:yard',
    '--agent',
    'other:door',
    '--stream',
    'SENSORS',
  ]);
  expect(made, made.stderr).toMatchObject({ code: 0 });
  certificate = await makeCertificate(folder);
  nats = await startGuardedNats({ folder, certificate });
  url = `tls://127.0.0.1:${nats.port}`;
});

afterAll(async () => {
  await nats.stop();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const stack = z.looseObject({
  functions: z.record(z.string(), z.looseObject({ environment: z.record(z.string(), z.string()) })),
});
const checkout = new URL('../', import.meta.url);
const cameraList = z.object({ cameras: z.array(z.object({ id: z.string(), state: z.string() })) });
const motionLevels = z.object({ levels: z.array(z.number()) });
const eventList = z.object({ events: z.array(z.object({ id: z.string() })) });

/** stack.yml with the key of each function, as OpenFaaS would mount it as a secret. */
function stackFile(): string {
  const path = join(folder, 'stack.yml');
  const parsed = stack.parse(parse(readFileSync(new URL('stack.yml', checkout), 'utf8')));
  const functions = Object.entries(parsed.functions).map(
    ([name, spec]) =>
      [
        name,
        {
          ...spec,
          handler: new URL(`functions/${name}`, checkout).pathname,
          environment: { ...spec.environment, NATS_NKEY_FILE: seedOf(name) },
        },
      ] as const,
  );
  writeFileSync(path, stringify({ ...parsed, functions: Object.fromEntries(functions) }));
  return path;
}

it('a whole site with a user each gives an event with its clip, and nobody is refused anything', async () => {
  const gatewayPort = await freePort();
  const page = `http://127.0.0.1:${gatewayPort}/`;
  const shared = { ...LOUD, NATS_URL: url, NATS_CA_FILE: certificate.caFile, FAASCAM_DATA: folder };
  const admin = await connectNats(wayOf('admin'), 'test');
  const webhook = await startWebhook();
  const running: Running[] = [];
  try {
    const connector = startProgram(new URL('connector/dist/main.js', checkout).pathname, {
      ...shared,
      NATS_NKEY_FILE: seedOf('connector'),
      gateway_url: page,
    });
    running.push(connector);
    await vi.waitFor(async () => {
      const names = await admin.jsm.streams.names().next();
      expect(names).toEqual(expect.arrayContaining(['KV_agents', 'OBJ_segments']));
    }, WAIT);
    running.push(
      startProgram(new URL('local/dist/gateway/main.js', checkout).pathname, {
        ...shared,
        FAASCAM_STACK: stackFile(),
        FAASCAM_DETECT: JSON.stringify({ model: 'faascam-demo' }),
        FAASCAM_NOTIFY: JSON.stringify(toldTo(`http://127.0.0.1:${webhook.port}/`)),
        FAASCAM_VIEWER_OPEN: '1',
        GATEWAY_PORT: String(gatewayPort),
      }),
    );
    await connector.said(/every topic has its consumer/);
    const anna = { name: 'anna', role: 'admin', password: await passwordHash('password of anna') } as const;
    const { text: token, stored } = newToken({ name: 'test', scope: 'admin' });
    writeFileSync(join(folder, 'viewer-users.yml'), usersText({ users: [anna], tokens: [stored] }));
    const config = join(folder, 'faascam.yml');
    const key = { url, nkeyFile: 'secrets/nats-agent-pi', caFile: 'ca.pem' };
    writeFileSync(
      config,
      JSON.stringify({
        ...{ data: folder, agent: { id: 'pi' }, nats: key },
        cameras: { yard: { source: 'demo:' } },
      }),
    );
    running.push(startFaascam(['agent', '--config', config], LOUD));
    const asked = async (path: string): Promise<unknown> =>
      await (await fetch(new URL(path, page), { headers: { authorization: `Bearer ${token}` } })).json();
    await vi.waitFor(async () => {
      expect(eventList.parse(await asked('api/events')).events).not.toEqual([]);
    }, WAIT);
    expect(cameraList.parse(await asked('api/cameras')).cameras).toMatchObject([
      { id: 'yard', state: 'streaming' },
    ]);
    const login = await fetch(new URL('api/session', page), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'anna', password: 'password of anna' }),
    });
    expect(login.status).toBe(200);
    expect(await asked('api/sessions')).toMatchObject({ sessions: [{ user: 'anna' }] });
    expect(await asked('api/audit')).toMatchObject({ entries: [{ who: 'anna', what: 'login' }] });
    // What moves is kept for the timeline, by way of the motion function.
    await vi.waitFor(async () => {
      const window = `fromUs=${String(Date.now() - 3_600_000)}000&toUs=${String(Date.now() + 1)}000`;
      const { levels } = motionLevels.parse(await asked(`api/cameras/yard/motion?${window}`));
      expect(Math.max(...levels)).toBeGreaterThan(0);
    }, WAIT);
    expect(await asked('api/cameras/yard/profile')).toMatchObject({ camera: 'yard', zones: {} });
    const picture = await fetch(new URL('api/cameras/yard/frame.jpg', page), {
      headers: { authorization: `Bearer ${token}` },
    });
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    // Neither on a command line nor in an environment, where others of the host could see them.
    for (const user of ['agent-pi', 'connector', 'motion'])
      expect(processesAbout(readFileSync(seedOf(user), 'utf8').trim())).toEqual([]);
    const asReader = { NATS_NKEY_FILE: seedOf('reader'), NATS_CA_FILE: certificate.caFile };
    const told = await runFaascam(['events', '--nats', url, '--data', folder], asReader);
    expect(told.stdout, told.stderr).toMatch(/yard/);
    expect(told.stderr).toBe('');
    const verified = await runFaascam(
      [
        'verify',
        join(folder, 'clips'),
        '--live',
        '--nats',
        url,
        '--key',
        join(folder, 'evidence/agent-key.pub'),
      ],
      asReader,
    );
    expect(verified.stderr).toBe('');
    expect(verified.stdout).toMatch(/[1-9]\d* events?/);
    await vi.waitFor(() => {
      const told = webhook.posted.map((each) => toldWebhook.parse(each));
      for (const type of ['event.began', 'clip.stored'])
        expect(told).toContainEqual({ type, data: { event: { camera: 'yard' } } });
    }, WAIT);
    expect(await asked('api/push')).toEqual({ publicKey: expect.stringMatching(/^[\w-]{87}$/) as string });
  } finally {
    await webhook.stop();
    for (const each of running.reverse()) await each.stop('SIGTERM');
    await admin.nc.close();
  }
  const said = running.map((each) => each.output()).join('\n');
  expect(nats.refusals(), said).toEqual([]);
  expect(said).not.toMatch(/SU[A-Z2-7]{56}/);
}, 400_000);

/** Everything that the function notify can do with NATS. */
const toldTo = (url: string) => ({
  targets: {
    house: { kind: 'webhook', url, picture: 'inline' },
    phones: { kind: 'push', contact: 'mailto:somebody@example.org' },
    // Nobody is there, but what it would be told is looked up.
    broker: { kind: 'mqtt', url: 'mqtt://127.0.0.1:9', timeoutMs: 1000 },
  },
  rules: [
    { name: 'begun', to: ['house', 'phones'] },
    { name: 'stored', when: 'clip', to: ['house'] },
  ],
});

const toldWebhook = z.object({
  type: z.string(),
  data: z.object({ event: z.object({ camera: z.string() }) }),
});

/** A server that notes what is posted to it. */
async function startWebhook(): Promise<{ port: number; posted: unknown[]; stop: () => Promise<void> }> {
  const posted: unknown[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      posted.push(JSON.parse(Buffer.concat(chunks).toString()));
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on no port');
  return {
    port: address.port,
    posted,
    stop: async () => {
      server.closeAllConnections();
      await promisify(server.close.bind(server))();
    },
  };
}

/** Lets a user try something; answers what the server refused of it. */
async function refusalsOf(user: string, deed: (messaging: Messaging) => unknown): Promise<string[]> {
  const messaging = await connectNats(wayOf(user), 'test');
  const { nc } = messaging;
  const refusals: string[] = [];
  const watching = (async () => {
    for await (const status of nc.status()) {
      if (status.type === 'error' && status.error instanceof PermissionViolationError)
        refusals.push(`${status.error.operation} ${status.error.subject}`);
    }
  })();
  deed(messaging);
  // The server answers in order: what it refused it has said by then.
  await nc.flush();
  await nc.close();
  await watching;
  return refusals;
}

const publishing = (...subjects: string[]) => ({
  deed: ({ nc }: Messaging) => subjects.forEach((subject) => nc.publish(subject)),
  refused: subjects.map((subject) => `publish ${subject}`),
});
const hearing = (...subjects: string[]) => ({
  deed: ({ nc }: Messaging) => subjects.forEach((subject) => nc.subscribe(subject)),
  refused: subjects.map((subject) => `subscription ${subject}`),
});

describe('an agent', () => {
  it.each([
    [
      'sends no frames and offers no clips of another’s camera, nor says that its clips are stored',
      publishing('frames.door', 'clips.ready.door', 'clips.stored.door', 'clips.stored.yard'),
    ],
    [
      'invents no motion, detections, events or requests, also of its own camera',
      publishing(
        ...['motion.yard', 'detections.yard', 'tracks.yard', 'events.yard', 'clips.wanted.yard'],
        ...['deadletter.x', '$KV.activity.yard/2026-03-04T12'],
      ),
    ],
    [
      'says nothing in another agent’s name, and nothing of another’s camera',
      publishing('$KV.agents.other', '$KV.cameras.door', '$KV.tracks.yard', '$KV.motion.yard'),
    ],
    [
      'shows no other camera live, and asks no agent for live view',
      publishing('live.door', 'live.door.answer.x', 'control.live.door', 'control.live.yard'),
    ],
    [
      'hears what is asked of its own cameras live, and no pictures',
      hearing('control.live.door', 'control.live.*', 'live.yard', 'live.door'),
    ],
    [
      'hears neither other cameras nor answers to others',
      hearing('frames.>', 'clips.wanted.door', 'events.door', '_INBOX.>', '_INBOX.clip.>', '>'),
    ],
    [
      'reads neither pictures nor requests of another’s camera through a consumer',
      publishing(
        '$JS.API.CONSUMER.CREATE.FRAMES.x.frames.door',
        '$JS.API.CONSUMER.CREATE.CLIPS.x.clips.wanted.door',
        '$JS.API.CONSUMER.CREATE.CLIPS.x',
        '$JS.API.CONSUMER.MSG.NEXT.CLIPS.edge-agent-door',
        '$JS.API.STREAM.MSG.GET.FRAMES',
        '$JS.API.STREAM.MSG.GET.CLIPS',
      ),
    ],
    [
      'has nothing that it wrote sent on as it is, which could be in another’s name',
      publishing('$JS.API.DIRECT.GET.KV_agents.$KV.agents.pi', '$JS.API.DIRECT.GET.OBJ_segments'),
    ],
    [
      'changes no consumer of another, also not to what it may read itself',
      publishing(
        '$JS.API.CONSUMER.CREATE.CLIPS.edge-agent-door.clips.stored.yard',
        `$JS.API.CONSUMER.CREATE.CLIPS.${consumerName('clip', 'clips.ready.*')}.clips.stored.yard`,
      ),
    ],
    [
      'neither makes, changes, empties nor removes a stream, nor removes another’s consumer',
      publishing(
        '$JS.API.STREAM.CREATE.MINE',
        '$JS.API.STREAM.UPDATE.CLIPS',
        '$JS.API.STREAM.PURGE.CLIPS',
        '$JS.API.STREAM.PURGE.KV_agents',
        '$JS.API.STREAM.PURGE.KV_cameras',
        '$JS.API.STREAM.DELETE.CLIPS',
        '$JS.API.STREAM.DELETE.OBJ_segments',
        '$JS.API.CONSUMER.DELETE.CLIPS.edge-agent-door',
      ),
    ],
  ])('%s', async (_name, { deed, refused }) => {
    expect(await refusalsOf('agent-pi', deed)).toEqual(refused);
  });

  it('empties no bucket by what it writes there itself', async () => {
    const connector = await connectNats(wayOf('connector'), 'test');
    const [pi, other] = [
      await connectNats(wayOf('agent-pi'), 'test'),
      await connectNats(wayOf('agent-other'), 'test'),
    ];
    try {
      await ensureSite(connector);
      await other.js.publish('$KV.agents.other', 'well');
      const headers = newHeaders();
      headers.set('Nats-Rollup', 'all');
      await expect(pi.js.publish('$KV.agents.pi', 'alone', { headers })).rejects.toThrow(/rollup/i);
      const { state } = await other.jsm.streams.info('KV_agents', { subjects_filter: '>' });
      expect(Object.keys(state.subjects ?? {})).toContain('$KV.agents.other');
    } finally {
      for (const { nc } of [connector, pi, other]) await nc.close();
    }
  });

  it('tells how its cameras are to be looked at once the connector has made the bucket for it', async () => {
    const [admin, other, connector] = [
      await connectNats(wayOf('admin'), 'test'),
      await connectNats(wayOf('agent-other'), 'test'),
      await connectNats(wayOf('connector'), 'test'),
    ];
    const over = new AbortController();
    try {
      await ensureSite(connector);
      await admin.jsm.streams.delete('KV_cameras');
      const teller = new ProfileTeller({ messaging: other }, createLogger('test'), over.signal);
      await teller.tell({ door: cameraSettings.parse({ source: 'file:a.mp4' }) });
      await expect(admin.jsm.streams.info('KV_cameras')).rejects.toThrow(/not found/);
      await ensureSite(connector);
      await vi.waitFor(async () => {
        const { state } = await admin.jsm.streams.info('KV_cameras', { subjects_filter: '>' });
        expect(Object.keys(state.subjects ?? {})).toEqual(['$KV.cameras.door']);
      }, WAIT);
    } finally {
      over.abort();
      for (const { nc } of [admin, other, connector]) await nc.close();
    }
  }, 250_000);

  it('may do with its own camera what it may not with another’s', async () => {
    const { deed } = publishing('frames.yard', 'clips.ready.yard', '$KV.agents.pi', '$KV.cameras.yard');
    expect(await refusalsOf('agent-pi', deed)).toEqual([]);
    expect(await refusalsOf('agent-other', hearing('events.door').deed)).toEqual([]);
  });
});

it.each([
  [
    'viewer',
    publishing(
      'events.yard',
      'clips.stored.yard',
      '$KV.agents.pi',
      '$KV.notify.yard',
      '$JS.API.STREAM.DELETE.EVENTS',
      '$JS.API.STREAM.PURGE.KV_notify',
      '$JS.API.STREAM.PURGE.KV_agents',
    ),
  ],
  [
    'motion',
    publishing(
      'frames.yard',
      'detections.yard',
      'events.yard',
      '$KV.tracks.yard',
      '$KV.sessions.theirs',
      'audit.viewer',
    ),
  ],
  ['detect', publishing('frames.yard', 'motion.yard', 'events.yard', '$KV.motion.yard')],
  ['events', publishing('detections.yard', 'clips.stored.yard', '$KV.motion.yard')],
  ['clip', publishing('clips.ready.yard', 'events.yard', '$JS.API.STREAM.PURGE.OBJ_segments')],
  [
    'notify',
    publishing(
      'events.yard',
      'clips.stored.yard',
      '$KV.tracks.yard',
      '$JS.API.STREAM.PURGE.NOTICES',
      '$JS.API.STREAM.PURGE.KV_tracks',
    ),
  ],
  ['connector', publishing('frames.yard', 'clips.stored.yard', '$JS.API.STREAM.DELETE.EVENTS')],
  ['reader', publishing('events.yard', '$KV.agents.pi', '$JS.API.STREAM.PURGE.EVENTS')],
])(
  '%s says nothing that is another part’s to say, and removes no stream',
  async (user, { deed, refused }) => {
    expect(await refusalsOf(user, deed)).toEqual(refused);
  },
);

it('the viewer asks for live view and hears its answers and pictures, and no agent is refused its own', async () => {
  const asks = (messaging: Messaging): void => {
    publishing('control.live.yard').deed(messaging);
    hearing('live.*', 'live.yard.answer.x', 'tracks.yard').deed(messaging);
  };
  expect(await refusalsOf('viewer', asks)).toEqual([]);
  const shows = (messaging: Messaging): void => {
    publishing('live.yard', 'live.yard.answer.x').deed(messaging);
    hearing('control.live.yard').deed(messaging);
  };
  expect(await refusalsOf('agent-pi', shows)).toEqual([]);
  const invents = publishing('live.yard', 'live.yard.answer.x', 'tracks.yard');
  expect(await refusalsOf('viewer', invents.deed)).toEqual(invents.refused);
});

it.each(['viewer', 'notify'])(
  '%s takes a browser that was told out of NATS, and leaves nothing of it',
  async (user) => {
    const [connector, part] = [
      await connectNats(wayOf('connector'), 'test'),
      await connectNats(wayOf(user), 'test'),
    ];
    try {
      await ensureSite(connector);
      const endpoint = `https://push.example.org/${user}`;
      const keys = { p256dh: 'B'.padEnd(87, 'x'), auth: 'a'.padEnd(22, 'x') };
      const kept = await keepSubscription(part, { endpoint, keys }, { user: 'anna' });
      if (kept.kind !== 'kept') throw new Error('there is room for it');
      expect(await listSubscriptions(part)).toContain(kept.key);
      await removeSubscription(part, kept.key);
      const { state } = await part.jsm.streams.info('KV_push', { subjects_filter: '>' });
      expect(Object.keys(state.subjects ?? {})).not.toContain(`$KV.push.${kept.key}`);
    } finally {
      for (const { nc } of [connector, part]) await nc.close();
    }
  },
);

it('the connector reads a stream of own functions that it was given, and no other', async () => {
  const reading = (stream: string) =>
    publishing(
      `$JS.API.CONSUMER.CREATE.${stream}.mine.sensors.>`,
      `$JS.API.CONSUMER.INFO.${stream}.mine`,
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.mine`,
      `$JS.ACK.${stream}.mine.1.1.1.1.0`,
    );
  expect(await refusalsOf('connector', reading('SENSORS').deed)).toEqual([]);
  expect(await refusalsOf('connector', reading('OTHERS').deed)).toEqual(reading('OTHERS').refused);
});

it.each(['viewer', 'motion', 'detect', 'events', 'clip', 'notify', 'connector', 'reader', 'agent-pi'])(
  '%s neither manages the server nor hears everything',
  async (user) => {
    const manage = publishing('$SYS.REQ.SERVER.PING', '$JS.API.SERVER.REMOVE', '$JS.API.ACCOUNT.PURGE.x');
    const hear = hearing('>', '_INBOX.>', '$JS.ACK.>');
    const both = (messaging: Messaging): void => {
      manage.deed(messaging);
      hear.deed(messaging);
    };
    expect((await refusalsOf(user, both)).sort()).toEqual([...manage.refused, ...hear.refused].sort());
  },
);

it('the server takes the configuration that we publish, with these users', async () => {
  const published = join(folder, 'published.conf');
  const text = readFileSync(new URL('deploy/nats/nats-server.conf', checkout), 'utf8');
  // Beside auth.conf and the certificates, as it says.
  writeFileSync(
    published,
    text.replaceAll('/etc/nats', folder).replace('/var/lib/nats', join(folder, 'published')),
  );
  const checked = await promisify(execFile)('nats-server', ['-t', '--config', published]);
  expect(checked.stderr).toMatch(/is valid/);
});

it('without a key nobody is let in, and a part that is told says what to do', async () => {
  await expect(connectNats({ url, caFile: certificate.caFile }, 'test')).rejects.toMatchObject({
    code: 'nats-denied',
    message: expect.stringMatching(/refused the login: give this part's key in nats\.nkeyFile/) as string,
  });
});

it('a new agent and a new key leave all others as they were, and count once the server has reloaded', async () => {
  const before = parse(readFileSync(join(folder, 'users.json'), 'utf8')) as unknown;
  const old = join(folder, 'old-seed');
  writeFileSync(old, readFileSync(seedOf('motion')), { mode: 0o600 });
  const made = await runFaascam(['nats-auth', folder, '--agent', 'third:shed', '--rotate', 'motion']);
  expect(made, made.stderr).toMatchObject({ code: 0 });
  expect(made.stdout).not.toMatch(/SU[A-Z2-7]{56}/);
  expect(statSync(seedOf('agent-third')).mode & 0o777).toBe(0o600);
  const site = z.object({ keys: z.record(z.string(), z.string()) });
  const kept = Object.fromEntries(
    Object.entries(site.parse(before).keys).filter(([name]) => name !== 'motion'),
  );
  const after = site.parse(parse(readFileSync(join(folder, 'users.json'), 'utf8'))).keys;
  expect(after).toMatchObject(kept);
  await nats.reload();
  expect(await refusalsOf('agent-third', publishing('frames.shed').deed)).toEqual([]);
  expect(await refusalsOf('motion', publishing('motion.shed').deed)).toEqual([]);
  await expect(connectNats({ ...wayOf('motion'), nkeyFile: old }, 'test')).rejects.toMatchObject({
    code: 'nats-denied',
    message: expect.stringContaining(`refused the key in ${old}`) as string,
  });
});
