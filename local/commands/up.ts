import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '@faascam/core/config';
import { createLogger } from '@faascam/core/log';
import { requirePort } from '@faascam/core/ports';
import { requireProgram } from '@faascam/core/programs';
import { agentFlags } from '../agent-flags.ts';
import { orderOf, RECORDING_ENDED, STOP_RECORDING } from '../agent-process.ts';
import { startChild, type Child } from '../child.ts';
import { keepConfig } from '../config-reload.ts';
import { lockData } from '../data-lock.ts';
import { withDemo } from '../demo/demo-source.ts';
import { hasUsersFile, listeningHost } from '../listening.ts';
import { withLiveSecret } from '../live-secret.ts';
import { natsUrlFile } from '../nats-address.ts';
import { withModel } from '../model-choice.ts';
import { drained, startPipeline, type Pipeline } from '../pipeline.ts';
import { configOf, type CommandLine } from '../quick-config.ts';
import { requireStore } from '../store-check.ts';
import { sweepRegularly } from '../retention-sweeps.ts';
import { supervise, type Supervised } from '../supervise.ts';
import { print, tell } from '../terminal.ts';

/** How long Ctrl-C waits for clips that are on their way; what is left is finished at the next start. */
const FINISH_LIMIT_MS = 20_000;
const AGENT_LIMIT_MS = 15_000;

/** `faascam up`: everything on this machine, until Ctrl-C. */
export async function up(line: CommandLine, signal: AbortSignal): Promise<void> {
  const asked = configOf(line);
  for (const program of ['ffmpeg', 'ffprobe', 'nats-server'] as const) await requireProgram(program);
  const unlock = await lockData(asked.data);
  try {
    const { host, notice } = listeningHost(asked.page, await hasUsersFile(asked));
    if (notice !== undefined) tell(notice);
    await requirePort(asked.page.port, host, 'the page');
    await requireStore(asked, true);
    const named = line.model !== undefined || line.config !== undefined;
    const ready = await withLiveSecret(await withModel(await withDemo(asked, signal), named, signal));
    signal.throwIfAborted();
    await serve({ ...ready, page: { ...ready.page, host } }, { line, asked }, signal);
  } finally {
    await unlock();
  }
}

/** `given`: the command line, and the config as it says. */
async function serve(
  config: Config,
  given: { line: CommandLine; asked: Config },
  signal: AbortSignal,
): Promise<void> {
  const log = createLogger('faascam');
  const pipeline = await startPipeline({
    config,
    natsDirectory: join(config.data, 'nats'),
    freshness: 'newest',
    port: config.page.port,
    keepRunning: true,
  });
  const ending = new AbortController();
  const sweeping = sweepRegularly(config, log, AbortSignal.any([signal, ending.signal]));
  let agent: Supervised | undefined;
  let child: Child | undefined;
  try {
    if (config.nats.url === '') await writeFile(natsUrlFile(config.data), pipeline.nats.url, { mode: 0o600 });
    let order = orderOf(config, pipeline.nats);
    const startAgent = async (): Promise<Child> => {
      const script = new URL('../agent-process.js', import.meta.url);
      const env = { FAASCAM_AGENT: JSON.stringify(order) };
      return (child = await startChild('agent', script, env, agentFlags));
    };
    agent = await supervise(startAgent, log);
    print(`faascam is ready: ${pipeline.pageUrl}/`);
    tell(`Cameras: ${Object.keys(config.cameras).join(', ')}. Data: ${config.data}. Stop with Ctrl-C.`);
    const take = async (changed: Config): Promise<void> => {
      order = orderOf(await withLiveSecret(await withDemo(changed, signal)), pipeline.nats);
      child?.send({ order });
    };
    await keepConfig({ line: given.line, config: given.asked, take, log, signal });
    await aborted(signal);
    tell('Stopping: finishing the clips that are on their way (Ctrl-C again to stop at once).');
    if (child !== undefined) await finish(pipeline, child);
  } finally {
    ending.abort();
    await rm(natsUrlFile(config.data), { force: true });
    await agent?.stop(AGENT_LIMIT_MS);
    await pipeline.stop();
    await sweeping;
  }
  tell('faascam has stopped.');
}

/** Cameras end first, which is told as if they were lost, so that open events end; then their clips are stored. */
async function finish(pipeline: Pipeline, agent: Child): Promise<void> {
  const limit = new AbortController();
  const stopNow = (): void => limit.abort();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, stopNow);
  const timer = setTimeout(stopNow, FINISH_LIMIT_MS);
  try {
    const ended = agent.tells(RECORDING_ENDED);
    agent.signal(STOP_RECORDING);
    await Promise.race([ended, aborted(limit.signal)]);
    await drained(pipeline.messaging, limit.signal);
  } catch (error) {
    if (!limit.signal.aborted) throw error;
    tell('Some clips are not finished; they will be at the next start.');
  } finally {
    clearTimeout(timer);
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, stopNow);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
