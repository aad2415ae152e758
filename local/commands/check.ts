import { readConfig } from '@faascam/core/config';
import { parseSource } from '@faascam/edge-agent/sources/source';
import { redact } from '@faascam/core/redact';
import { DEMO_SOURCE } from '../quick-config.ts';
import { print } from '../terminal.ts';

/** `faascam check`: whether a config file is right, without starting anything. */
export function check(path: string): void {
  const config = readConfig(path);
  for (const [id, camera] of Object.entries(config.cameras)) {
    if (camera.source !== DEMO_SOURCE) parseSource(camera.source);
    print(
      `${id}: ${redact(camera.source)}, ${camera.frames.fps} frames/s, ring of ${camera.ring.minutes} min`,
    );
  }
  print(`${path} is right.`);
}
