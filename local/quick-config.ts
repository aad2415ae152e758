import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { configSchema, readConfig, type Config } from '@faascam/core/config';
import { UsageError } from '@faascam/core/errors';
import { cameraIdFrom } from '@faascam/core/ids';
import { parseSource } from '@faascam/edge-agent/sources/source';
import { asksForEnvironment, environmentConfig } from './environment.ts';

/** What the command line says; it goes before the config file. */
export interface CommandLine {
  source?: string | undefined;
  config?: string | undefined;
  data?: string | undefined;
  port?: number | undefined;
  model?: string | undefined;
  nats?: string | undefined;
  /** Where downloaded models lie, instead of `models` in the data folder. */
  models?: string | undefined;
}

export const DEMO_SOURCE = 'demo:';
export const DEMO_MODEL = 'faascam-demo';
/** What looks at real cameras unless told otherwise. */
export const DEFAULT_MODEL = 'yolox-nano';

/**
 * The config of a command line: the file's if one is named, else one camera with the given source, else the camera that
 * the environment describes, else the demo. Throws `UsageError`.
 */
export function configOf(line: CommandLine, env = process.env): Config {
  if (line.source !== undefined && line.config !== undefined) {
    throw new UsageError('usage', 'Give either a camera source or --config, not both.');
  }
  const config =
    line.config !== undefined
      ? readConfig(line.config, env)
      : line.source === undefined && asksForEnvironment(env)
        ? environmentConfigOf(env)
        : quickConfig(line.source ?? DEMO_SOURCE);
  return {
    ...config,
    data: resolve(line.data ?? config.data),
    page: { ...config.page, port: line.port ?? config.page.port },
    nats: { ...config.nats, url: line.nats ?? config.nats.url },
    detect: {
      ...config.detect,
      model: modelOf(line.model ?? config.detect.model),
      modelDirectory: line.models ?? config.detect.modelDirectory,
    },
  };
}

function environmentConfigOf(env: NodeJS.ProcessEnv): Config {
  const config = environmentConfig(env, defaultsOf);
  for (const { source } of Object.values(config.cameras)) requireSource(source);
  const { agent, store } = config;
  return {
    ...config,
    agent: { ...agent, ringPath: agent.ringPath === '' ? '' : resolve(agent.ringPath) },
    store: store.kind === 'directory' && store.path !== '' ? { ...store, path: resolve(store.path) } : store,
  };
}

/** The only camera is wrong, so there is nothing to run. Among others it would be one that says so in its health. */
function requireSource(source: string): void {
  if (source !== DEMO_SOURCE) parseSource(source);
}

function quickConfig(source: string): Config {
  requireSource(source);
  const { id, model } = defaultsOf(source);
  return configSchema.parse({ cameras: { [id]: { source } }, detect: { model } });
}

function defaultsOf(source: string): { id: string; model: string } {
  return { id: cameraIdOf(source), model: source === DEMO_SOURCE ? DEMO_MODEL : DEFAULT_MODEL };
}

function cameraIdOf(source: string): string {
  if (source === DEMO_SOURCE) return 'demo';
  const bare = source.replace(/^[a-z0-9]+:(\/\/)?([^@/]*@)?/i, '').replace(/[?#].*$/, '');
  const last = bare.split('/').filter(Boolean).at(-1) ?? '';
  return cameraIdFrom(last.replace(/\.[a-z0-9]{1,5}$/i, '') || bare);
}

/** A model given as a file is found from any folder. */
function modelOf(model: string): string {
  return existsSync(model) ? resolve(model) : model;
}
