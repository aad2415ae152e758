import { join } from 'node:path';
import { cameraSettings } from '@faascam/core/camera-settings';
import { systemClock } from '@faascam/core/clock';
import type { Logger } from '@faascam/core/log';
import type { Messaging } from '@faascam/core/messaging';
import { buckets } from '@faascam/core/subjects';
import { viewOf } from '@faascam/core/view';
import { Attestor } from '@faascam/edge-agent/attestor';
import { probeRecording } from '@faascam/edge-agent/capture/recording';
import { serveClips } from '@faascam/edge-agent/clips/clip-service';
import { ClipUplink, usualUplink } from '@faascam/edge-agent/clips/clip-uplink';
import { ProfileTeller } from '@faascam/edge-agent/profile-teller';
import { openReplayFootage, replayRecording, type ReplayResult } from '@faascam/edge-agent/replay';

export interface ContractAgentOptions {
  camera: string;
  recording: string;
  scratch: string;
  messaging: Messaging;
  log: Logger;
}

/** Of what waits for a function only the newest is called with: a second picture may take the place of one that waits. */
const IN_FLIGHT = 1;
/** Offers are repeated sooner than an agent's are: a lost one must not cost the suite a quarter of a minute. */
const OFFER_WAITS_MS = [20_000, 40_000, 80_000];

/**
 * The agent of a camera that does not exist: it plays a recording as if it had just ended, and serves the footage of the
 * events in it, with the very parts of the real agent. It keeps nothing on this host.
 */
export class ContractAgent {
  /** What the footage is signed with. */
  readonly publicKey: string;
  readonly #play: (signal: AbortSignal) => Promise<ReplayResult>;
  readonly #close: () => Promise<void>;

  private constructor(
    publicKey: string,
    play: (signal: AbortSignal) => Promise<ReplayResult>,
    close: () => Promise<void>,
  ) {
    this.publicKey = publicKey;
    this.#play = play;
    this.#close = close;
  }

  /** Serves footage from now on. The caller closes it. */
  static async open({
    camera,
    recording,
    scratch,
    messaging,
    log,
  }: ContractAgentOptions): Promise<ContractAgent> {
    const id = camera;
    const settings = cameraSettings.parse({ source: `file:${recording}` });
    const serving = new AbortController();
    const teller = new ProfileTeller({ messaging }, log, serving.signal);
    await teller.tell({ [camera]: settings });
    const footage = await openReplayFootage({ dataDirectory: scratch, camera, settings, log });
    const attestor = await Attestor.open({ dataDirectory: join(scratch, 'agent'), agent: id, log });
    const uplink = new ClipUplink(systemClock, {
      ...usualUplink,
      storeMegabytes: await roomForSegments(messaging),
    });
    const agent = { id, camera, footage, messaging, log };
    const served = serveClips({
      ...{ ...agent, attestor, uplink, offerWaitsMs: OFFER_WAITS_MS },
      view: () => viewOf(settings),
      signal: serving.signal,
    });
    const play = async (signal: AbortSignal): Promise<ReplayResult> => {
      const { durationMs } = await probeRecording(recording, camera);
      // Fresh footage: a store that removes what is old must not remove it under our hands.
      const startUs = systemClock.nowUs() - Math.ceil(durationMs) * 1000;
      return await replayRecording({
        ...{ ...agent, settings, recording, startUs, signal, maxInFlight: IN_FLIGHT },
      });
    };
    const close = async (): Promise<void> => {
      serving.abort();
      await served;
      await footage.remove();
      await teller.withdraw([camera]);
    };
    return new ContractAgent(attestor.publicKey, play, close);
  }

  /** Plays the recording; resolves when every frame of it was answered, or passed over. */
  async play(signal: AbortSignal): Promise<ReplayResult> {
    return await this.#play(signal);
  }

  async close(): Promise<void> {
    await this.#close();
  }
}

/** As it is: opening the store would set it to what its opener is told. */
async function roomForSegments({ jsm }: Messaging): Promise<number> {
  try {
    const { config } = await jsm.streams.info(`OBJ_${buckets.segments}`);
    return config.max_bytes > 0 ? config.max_bytes / (1024 * 1024) : usualUplink.storeMegabytes;
  } catch {
    return usualUplink.storeMegabytes; // Nobody has made it yet.
  }
}
