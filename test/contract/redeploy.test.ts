import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import { createLogger } from '@faascam/core/log';
import { judge, settled } from '../faults/episode.ts';
import { quiet } from '../faults/recordings.ts';
import { Site } from '../faults/site.ts';
import { eventIn, told, want } from '../faults/wanted.ts';
import { processesAbout } from '../program.ts';
import { ContractAgent } from './agent.ts';
import { recordingFor } from './recording.ts';
import { Traffic } from './traffic.ts';

// What makes most of a clip's work is not what is tried here.
process.env['FAASCAM_CLIP'] = '{"preview":{"enabled":false},"strip":{"enabled":false}}';
const scratch = mkdtempSync(join(tmpdir(), 'faascam-redeploy-test-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** A clip was made by this generation of the functions. */
const MADE = /"complete":true/;

test('20 events that are recorded while every function and the connector are redeployed are stored once each, and whole', async () => {
  const cameras = { gate: `file:${quiet(scratch)}`, lane: `file:${quiet(scratch)}` };
  const folder = join(scratch, 'contract');
  mkdirSync(folder);
  // It is drawn while the site starts. Somebody walks by, and a car: what the functions know of them passes from the old
  // ones to the new ones.
  const drawn = recordingFor(undefined, folder);
  drawn.catch(() => undefined);
  const site = await Site.open({ scratch, store: 'directory', cameras, namespaces: false });
  const { messaging } = site;
  const traffic = await Traffic.open(messaging, 'walk');
  const over = new AbortController();
  try {
    const agent = await ContractAgent.open({
      ...{ camera: 'walk', recording: await drawn, scratch: folder, messaging, log: createLogger('test') },
    });
    const playing = agent.play(over.signal);
    const ids = new Set<string>();
    const ask = async (first: number, last: number): Promise<void> => {
      for (let count = first; count <= last; count += 1) {
        const camera = count % 2 === 0 ? 'gate' : 'lane';
        await vi.waitFor(() => expect(site.recordedUntilUs(camera)).toBeGreaterThan(0), { timeout: 60_000 });
        const untilUs = site.recordedUntilUs(camera);
        const wanted = eventIn(camera, untilUs - (1 + count / 40) * 1e6, untilUs);
        ids.add(wanted.eventId);
        await want(messaging, wanted);
        await wait(200);
      }
    };
    // As a Deployment does it: what is new is ready before what is old, in the midst of its work, is told to end.
    const [connector, gateway] = [site.connectors.at(-1), site.gateways.at(-1)];
    await ask(1, 4);
    await Promise.all([gateway?.said(MADE), site.addReplicas(), ask(5, 7)]);
    await ask(8, 9);
    const ended = async (): Promise<void> => {
      await connector?.stop();
      await gateway?.stop();
    };
    await Promise.all([ended(), ask(10, 14)]);
    await ask(15, 18);
    const { frames } = await playing;
    expect(frames).toBeGreaterThan(100);
    await vi.waitFor(() => expect(traffic.wanted).toHaveLength(2), { timeout: 60_000, interval: 100 });
    for (const { eventId } of traffic.wanted) ids.add(eventId);

    expect(
      traffic.events.filter(({ phase }) => phase !== 'update').map(({ phase, labels }) => [phase, labels]),
    ).toEqual([
      ['start', ['person']],
      ['end', ['person']],
      ['start', ['car']],
      ['end', ['car']],
    ]);
    expect(ids.size).toBe(20);
    expect((await settled(site, () => Promise.resolve(ids))).atMs).toBeDefined();
    const verdicts = await judge(site, ids, new Set());
    expect([...verdicts.values()]).toEqual(
      [...ids].map(() => ({ lost: false, duplicate: false, causes: [], faults: [] })),
    );
    expect(site.gateways.map(({ output }) => MADE.test(output))).toEqual([true, true]);
    expect([...(await told(messaging)).wanted.keys()].sort()).toEqual([...ids].sort());
    await agent.close();
  } finally {
    over.abort(new Error('the test is over'));
    traffic.close();
    await site.close();
  }
  expect(processesAbout(scratch)).toEqual([]);
}, 300_000);
