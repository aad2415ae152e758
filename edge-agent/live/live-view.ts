import type { Clock } from '@faascam/core/clock';
import { messageOf } from '@faascam/core/errors';
import type { LiveSettings } from '@faascam/core/live-settings';
import type { Logger } from '@faascam/core/log';
import type { AgentHealth } from '@faascam/core/messages';
import type { NatsLink } from '../uplink.ts';
import { LiveCameras } from './live-cameras.ts';
import { LiveControl } from './live-control.ts';
import { LiveServer } from './live-server.ts';
import type { LiveTap } from './live-tap.ts';

export interface LiveViewOptions {
  settings: LiveSettings;
  /** As they are at each moment. */
  cameras: ReadonlyMap<string, { readonly tap: LiveTap }>;
  nats: NatsLink;
  clock: Clock;
  log: Logger;
}

/** How an agent is watched: by its own server, and through NATS. What is wrong with either never stops the agent. */
export class LiveView {
  readonly #options: LiveViewOptions;
  readonly #cameras: LiveCameras;
  readonly #control: LiveControl;
  readonly #stop = new AbortController();
  #server: LiveServer | undefined;

  private constructor(options: LiveViewOptions) {
    this.#options = options;
    this.#cameras = new LiveCameras(options);
    this.#control = new LiveControl({ ...options, cameras: this.#cameras });
  }

  /** Undefined where it is switched off. The caller closes it. */
  static async start(options: LiveViewOptions): Promise<LiveView | undefined> {
    const { settings, log } = options;
    if (!settings.enabled) return undefined;
    const view = new LiveView(options);
    try {
      view.#server = await LiveServer.listen(settings, view.#cameras, log);
    } catch (error) {
      log.error(
        `The live server cannot listen on ${settings.host}:${settings.port} (${messageOf(error)}): change live.host or live.port. Live view goes through NATS alone.`,
      );
    }
    return view;
  }

  /** How browsers reach its server; undefined when it has none. */
  get health(): AgentHealth['live'] {
    if (this.#server === undefined) return undefined;
    const { stun } = this.#options.settings;
    return { url: this.#server.url, ...(stun === '' ? {} : { stun }) };
  }

  /** To be called when cameras came or went. */
  camerasChanged(): void {
    const { nats, cameras } = this.#options;
    void nats.first(this.#stop.signal).then((messaging) => {
      if (messaging !== undefined && !this.#stop.signal.aborted)
        this.#control.serve(messaging.nc, cameras.keys());
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#control.close();
    await this.#server?.close();
    await this.#cameras.close();
  }
}
