import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@faascam/core/ports';
import { demoVideo } from '@faascam/local/demo/video';
import { benchAccuracy } from './accuracy.ts';
import { benchLive } from './live.ts';
import { lineOf, type Figure } from './figures.ts';
import { benchConnector } from '@faascam/connector/bench';
import { benchReplay } from './replay.ts';
import { benchStages } from './stages.ts';

/** `script/bench [stages|live|connector|replay|accuracy ...]`: prints figures; exits 1 when one misses its aim. */
const benches: Record<string, (material: Material) => Promise<Figure[]>> = {
  stages: ({ video, model, scratch }) => benchStages(video, model, scratch),
  live: async ({ video, model, scratch }) =>
    await benchLive({
      video,
      model,
      data: join(scratch, 'data'),
      port: await freePort(),
      seconds: LIVE_SECONDS,
    }),
  connector: async () => {
    const { connectorPerSecond, plainPerSecond, latencyMs } = await benchConnector();
    return [
      {
        name: 'connector, 20 ms handler, 32 in flight',
        value: connectorPerSecond,
        unit: 'calls/s',
        aim: 'at least 400',
        met: connectorPerSecond >= 400,
      },
      { name: 'a plain HTTP loop, likewise', value: plainPerSecond, unit: 'calls/s' },
      { name: 'publish to handler, p50', value: latencyMs.p50, unit: 'ms' },
      { name: 'publish to handler, p95', value: latencyMs.p95, unit: 'ms' },
    ];
  },
  replay: ({ model, scratch }) => benchReplay(model, scratch),
  accuracy: benchAccuracy,
};
const LIVE_SECONDS = 120;

interface Material {
  /** 1280x720 at 25 frames a second. */
  video: string;
  model: string;
  scratch: string;
}

/** Real footage and a real model where they lie beside the checkout, else the demo's; either as 1280x720@25. */
async function materialIn(scratch: string): Promise<Material> {
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
  return { video, model, scratch };
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in benches));
if (unknown.length > 0) {
  process.stderr.write(
    `No bench is called ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.\n`,
  );
  process.exitCode = 2;
} else {
  const scratch = mkdtempSync(join(tmpdir(), 'faascam-bench-'));
  try {
    const material = await materialIn(scratch);
    for (const [name, bench] of Object.entries(benches)) {
      if (asked.length > 0 && !asked.includes(name)) continue;
      process.stdout.write(`\n${name}\n`);
      for (const figure of await bench(material)) {
        process.stdout.write(`  ${lineOf(figure)}\n`);
        if (figure.met === false) process.exitCode = 1;
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
