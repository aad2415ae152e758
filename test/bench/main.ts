import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '@faascam/core/errors';
import { freePort } from '@faascam/core/ports';
import { demoVideo } from '@faascam/local/demo/video';
import { benchAccuracy } from './accuracy.ts';
import { benchAgentCost } from './agent-cost.ts';
import { benchAgentMany } from './agent-many.ts';
import { benchAgentPeer } from './agent-peer.ts';
import { benchAgentRecovery } from './agent-recovery.ts';
import { benchAgentSoak } from './agent-soak.ts';
import { benchAgentTime } from './agent-time.ts';
import { benchAgentTorn } from './agent-torn.ts';
import { benchAgentUplink } from './agent-uplink.ts';
import { benchBacklog } from './backlog.ts';
import { benchCameras } from './cameras.ts';
import { benchClips } from './clips.ts';
import { benchEvents } from './events.ts';
import { benchConnectorAndChain } from './connector.ts';
import { benchDetector } from './detector.ts';
import { benchImages } from './images.ts';
import { benchLive } from './live.ts';
import { benchLiveView } from './live-view.ts';
import { benchObjects } from './objects.ts';
import { lineOf, type Figure } from './figures.ts';
import { benchPage } from './page.ts';
import { benchReplay } from './replay.ts';
import { benchStages } from './stages.ts';
import { benchViewer } from './viewer.ts';

const LIVE_SECONDS = 120;

async function benchDecoding(scratch: string, decode: 'all' | 'auto'): Promise<Figure[]> {
  const { video, model } = await materialIn(scratch);
  const data = join(scratch, `data-${decode}`);
  return await benchLive({ video, model, data, port: await freePort(), seconds: LIVE_SECONDS, decode });
}
/** Only when asked for by name: they take an hour, and root. */
const SOAK = 'agent-soak';
const IMAGES = 'images';
const onDemand = [SOAK, IMAGES];

const { values, positionals: asked } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string' } },
});
const minutes = Number(values.minutes ?? 60);

/**
 * `script/bench [NAME ...] [--minutes N]`: prints figures; exits 1 when one misses its aim. `N` is how long the soak runs
 * (60), and how much quiet footage `objects` judges (1). Without a name all run but the soak and the images; `agent` is all that begin
 * with it but the soak.
 */
const benches: Record<string, (scratch: string) => Promise<Figure[]>> = {
  stages: async (scratch) => {
    const { video, model } = await materialIn(scratch);
    return await benchStages(video, model, scratch);
  },
  live: (scratch) => benchDecoding(scratch, 'all'),
  'live-view': benchLiveView,
  'live-auto': (scratch) => benchDecoding(scratch, 'auto'),
  connector: benchConnectorAndChain,
  replay: async (scratch) => await benchReplay((await materialIn(scratch)).model, scratch),
  cameras: async (scratch) => await benchCameras((await materialIn(scratch)).model, scratch),
  clips: benchClips,
  accuracy: benchAccuracy,
  detector: benchDetector,
  events: benchEvents,
  objects: () => benchObjects(values.minutes === undefined ? 1 : minutes),
  'agent-cost': benchAgentCost,
  'agent-peer': benchAgentPeer,
  'agent-many': benchAgentMany,
  'agent-time': benchAgentTime,
  'agent-recovery': benchAgentRecovery,
  'agent-torn': benchAgentTorn,
  'agent-uplink': benchAgentUplink,
  backlog: benchBacklog,
  page: () => benchPage(),
  viewer: benchViewer,
  [IMAGES]: benchImages,
  [SOAK]: (scratch) => benchAgentSoak(scratch, minutes),
};

interface Material {
  /** 1280x720 at 25 frames a second. */
  video: string;
  model: string;
}

let material: Promise<Material> | undefined;

/** Real footage and a real model where they lie beside the checkout, else the demo's; either as 1280x720@25. */
function materialIn(scratch: string): Promise<Material> {
  material ??= makeMaterial(scratch);
  return material;
}

async function makeMaterial(scratch: string): Promise<Material> {
  const shared = new URL('../../../../shared/data/', import.meta.url).pathname;
  const footage = join(shared, 'videos/one-by-one-person-detection.mp4');
  const real = existsSync(footage);
  const source = real ? footage : await demoVideo(scratch);
  const video = join(scratch, 'camera.mp4');
  const encode = '-r 25 -c:v libx264 -preset veryfast -g 50 -bf 0 -pix_fmt yuv420p'.split(' ');
  const filter = ['-vf', 'scale=1280:720,noise=alls=2:allf=t'];
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', source, ...filter, ...encode, video]);
  const model = real ? join(shared, 'models/yolox_nano_416.onnx') : 'faascam-demo';
  process.stdout.write(
    `Material: ${real ? 'real footage, yolox_nano' : 'the demo scene, the demo detector'}\n`,
  );
  return { video, model };
}

function isAsked(name: string): boolean {
  if (onDemand.includes(name) || asked.length > 0) {
    return (
      asked.includes(name) ||
      (!onDemand.includes(name) && name.startsWith('agent-') && asked.includes('agent'))
    );
  }
  return true;
}

const unknown = asked.filter((name) => name !== 'agent' && !(name in benches));
if (unknown.length > 0 || !(minutes > 0)) {
  const names = ['agent', ...Object.keys(benches)].join(', ');
  const fault = unknown.length > 0 ? `No bench is called ${unknown.join(', ')}` : '--minutes takes a number';
  process.stderr.write(`${fault}; there are ${names}.\n`);
  process.exitCode = 2;
} else {
  const scratch = mkdtempSync(join(tmpdir(), 'faascam-bench-'));
  try {
    for (const [name, bench] of Object.entries(benches)) {
      if (!isAsked(name)) continue;
      process.stdout.write(`\n${name}\n`);
      try {
        for (const figure of await bench(scratch)) {
          process.stdout.write(`  ${lineOf(figure)}\n`);
          if (figure.met === false) process.exitCode = 1;
        }
      } catch (error) {
        // The others may still tell something.
        process.stdout.write(`  FAILED: ${messageOf(error)}\n`);
        process.exitCode = 1;
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
