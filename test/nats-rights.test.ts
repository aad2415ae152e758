import { execFile } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { headers as newHeaders, PermissionViolationError } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { consumerName } from '@faascam/connector/topics';
import { cameraSettings } from '@faascam/core/camera-settings';
import { createLogger } from '@faascam/core/log';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { keepSubscription, listSubscriptions, removeSubscription } from '@faascam/core/push-subscriptions';
import { ensureSite } from '@faascam/core/site-buckets';
import { ProfileTeller } from '@faascam/edge-agent/profile-teller';
import { openGuardedSite, type GuardedSite } from './guarded-site.ts';
import { runFaascam } from './program.ts';

const WAIT = { timeout: 200_000, interval: 200 };
let site: GuardedSite;

beforeAll(async () => {
  vi.stubEnv('FAASCAM_LOG', 'silent');
  site = await openGuardedSite();
});
afterAll(async () => {
  await site.close();
  vi.unstubAllEnvs();
});

/** Lets a user try something; answers what the server refused of it. */
async function refusalsOf(user: string, deed: (messaging: Messaging) => unknown): Promise<string[]> {
  const messaging = await connectNats(site.wayOf(user), 'test');
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
    const connector = await connectNats(site.wayOf('connector'), 'test');
    const [pi, other] = [
      await connectNats(site.wayOf('agent-pi'), 'test'),
      await connectNats(site.wayOf('agent-other'), 'test'),
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
      await connectNats(site.wayOf('admin'), 'test'),
      await connectNats(site.wayOf('agent-other'), 'test'),
      await connectNats(site.wayOf('connector'), 'test'),
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
      await connectNats(site.wayOf('connector'), 'test'),
      await connectNats(site.wayOf(user), 'test'),
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
  const published = join(site.folder, 'published.conf');
  const text = readFileSync(new URL('../deploy/nats/nats-server.conf', import.meta.url), 'utf8');
  // Beside auth.conf and the certificates, as it says.
  writeFileSync(
    published,
    text.replaceAll('/etc/nats', site.folder).replace('/var/lib/nats', join(site.folder, 'published')),
  );
  const checked = await promisify(execFile)('nats-server', ['-t', '--config', published]);
  expect(checked.stderr).toMatch(/is valid/);
});

it('without a key nobody is let in, and a part that is told says what to do', async () => {
  await expect(connectNats({ url: site.url, caFile: site.certificate.caFile }, 'test')).rejects.toMatchObject(
    {
      code: 'nats-denied',
      message: expect.stringMatching(/refused the login: give this part's key in nats\.nkeyFile/) as string,
    },
  );
});

it('a new agent and a new key leave all others as they were, and count once the server has reloaded', async () => {
  const before = parse(readFileSync(join(site.folder, 'users.json'), 'utf8')) as unknown;
  const old = join(site.folder, 'old-seed');
  writeFileSync(old, readFileSync(site.seedOf('motion')), { mode: 0o600 });
  const made = await runFaascam(['nats-auth', site.folder, '--agent', 'third:shed', '--rotate', 'motion']);
  expect(made, made.stderr).toMatchObject({ code: 0 });
  expect(made.stdout).not.toMatch(/SU[A-Z2-7]{56}/);
  expect(statSync(site.seedOf('agent-third')).mode & 0o777).toBe(0o600);
  const users = z.object({ keys: z.record(z.string(), z.string()) });
  const kept = Object.fromEntries(
    Object.entries(users.parse(before).keys).filter(([name]) => name !== 'motion'),
  );
  const after = users.parse(parse(readFileSync(join(site.folder, 'users.json'), 'utf8'))).keys;
  expect(after).toMatchObject(kept);
  await site.nats.reload();
  expect(await refusalsOf('agent-third', publishing('frames.shed').deed)).toEqual([]);
  expect(await refusalsOf('motion', publishing('motion.shed').deed)).toEqual([]);
  await expect(connectNats({ ...site.wayOf('motion'), nkeyFile: old }, 'test')).rejects.toMatchObject({
    code: 'nats-denied',
    message: expect.stringContaining(`refused the key in ${old}`) as string,
  });
});
