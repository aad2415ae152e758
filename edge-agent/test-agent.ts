import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeliverPolicy } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { Msg } from '@nats-io/transport-node';
import { clipReady, type ClipReady } from '@faascam/core/clip-messages';
import { agentHealth, parseMessage, type AgentHealth, type ClipWanted } from '@faascam/core/messages';
import type { CameraSettings } from '@faascam/core/camera-settings';
import { buckets, headers, streams, subjects } from '@faascam/core/subjects';
import { runAgent, type AgentOptions, type RunningAgent } from './agent.ts';
import type { CameraChanges } from './camera-changes.ts';
import { makeVideo } from './capture/test-video.ts';
import {
  capturedAtUs,
  openTestSite,
  settingsOf,
  storedClip,
  wantedClip,
  type TestSite,
} from './test-site.ts';

export const SECOND_US = 1_000_000;
export const soon = { timeout: 40_000, interval: 100 };

export interface StartedAgent {
  stop(): Promise<void>;
  apply(cameras: Record<string, CameraSettings>): Promise<CameraChanges>;
}

export interface SeenFrame {
  kind: string;
  atUs: number;
  seq: number;
}

/** A NATS server, a video, and agents that run on them. The caller closes it. */
export class AgentTest {
  readonly site: TestSite;
  readonly video: string;
  #running: StartedAgent[] = [];

  constructor(site: TestSite, video: string) {
    this.site = site;
    this.video = video;
  }

  start(cameras: Record<string, string>, timing: AgentOptions['timing'] = {}): StartedAgent {
    const stop = new AbortController();
    let setRunning: (agent: RunningAgent) => void = () => undefined;
    const itself = new Promise<RunningAgent>((resolve) => (setRunning = resolve));
    const agent = runAgent({
      id: 'edge',
      configRevision: 'r1',
      onRunning: setRunning,
      dataDirectory: join(this.site.directory, 'data'),
      cameras: Object.fromEntries(Object.entries(cameras).map(([id, source]) => [id, settingsOf(source)])),
      connect: () => this.site.connect(),
      log: this.site.log,
      signal: stop.signal,
      timing: { random: () => 0.5, ackWaitMs: 3000, offerWaitsMs: [1000], graceMs: 3000, ...timing },
    });
    const started = {
      stop: async () => {
        stop.abort();
        await agent;
      },
      apply: async (cameras: Record<string, CameraSettings>) => await (await itself).apply({ cameras }),
    };
    this.#running.push(started);
    return started;
  }

  /** Every message on a camera's frames from now on. */
  async watchFrames(id: string): Promise<SeenFrame[]> {
    const seen: SeenFrame[] = [];
    this.site.messaging.nc.subscribe(subjects.frames(id), {
      callback: (_error, frame: Msg) => {
        const kind = frame.headers?.get(headers.kind) ?? '';
        seen.push({ kind, atUs: capturedAtUs(frame), seq: Number(frame.headers?.get(headers.seq)) });
      },
    });
    await this.site.messaging.nc.flush();
    return seen;
  }

  async health(): Promise<AgentHealth['cameras']> {
    const bucket = await new Kvm(this.site.messaging.nc).open(buckets.agents);
    const entry = await bucket.get('edge');
    return entry === null ? {} : parseMessage(agentHealth, entry.value, 'health').cameras;
  }

  async want(id: string, fromUs: number, toUs: number): Promise<ClipWanted> {
    const wanted = wantedClip(id, fromUs, toUs);
    await this.site.messaging.js.publish(subjects.clipsWanted(id), JSON.stringify(wanted));
    return wanted;
  }

  /** Waits for the offer of a wanted clip. */
  async offerOf(wanted: ClipWanted): Promise<ClipReady> {
    const consumer = await this.site.messaging.js.consumers.get(streams.clips, {
      filter_subjects: subjects.clipsReady(wanted.camera),
      deliver_policy: DeliverPolicy.All,
    });
    for (let tries = 0; tries < 20; tries++) {
      const message = await consumer.next({ expires: 30_000 });
      if (message === null) break;
      const ready = parseMessage(clipReady, message.data, message.subject);
      if (ready.eventId === wanted.eventId) return ready;
    }
    throw new Error(`no offer came for ${wanted.eventId}`);
  }

  async store(wanted: ClipWanted): Promise<void> {
    await this.site.messaging.js.publish(
      subjects.clipsStored(wanted.camera),
      JSON.stringify(storedClip(wanted)),
    );
  }

  async openRequests(id: string): Promise<number> {
    const info = await this.site.messaging.jsm.consumers.info(streams.clips, `edge-agent-${id}`);
    return info.num_ack_pending + info.num_pending;
  }

  /** The processes that record a camera. */
  ffmpegOf(id: string): number[] {
    return readdirSync('/proc').flatMap((name) => {
      try {
        const line = readFileSync(`/proc/${name}/cmdline`, 'utf8');
        return line.startsWith('ffmpeg\0') && line.includes(join(this.site.directory, 'data', 'ring', id))
          ? [Number(name)]
          : [];
      } catch {
        return []; // no process, or it ended while we looked
      }
    });
  }

  /** Ends the agents that run. */
  async stopAll(): Promise<void> {
    for (const agent of this.#running.splice(0)) await agent.stop();
  }

  async close(): Promise<void> {
    await this.site.close();
  }
}

export async function openAgentTest(): Promise<AgentTest> {
  const site = await openTestSite();
  const video = join(site.directory, 'video.mp4');
  // A keyframe a second, and pictures stored in another order than they are shown.
  const picture = 'testsrc2=size=320x240:rate=10:duration=20';
  await makeVideo('-f', 'lavfi', '-i', picture, '-g', '10', '-bf', '2', '-pix_fmt', 'yuv420p', video);
  return new AgentTest(site, video);
}
