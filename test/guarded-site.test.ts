import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { passwordHash } from '@faascam/viewer/auth/password';
import { newToken } from '@faascam/viewer/auth/token';
import { usersText } from '@faascam/viewer/auth/users-file';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { connectNats } from '@faascam/core/messaging';
import { freePort } from '@faascam/core/ports';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openGuardedSite, type GuardedSite } from './guarded-site.ts';
import { processesAbout, runFaascam, startFaascam, startProgram, type Running } from './program.ts';

const WAIT = { timeout: 200_000, interval: 200 };
/** Of the parts; what this process is refused on purpose is not worth a line. */
const LOUD = { FAASCAM_LOG: 'info' };
let site: GuardedSite;

beforeAll(async () => {
  vi.stubEnv('FAASCAM_LOG', 'silent');
  site = await openGuardedSite();
});
afterAll(async () => {
  await site.close();
  vi.unstubAllEnvs();
});

const stack = z.looseObject({
  functions: z.record(z.string(), z.looseObject({ environment: z.record(z.string(), z.string()) })),
});
const checkout = new URL('../', import.meta.url);
const cameraList = z.object({ cameras: z.array(z.object({ id: z.string(), state: z.string() })) });
const motionLevels = z.object({ levels: z.array(z.number()) });
const eventList = z.object({ events: z.array(z.object({ id: z.string() })) });

/** stack.yml with the key of each function, as OpenFaaS would mount it as a secret. */
function stackFile({ folder, seedOf }: GuardedSite): string {
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
  const { folder, certificate, nats, url, seedOf } = site;
  const gatewayPort = await freePort();
  const page = `http://127.0.0.1:${gatewayPort}/`;
  const shared = { ...LOUD, NATS_URL: url, NATS_CA_FILE: certificate.caFile, FAASCAM_DATA: folder };
  const admin = await connectNats(site.wayOf('admin'), 'test');
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
        FAASCAM_STACK: stackFile(site),
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
