import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAgents } from '@faascam/core/agent-health';
import { clipReady } from '@faascam/core/clip-messages';
import { parseMessage } from '@faascam/core/messages';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { startNatsServer } from '@faascam/core/nats-server';
import { freePort } from '@faascam/core/ports';
import { streams, subjects } from '@faascam/core/subjects';
import { parseSegmentName } from '@faascam/edge-agent/ring/segment';
import { wantedClip } from '@faascam/edge-agent/test-site';
import { openNotifySocket, type NotifySocket } from '@faascam/test-servers/notify-socket';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { processesAbout, runFaascam, startFaascam, type Running } from './program.ts';

const soon = { timeout: 60_000, interval: 100 };
const SECOND_US = 1_000_000;
const scratch = mkdtempSync(join(tmpdir(), 'faascam-start-'));
const video = join(scratch, 'video.mp4');
let ends: (() => Promise<unknown>)[] = [];

beforeAll(() => {
  const picture = 'testsrc2=size=320x240:rate=10:duration=10';
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', picture, '-g', '10', video]);
});

afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

afterAll(() => rmSync(scratch, { recursive: true }));

/** An agent as systemd starts it, with two cameras. */
async function startAgent(
  name: string,
  natsUrl: string,
): Promise<{ agent: Running; data: string; systemd: NotifySocket }> {
  const data = join(scratch, name);
  const config = join(scratch, `${name}.yml`);
  const camera = { source: `file:${video}`, ring: { segmentMs: 1000 } };
  const cameras = { yard: camera, gate: camera };
  writeFileSync(config, JSON.stringify({ data, cameras, nats: { url: natsUrl }, agent: { id: name } }));
  const systemd = await openNotifySocket();
  ends.push(() => systemd.stop());
  const env = { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '60000000' };
  const agent = startFaascam(['agent', '--config', config], {
    ...env,
    ...{ FAASCAM_LOG: 'info', FAASCAM_LOG_FORMAT: 'journal' },
  });
  ends.push(() => agent.stop('SIGKILL'));
  return { agent, data, systemd };
}

/** Start and end of the footage of a camera so far; empty while there is none. */
function footageOf(data: string, camera: string): { startUs: number; endUs: number }[] {
  const names = readdirSync(join(data, 'ring', camera));
  return names.flatMap((name) => parseSegmentName(name) ?? []).sort((a, b) => a.startUs - b.startUs);
}

/** Lines of the log alone. */
const logOf = (agent: Running): string[] =>
  agent
    .output()
    .split('\n')
    .filter((line) => /^<\d>/.test(line));

it('an agent that starts while NATS is away records, and what it recorded can be asked for once NATS is there', async () => {
  const port = await freePort();
  const url = `nats://127.0.0.1:${port}`;
  const { agent, data, systemd } = await startAgent('early', url);
  await vi.waitFor(() => expect(systemd.messages.join('\n')).toMatch(/READY=1/), soon);
  await vi.waitFor(
    () => expect(systemd.messages.at(-1)).toMatch(/^STATUS=2 of 2 cameras stream; NATS is away /),
    soon,
  );
  await vi.waitFor(() => {
    for (const camera of ['yard', 'gate']) expect(footageOf(data, camera).length).toBeGreaterThan(2);
  }, soon);
  const footage = footageOf(data, 'yard');
  expect(logOf(agent).filter((line) => line.includes('NATS'))).toEqual([
    expect.stringMatching(/^<4>No NATS server answers at .*footage is recorded meanwhile/),
  ]);

  const server = await startNatsServer({ directory: join(scratch, 'nats'), port });
  ends.push(() => server.stop());
  const startedUs = Date.now() * 1000;
  const messaging: Messaging = await connectNats(url, 'test');
  ends.push(() => messaging.nc.close());
  await agent.said(/NATS answers, after \d+ s/);
  await vi.waitFor(
    async () => expect((await messaging.jsm.streams.info(streams.frames)).state.messages).toBeGreaterThan(3),
    soon,
  );
  const wanted = wantedClip('yard', footage[0]?.startUs ?? 0, footage.at(-1)?.endUs ?? 0);
  expect(wanted.toUs - wanted.fromUs).toBeGreaterThan(2 * SECOND_US);
  await messaging.js.publish(subjects.clipsWanted('yard'), JSON.stringify(wanted));
  const consumer = await messaging.js.consumers.get(streams.clips, {
    filter_subjects: subjects.clipsReady('yard'),
  });
  const message = await consumer.next({ expires: soon.timeout });
  if (message === null) throw new Error('no offer came');
  const ready = parseMessage(clipReady, message.data, message.subject);
  expect(ready).toMatchObject({ eventId: wanted.eventId, gaps: [], attestation: { agent: 'early' } });
  expect(ready.segments.map(({ startUs }) => startUs)).toEqual(
    expect.arrayContaining(footage.map(({ startUs }) => startUs)),
  );
  await vi.waitFor(async () => {
    const health = (await readAgents(messaging)).find(({ agent: id }) => id === 'early');
    expect(health?.uplink).toMatchObject({ state: 'connected', losses: 0 });
    expect(health?.uplink?.sinceUs).toBeGreaterThan(startedUs - 30 * SECOND_US);
    expect(health?.cameras['yard']).toMatchObject({ state: 'streaming', restarts: 0 });
    expect(health?.cameras['yard']?.framesPublished).toBeGreaterThan(0);
    expect(health?.cameras['yard']?.framesDroppedFor?.['not-connected']).toBeGreaterThan(0);
  }, soon);
  await vi.waitFor(() => expect(systemd.messages.at(-1)).toMatch(/^STATUS=2 of 2 cameras stream W/), soon);

  // What was connected once ends as well where NATS is away.
  await messaging.nc.close();
  await server.stop();
  await vi.waitFor(() => expect(systemd.messages.at(-1)).toMatch(/; NATS is away /), soon);
  expect(await agent.stop('SIGTERM'), agent.output()).toBe(0);
  expect(processesAbout(data)).toEqual([]);
});

it('an agent that waits for NATS ends in order when it is asked to, also in the midst of a try', async () => {
  const silent: Server = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  ends.push(async () => {
    // The agent's side of it ended with the agent.
    await new Promise((resolve) => silent.close(resolve));
  });
  const address = silent.address();
  const asked = new Promise((resolve) => silent.once('connection', resolve));
  const { agent, data, systemd } = await startAgent(
    'waiting',
    `nats://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
  );
  await asked;
  await vi.waitFor(() => {
    for (const camera of ['yard', 'gate']) expect(footageOf(data, camera).length).toBeGreaterThan(1);
  }, soon);
  const before = footageOf(data, 'yard').at(-1)?.endUs ?? 0;
  expect(await agent.stop('SIGTERM'), agent.output()).toBe(0);
  expect(systemd.messages.join('\n')).toMatch(/STOPPING=1/);
  // The segment in hand was closed.
  expect(footageOf(data, 'yard').at(-1)?.endUs).toBeGreaterThan(before);
  expect(processesAbout(data)).toEqual([]);
});

it('an address that is none ends the agent at once, with one sentence', async () => {
  const config = join(scratch, 'wrong.yml');
  const cameras = { yard: { source: `file:${video}` } };
  const nats = { url: 'nats://edge:geheim@hub:422222' };
  writeFileSync(config, JSON.stringify({ data: join(scratch, 'wrong'), cameras, nats }));
  const { code, stderr } = await runFaascam(['agent', '--config', config]);
  expect(stderr).toMatch(/^Error: nats:\/\/edge:\*\*\*@hub:422222 is no address of a NATS server: [^\n]+\n$/);
  expect(code).toBe(2);
});
