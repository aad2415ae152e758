import { createServer } from 'node:net';
import { mkdtempSync, readdirSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { manifest, type Manifest } from '@faascam/core/clip-messages';
import { connectNats } from '@faascam/core/messaging';
import { startNatsServer } from '@faascam/core/nats-server';
import { freePort } from '@faascam/core/ports';
import { processesAbout, runFaascam, runTool, startFaascam } from './program.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-up-test-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const exported = z.object({ id: z.string(), state: z.string(), urls: z.object({ state: z.string() }) });
const eventList = z.object({ events: z.array(z.object({ id: z.string(), labels: z.array(z.string()) })) });

async function eventsOf(page: string): Promise<z.infer<typeof eventList>['events']> {
  return eventList.parse(await (await fetch(new URL('api/events', page))).json()).events;
}

/** Asks over the API for seconds that are no event's own, and follows them through the agent's ring to the stored clip. */
async function exportsFootage(page: string, eventId: string): Promise<void> {
  const receiptOf = async (id: string): Promise<Manifest> =>
    manifest.parse(await (await fetch(new URL(`api/events/${id}`, page))).json());
  const { event, requested } = await receiptOf(eventId);
  const range = { fromUs: requested.fromUs + 1_234_000, toUs: requested.fromUs + 4_345_000 };
  const asked = await fetch(new URL(`api/cameras/${event.camera}/exports`, page), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(range),
  });
  expect(asked.status).toBe(202);
  const { id, urls } = exported.parse(await asked.json());
  await vi.waitFor(
    async () =>
      expect(exported.parse(await (await fetch(new URL(urls.state, page))).json()).state).toBe('stored'),
    { timeout: 60_000, interval: 250 },
  );
  const receipt = await receiptOf(id);
  expect(receipt).toMatchObject({ complete: true, gaps: [], requested: range });
  expect(receipt.event).toMatchObject({ labels: ['export'], exported: { by: 'anybody' } });
  expect(receipt.attestation).toBeDefined();
  expect(receipt.delivered?.fromUs).toBeLessThanOrEqual(range.fromUs);
  expect(receipt.delivered?.toUs).toBeGreaterThanOrEqual(range.toUs);
  const clip = join(scratch, 'export.mp4');
  writeFileSync(
    clip,
    Buffer.from(await (await fetch(new URL(`api/events/${id}/clip.mp4`, page))).arrayBuffer()),
  );
  const length = await runTool('ffprobe', [
    ...['-v', 'error', '-of', 'csv=p=0', '-show_entries', 'format=duration', clip],
  ]);
  const deliveredS = ((receipt.delivered?.toUs ?? 0) - (receipt.delivered?.fromUs ?? 0)) / 1e6;
  expect(Number(length)).toBeGreaterThanOrEqual(3.111);
  expect(Math.abs(Number(length) - deliveredS)).toBeLessThan(0.1);
}

describe('faascam up', () => {
  const data = join(scratch, 'demo');

  it('shows the demo as an event with a playable clip, exports other footage, stops without a trace, and goes on where it was', async () => {
    const args = ['up', '--data', data, '--port', String(await freePort())];
    const first = startFaascam(args);
    const ids: string[] = [];
    try {
      const [, page = ''] = await first.said(/ready: (http:\S+)/);
      expect(await (await fetch(page)).text()).toMatch(/<html/);
      await vi.waitFor(async () => expect(await eventsOf(page)).not.toEqual([]), {
        timeout: 90_000,
        interval: 250,
      });
      const [event] = await eventsOf(page);
      expect(event?.labels).toEqual(['person']);

      const clip = new URL(`api/events/${event?.id ?? ''}/clip.mp4`, page);
      const part = await fetch(clip, { headers: { range: 'bytes=0-99' } });
      expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 100]);
      const whole = join(scratch, 'clip.mp4');
      writeFileSync(whole, Buffer.from(await (await fetch(clip)).arrayBuffer()));
      await runTool('ffmpeg', ['-v', 'error', '-xerror', '-i', whole, '-f', 'null', '-']);
      await exportsFootage(page, event?.id ?? '');
      ids.push(...(await eventsOf(page)).map(({ id }) => id));
    } finally {
      expect(await first.stop('SIGINT'), first.output()).toBe(0);
    }
    expect(processesAbout(data)).toEqual([]);
    expect(readdirSync(data)).not.toContain('faascam.pid');

    const second = startFaascam(args);
    try {
      const [, page = ''] = await second.said(/ready: (http:\S+)/);
      const known = (await eventsOf(page)).map(({ id }) => id);
      expect(known).toEqual(expect.arrayContaining(ids));
    } finally {
      expect(await second.stop('SIGTERM'), second.output()).toBe(0);
    }
    expect(processesAbout(data)).toEqual([]);
  });

  it('stores the clip of an event that Ctrl-C interrupts', async () => {
    const interrupted = join(scratch, 'interrupted');
    const nats = await startNatsServer({ directory: join(scratch, 'nats') });
    const { nc } = await connectNats(nats.url, 'test');
    const began = new Promise<void>((resolve) => {
      nc.subscribe('events.*', { callback: () => resolve() });
    });
    const config = join(scratch, 'interrupted.yml');
    const page = { port: await freePort() };
    const cameras = { yard: { source: 'demo:' } };
    writeFileSync(config, JSON.stringify({ data: interrupted, nats: { url: nats.url }, page, cameras }));
    const up = startFaascam(['up', '--config', config]);
    try {
      await began;
      expect(await up.stop('SIGINT'), up.output()).toBe(0);
      expect(up.output()).not.toMatch(/not finished/);
      const list = await runFaascam(['clips', 'list', '--config', config]);
      const [, ...stored] = list.stdout.trim().split('\n');
      expect(stored).toEqual([expect.stringMatching(/^yard-.*person/)]);
    } finally {
      await up.stop('SIGKILL');
      await nc.close();
      await nats.stop();
    }
  });

  it('leaves no process behind when it is killed, and starts again on the same data', async () => {
    const killed = join(scratch, 'killed');
    const args = ['up', '--data', killed, '--port', String(await freePort())];
    const first = startFaascam(args);
    await first.said(/ready: (http:\S+)/);
    await first.stop('SIGKILL');
    // All but the NATS server see that their parent is gone; that one is ended by the next start.
    await vi.waitFor(
      () => expect(processesAbout(killed).filter((line) => !line.includes('nats-server'))).toEqual([]),
      {
        timeout: 30_000,
      },
    );
    const second = startFaascam(args);
    try {
      await second.said(/ready: (http:\S+)/);
      expect(processesAbout(killed).filter((line) => / nats-server /.test(line))).toHaveLength(1);
    } finally {
      expect(await second.stop(), second.output()).toBe(0);
    }
    expect(processesAbout(killed)).toEqual([]);
  });

  it('stops in order when its terminal is closed', async () => {
    const closed = join(scratch, 'closed');
    const up = startFaascam(['up', '--data', closed, '--port', String(await freePort())]);
    await up.said(/ready: (http:\S+)/);
    up.child.stdout?.destroy();
    up.child.stderr?.destroy();
    expect(await up.stop('SIGHUP')).toBe(0);
    expect(processesAbout(closed)).toEqual([]);
  });

  it('starts a function again that was killed', async () => {
    const restarted = join(scratch, 'restarted');
    const up = startFaascam(['up', '--data', restarted, '--port', String(await freePort())]);
    try {
      const [, page = ''] = await up.said(/ready: (http:\S+)/);
      const find = (): number => {
        const line = processesAbout(restarted).find((each) => /function-host|faascam-node/.test(each));
        return Number(line?.split(':')[0] ?? 0);
      };
      const pid = find();
      expect(pid).toBeGreaterThan(0);
      process.kill(pid, 'SIGKILL');
      await vi.waitFor(() => expect(up.output()).toMatch(/restart|again/i), { timeout: 20_000 });
      await vi.waitFor(async () => expect((await fetch(page)).status).toBe(200), { timeout: 20_000 });
    } finally {
      expect(await up.stop(), up.output()).toBe(0);
    }
  });
});

describe('faascam up refuses', () => {
  it('a port that is in use, with a sentence', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { code, stderr } = await runFaascam([
      'up',
      '--data',
      join(scratch, 'port'),
      '--port',
      String(port),
    ]);
    server.close();
    expect(stderr).toMatch(new RegExp(`Port ${port} for the page is in use`));
    expect(code).toBe(1);
  });

  it('a data folder that another faascam uses', async () => {
    const data = join(scratch, 'taken');
    mkdirSync(data);
    writeFileSync(join(data, 'faascam.pid'), String(process.pid));
    const { code, stderr } = await runFaascam(['up', '--data', data, '--port', String(await freePort())]);
    expect(stderr).toMatch(/is in use by another faascam/);
    expect(code).toBe(1);
  });

  it('a data folder that cannot be made', async () => {
    const file = join(scratch, 'a-file');
    writeFileSync(file, '');
    const { code, stderr } = await runFaascam([
      ...['up', '--data', join(file, 'data'), '--port', String(await freePort())],
    ]);
    expect(stderr).toMatch(/cannot be written \(ENOTDIR\)/);
    expect(code).toBe(1);
  });

  it('a PATH without nats-server or ffmpeg, and says what to install', async () => {
    const empty = join(scratch, 'empty-path');
    mkdirSync(empty);
    const { code, stderr } = await runFaascam(['up', '--data', join(scratch, 'p'), '--port', '0'], {
      PATH: empty,
    });
    expect(stderr).toMatch(/is not installed; install it with: sudo apt-get install/);
    expect(code).toBe(1);
  });

  it('a nats-server that is too old', async () => {
    const bin = join(scratch, 'old-bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'nats-server'), '#!/bin/sh\necho "nats-server: v2.8.4"\n', { mode: 0o755 });
    const { code, stderr } = await runFaascam(['up', '--data', join(scratch, 'o'), '--port', '0'], {
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    });
    expect(stderr).toMatch(/nats-server 2\.8\.4 is too old: 2\.9\.10 or newer is needed/);
    expect(code).toBe(1);
  });

  it('an unknown option with 2, and shows the help', async () => {
    const { code, stderr } = await runFaascam(['up', '--nonsense']);
    expect(stderr).toMatch(/unknown option/);
    expect(code).toBe(2);
  });
});

describe('a camera that does not answer', () => {
  it('is told with its cause, without its password, while the page runs', async () => {
    const data = join(scratch, 'dark');
    const port = await freePort();
    const up = startFaascam(
      ['up', `rtsp://cam:s3cret@127.0.0.1:${port}/live`, '--data', data, '--model', 'faascam-demo'].concat([
        '--port',
        String(await freePort()),
      ]),
    );
    try {
      const [, page = ''] = await up.said(/ready: (http:\S+)/);
      const causeOf = async (): Promise<string> => await (await fetch(new URL('api/cameras', page))).text();
      await vi.waitFor(async () => expect(await causeOf()).toMatch(/does not listen on this port/), {
        timeout: 30_000,
        interval: 200,
      });
      expect(await causeOf()).not.toContain('s3cret');
      expect(up.output()).not.toContain('s3cret');
      const shown = processesAbout(data).filter(
        (line) => line.includes('s3cret') && !/^\d+: ffmpeg/.test(line),
      );
      expect(shown).toEqual([]);
    } finally {
      expect(await up.stop(), up.output()).toBe(0);
    }
  });
});
