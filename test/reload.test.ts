import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kvm } from '@nats-io/kv';
import { agentHealth, parseMessage, type AgentHealth } from '@faascam/core/messages';
import { connectNats, ensureStreams, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { freePort } from '@faascam/core/ports';
import { buckets } from '@faascam/core/subjects';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { processesAbout, startFaascam } from './program.ts';

const soon = { timeout: 60_000, interval: 200 };
const scratch = mkdtempSync(join(tmpdir(), 'faascam-reload-'));
const video = join(scratch, 'video.mp4');
let nats: NatsServer;
let messaging: Messaging;

beforeAll(async () => {
  const picture = 'testsrc2=size=320x240:rate=10:duration=10';
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', picture, '-g', '10', video]);
  nats = await startNatsServer({ directory: join(scratch, 'nats') });
  messaging = await connectNats(nats.url, 'test');
  await ensureStreams(messaging.jsm);
});

afterAll(async () => {
  await messaging.nc.close();
  await nats.stop();
  rmSync(scratch, { recursive: true });
});

async function healthOf(agent: string): Promise<AgentHealth | undefined> {
  const bucket = await new Kvm(messaging.nc).create(buckets.agents);
  const entry = await bucket.get(agent);
  return entry === null ? undefined : parseMessage(agentHealth, entry.value, 'health');
}

async function statesOf(agent: string): Promise<Record<string, string>> {
  const cameras = Object.entries((await healthOf(agent))?.cameras ?? {});
  return Object.fromEntries(cameras.map(([id, { state }]) => [id, state]));
}

/** The processes that record a camera below this data folder. */
function recording(data: string, camera: string): string[] {
  return processesAbout(join(data, 'ring', camera)).filter((line) => /^\d+: ffmpeg /.test(line));
}

describe.each(['agent', 'up'] as const)('faascam %s with a config that changes', (command) => {
  const data = join(scratch, command);
  const path = join(scratch, `${command}.yml`);
  const secret = join(scratch, `${command}-secret`);

  it('takes over right cameras, tells of wrong ones, and leaves the others alone', async () => {
    const port = await freePort();
    const config = (cameras: object, page = port): void => {
      const whole = {
        ...{ data, cameras, nats: { url: nats.url }, page: { port: page } },
        ...{ agent: { id: command }, detect: { model: 'faascam-demo' } },
      };
      writeFileSync(path, JSON.stringify(whole));
    };
    const yard = { source: `file:${video}` };
    const away = { source: `rtsp://u:\${file:${secret}}@127.0.0.1:${await freePort()}/1` };
    writeFileSync(secret, 'geheim1');
    config({ yard, away });
    const faascam = startFaascam([command, '--config', path]);
    try {
      await vi.waitFor(
        async () => expect(await statesOf(command)).toMatchObject({ yard: 'streaming' }),
        soon,
      );
      const untouched = recording(data, 'yard');
      expect(untouched).toHaveLength(1);
      const revision = (await healthOf(command))?.configRevision;

      config({ yard: { ...yard, fsp: 5 }, gate: yard });
      await faascam.said(/cameras\.yard\.fsp: unknown key/);
      await faascam.said(/is wrong; all stays as it was/);

      config({ yard, gate: { source: 'gopher://u:geheim2@h' }, barn: yard }, port + 1);
      await faascam.said(
        /has changed: cameras: added gate, barn; removed away; at the next start: page\.port/,
      );
      await vi.waitFor(
        async () =>
          expect(await statesOf(command)).toEqual({ yard: 'streaming', gate: 'failed', barn: 'streaming' }),
        soon,
      );
      expect((await healthOf(command))?.configRevision).not.toBe(revision);

      config({ yard, away }, port + 1);
      await vi.waitFor(async () => expect(Object.keys(await statesOf(command))).toContain('away'), soon);
      writeFileSync(secret, 'geheim3');
      await faascam.said(/has changed: cameras: changed away \(source\)/);

      expect(recording(data, 'yard')).toEqual(untouched);
      expect(recording(data, 'barn')).toEqual([]);
      expect(faascam.output()).not.toMatch(/geheim/);
      faascam.child.kill('SIGHUP');
    } finally {
      expect(await faascam.stop('SIGTERM'), faascam.output()).toBe(0);
    }
    expect(processesAbout(data)).toEqual([]);
  });
});
