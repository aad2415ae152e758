import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@faascam/core/errors';
import type { Logger } from '@faascam/core/log';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { openStore, type ObjectStore } from '@faascam/core/store';
import { ContractAgent } from './agent.ts';
import { checkClips, storedOf } from './clip-checks.ts';
import { cleanUp } from './cleanup.ts';
import { checkEvents } from './event-checks.ts';
import { GatewayClient } from './gateway-client.ts';
import { checkAnswers, checkGateway, checkPicture } from './gateway-checks.ts';
import { checkParking, checkStreams } from './messaging-checks.ts';
import { recordingFor } from './recording.ts';
import { Report } from './report.ts';
import type { ContractSettings } from './settings.ts';
import { checkStore } from './store-checks.ts';
import { Traffic } from './traffic.ts';

export interface SuiteOptions {
  settings: ContractSettings;
  print: (line: string) => void;
  log: Logger;
  /** Ends the suite early; what it has left on the site is removed all the same. */
  signal: AbortSignal;
}

/**
 * Runs the whole suite against a site that is there, and leaves nothing of its own on it. Answers what was found; throws
 * `FaascamError` where NATS cannot be reached or the footage is none.
 */
export async function runContract({ settings, print, log, signal }: SuiteOptions): Promise<Report> {
  const report = new Report(print);
  const scratch = await mkdtemp(join(tmpdir(), 'faascam-contract-'));
  try {
    const recording = await recordingFor(settings.footage, scratch);
    const messaging = await connectNats(settings.nats, 'faascam contract');
    const store = settings.store === undefined ? undefined : await openStore(settings.store, scratch);
    try {
      await runChecks({ settings, print, log, signal, report, scratch, recording, messaging, store });
    } finally {
      await store?.close();
      await messaging.nc.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return report;
}

interface Run extends SuiteOptions {
  report: Report;
  scratch: string;
  recording: string;
  messaging: Messaging;
  store: ObjectStore | undefined;
}

async function runChecks(run: Run): Promise<void> {
  const { settings, report, messaging, store, signal, recording, log, scratch } = run;
  const { patienceMs, login } = settings;
  // Random, so that nothing of another run, or of a real camera, is ever touched.
  const camera = `contract-${randomBytes(4).toString('hex')}`;
  const odd = `${camera}-odd`;
  const client = new GatewayClient(settings.gateway, login, settings.pageToken);
  const gateway = { report, client, login: login !== undefined, camera };
  const traffic = await Traffic.open(messaging, camera);
  try {
    if (!(await checkGateway(gateway)) || !(await checkStreams({ ...run, camera, patienceMs }))) {
      report.skip('All that follows', 'nothing can be sent to functions that are not there');
      return;
    }
    await checkAnswers(gateway);
    await checkPicture({ ...gateway, camera: odd, recording, messaging, patienceMs, signal });
    await checkParking({ report, messaging, camera: odd, patienceMs, signal });
    await playAgent(run, client, camera, traffic);
  } catch (error) {
    if (!signal.aborted) throw error;
    report.skip('All that follows', messageOf(signal.reason));
  } finally {
    traffic.close();
    const clips = traffic.wanted.filter(({ eventId }) => storedOf(traffic, eventId) !== undefined).length;
    const events = traffic.wanted.map(({ eventId }) => eventId);
    await cleanUp({ report, messaging, cameras: [camera, odd], events, store, clips });
    log.debug({ scratch }, 'cleaned up');
  }
}

async function playAgent(run: Run, client: GatewayClient, camera: string, traffic: Traffic): Promise<void> {
  const { settings, report, messaging, store, signal, recording, log, scratch } = run;
  const { patienceMs } = settings;
  const agent = await ContractAgent.open({ camera, recording, scratch, messaging, log });
  try {
    const drawn = settings.footage === undefined;
    if (!(await checkEvents({ report, agent, traffic, drawn, patienceMs, signal }))) {
      report.skip('Clips', 'there is no event to make one of');
      return;
    }
    const { publicKey } = agent;
    const checks = { report, client, messaging, traffic, camera, publicKey, scratch, patienceMs, signal };
    if (!(await checkClips(checks))) return;
    if (store === undefined) {
      report.skip('The store holds each event once, whole and as it was signed', 'FAASCAM_STORE is not set');
      return;
    }
    await checkStore({ report, store, camera, publicKey, events: traffic.wanted.length, signal });
  } finally {
    await agent.close();
  }
}
