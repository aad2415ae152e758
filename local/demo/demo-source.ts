import { join } from 'node:path';
import type { Config } from '@faascam/core/config';
import { DEMO_SOURCE } from '../quick-config.ts';
import { progress } from '../terminal.ts';

/** The config with `demo:` replaced by the rendered scene. */
export async function withDemo(config: Config, signal: AbortSignal): Promise<Config> {
  const demos = Object.values(config.cameras).filter(({ source }) => source === DEMO_SOURCE);
  if (demos.length === 0) return config;
  const bar = progress('Rendering the demo scene', 'frames');
  const { demoVideo } = await import('./video.ts');
  const path = await demoVideo(join(config.data, 'demo'), {
    signal,
    onProgress: (done, frames) => bar.update(done, frames),
  });
  bar.end();
  const cameras = Object.fromEntries(
    Object.entries(config.cameras).map(([id, camera]) => [
      id,
      camera.source === DEMO_SOURCE ? { ...camera, source: `file:${path}` } : camera,
    ]),
  );
  return { ...config, cameras };
}
