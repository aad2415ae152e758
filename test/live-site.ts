import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kvm } from '@nats-io/kv';
import { build } from 'esbuild';
import { systemClock } from '@faascam/core/clock';
import { liveSettings, type LiveSettings } from '@faascam/core/live-settings';
import { createLogger } from '@faascam/core/log';
import type { AgentHealth, CameraHealth } from '@faascam/core/messages';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { startNatsServer, type NatsServer } from '@faascam/core/nats-server';
import { openStore } from '@faascam/core/store';
import { buckets } from '@faascam/core/subjects';
import { openCameraTest, type CameraTest } from '@faascam/edge-agent/capture/test-camera';
import { LiveTap } from '@faascam/edge-agent/live/live-tap';
import { LiveView } from '@faascam/edge-agent/live/live-view';
import { linkOf } from '@faascam/edge-agent/uplink';
import { loadPageFiles } from '@faascam/viewer/page-files';
import { hostHandler, type HandlerHost } from '@faascam/viewer/fixture';
import { Viewer } from '@faascam/viewer/viewer';

export const SECRET = 'a-secret-of-the-test-only-0123456789';
export const PROGRAM = 'a-token-of-a-program-0123456789';

/** Plays `?camera=`, by `?kinds=` alone where given, and tells what happens in `window.live`. */
const PAGE = `<!doctype html><meta charset="utf-8"><style>body{margin:0}video,canvas{width:100%}</style><div id="live"></div>
<script type="module">
import { playLive } from './player.js';
const asked = new URLSearchParams(location.search);
const kinds = asked.get('kinds')?.split(',');
window.live = { paths: [], faults: [] };
window.stopLive = playLive(document.getElementById('live'), asked.get('camera'), {
  base: new URL('./', location.href).href,
  ...(kinds ? { kinds } : {}),
  onPath: (path) => window.live.paths.push(path),
  onFault: (fault) => window.live.faults.push(fault),
});
</script>`;

/** An agent's live view of test cameras, the viewer, and NATS between them. The caller closes it. */
export interface LiveSite {
  directory: string;
  view: LiveView;
  /** Of the agent's live server. */
  url: string;
  taps: Map<string, LiveTap>;
  /** Of the page that plays. */
  pageUrl: string;
  messaging: Messaging;
  add(camera: string, source: string): Promise<CameraTest>;
  close(): Promise<void>;
}

export async function openLiveSite(settings: Partial<LiveSettings> = {}): Promise<LiveSite> {
  const directory = await mkdtemp(join(tmpdir(), 'faascam-live-'));
  const log = createLogger('test');
  const server: NatsServer = await startNatsServer({ directory: join(directory, 'nats') });
  const messaging = await connectNats(server.url, 'test');
  const taps = new Map<string, LiveTap>();
  const units = new Map<string, { tap: LiveTap }>();
  const cameras: CameraTest[] = [];
  const view = await LiveView.start({
    settings: {
      ...liveSettings.parse({ secret: SECRET, programs: [{ name: 'test', token: PROGRAM }] }),
      ...settings,
    },
    cameras: units,
    nats: linkOf(messaging),
    ...{ clock: systemClock, log },
  });
  if (view === undefined) throw new Error('live view is off');
  const health = view.health;
  const store = await openStore({ kind: 'directory', path: '' }, directory);
  const viewer = new Viewer({
    ...{ store, nats: { url: server.url }, clock: systemClock, log, liveSecret: SECRET, streamMs: 20_000 },
    page: await loadPageFiles(),
  });
  const player = await bundledPlayer();
  const host: HandlerHost = await hostHandler(async (event, context) => {
    const type =
      event.path === '/live.html' ? 'text/html' : event.path === '/player.js' ? 'text/javascript' : '';
    if (type === '') return await viewer.handle(event, context);
    return context
      .status(200)
      .headers({ 'Content-Type': type })
      .succeed(type === 'text/html' ? PAGE : player);
  }, '/function/viewer');
  const tell = async (): Promise<void> => {
    const camera: CameraHealth = {
      ...{ state: 'streaming', framesPublished: 0, framesDropped: 0, restarts: 0 },
      ring: { segments: 0, bytes: 0, spanMs: 0 },
    };
    const told: AgentHealth = {
      ...{ v: 1, agent: 'test', atUs: Date.now() * 1000, software: 'test', live: health },
      cameras: Object.fromEntries([...taps.keys()].map((id) => [id, camera])),
    };
    const bucket = await new Kvm(messaging.nc).create(buckets.agents);
    await bucket.put('test', JSON.stringify(told));
  };
  return {
    directory,
    view,
    url: health?.url ?? '',
    taps,
    pageUrl: `${host.url}live.html`,
    messaging,
    add: async (camera, source) => {
      const tap = new LiveTap(systemClock, log);
      taps.set(camera, tap);
      units.set(camera, { tap });
      view.camerasChanged();
      const opened = await openCameraTest(directory, { source }, { tap });
      cameras.push(opened);
      await tell();
      await messaging.nc.flush();
      return opened;
    },
    close: async () => {
      await host.stop();
      await viewer.close();
      await view.close();
      for (const camera of cameras) await camera.stop();
      await store.close();
      await messaging.nc.close();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The page's player as one file. */
async function bundledPlayer(): Promise<string> {
  const player = new URL('../functions/viewer/page/live-player.ts', sourceFolder()).pathname;
  const { outputFiles } = await build({ entryPoints: [player], bundle: true, format: 'esm', write: false });
  return outputFiles[0]?.text ?? '';
}

/** Of this file's source, also when it runs from `dist`. */
function sourceFolder(): URL {
  const here = new URL('.', import.meta.url);
  return here.pathname.endsWith('/dist/') ? new URL('../', here) : here;
}
