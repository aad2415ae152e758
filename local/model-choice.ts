import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Config } from '@faascam/core/config';
import { FaascamError, messageOf } from '@faascam/core/errors';
import { pullModel, resolveModel } from '@faascam/detect/registry';
import { DEFAULT_MODEL, DEMO_MODEL } from './quick-config.ts';
import { progress, tell } from './terminal.ts';

const run = promisify(execFile);

export function modelDirectoryOf(config: Config): string {
  return config.detect.modelDirectory || join(config.data, 'models');
}

/**
 * Throws `FaascamError` `model-unusable` with the reason when the detector cannot be loaded. It is tried in a process
 * of its own: the runtime's memory would stay in this one.
 */
async function requireLoadable(config: Config, signal: AbortSignal): Promise<void> {
  const program = new URL('../../bin/faascam.js', import.meta.url).pathname;
  const args = [program, 'model', 'check', config.detect.model, '--models', modelDirectoryOf(config)];
  try {
    await run(process.execPath, args, { signal });
  } catch (error) {
    signal.throwIfAborted();
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : messageOf(error);
    throw new FaascamError('model-unusable', said.trim().replace(/^Error: /, ''), { cause: error });
  }
}

/**
 * The config with a model that is there. The default model is downloaded at first use; where that fails, the bundled
 * demo model steps in, with a plain warning that it knows only the demo scene. A model that the user named never
 * is replaced: its absence is an error.
 */
export async function withModel(config: Config, named: boolean, signal: AbortSignal): Promise<Config> {
  const directory = modelDirectoryOf(config);
  const { model } = config.detect;
  try {
    await resolveModel(model, directory);
    await requireLoadable(config, signal);
    return config;
  } catch (error) {
    if (named || model !== DEFAULT_MODEL) throw error;
    if (!(error instanceof FaascamError)) throw error;
  }
  const bar = progress(`Downloading the detector ${model}`, 'kB');
  try {
    await pullModel(model, directory, {
      signal,
      onProgress: ({ receivedBytes, totalBytes }) => bar.update(receivedBytes / 1024, totalBytes / 1024),
    });
    return config;
  } catch (error) {
    signal.throwIfAborted();
    tell(
      `Warning: the detector ${model} could not be downloaded (${messageOf(error)}). The bundled demo model is used, ` +
        `which knows only the demo scene: run "faascam model pull ${model}" when online, or give --model FILE.`,
    );
    return { ...config, detect: { ...config.detect, model: DEMO_MODEL } };
  } finally {
    bar.end();
  }
}
