import { z } from 'zod';
import { configRevision, configSchema, type Config } from '@faascam/core/config';
import { messageOf, UsageError } from '@faascam/core/errors';
import { cameraId } from '@faascam/core/ids';
import { liveSettings } from '@faascam/core/live-settings';
import type { AgentHealth } from '@faascam/core/messages';
import { createLogger, type Logger } from '@faascam/core/log';
import { connectNats } from '@faascam/core/messaging';
import { connectionOptions, natsSettings, type NatsSettings } from '@faascam/core/nats-access';
import { agentUser } from '@faascam/core/nats-users';
import { cameraSettings } from '@faascam/core/camera-settings';
import { runAgent, type RunningAgent } from '@faascam/edge-agent/agent';

/** What `faascam up` hands to its agent: through the environment, where `ps` does not show camera passwords. */
export const agentOrder = z.object({
  id: cameraId,
  dataDirectory: z.string(),
  ringPath: z.string(),
  ringMegabytes: z.number().nonnegative(),
  allowExec: z.boolean(),
  uplink: configSchema.shape.uplink,
  nats: natsSettings,
  cameras: z.record(cameraId, cameraSettings),
  live: liveSettings,
  configRevision: z.string(),
});
export type AgentOrder = z.infer<typeof agentOrder>;

/** What its parent sends when the config has changed; of the order, only what an agent takes over while it runs counts. */
const changedOrder = z.object({ order: agentOrder });

/** Asks the agent to end its cameras, and to go on serving clips of what it has recorded. */
export const STOP_RECORDING = 'SIGUSR2';

/** What it says to its parent when that is done. */
export const RECORDING_ENDED = 'recordingEnded';

/** The agent's part of a config. */
export function orderOf(config: Config, nats: NatsSettings = config.nats): AgentOrder {
  const { id, ringPath, ringMegabytes, allowExec } = config.agent;
  return {
    ...{ id, ringPath, ringMegabytes, allowExec, nats, dataDirectory: config.data },
    ...{ cameras: config.cameras, uplink: config.uplink, live: config.live },
    configRevision: configRevision(config),
  };
}

export interface AgentProcessOptions {
  order: AgentOrder;
  /** Called once the agent runs and can be given another order; `signal` is aborted when it is to end. */
  onRunning: (agent: RunningAgent, log: Logger, signal: AbortSignal) => void;
  /** See `AgentOptions.onHealth`. */
  onHealth?: (health: AgentHealth) => void;
}

/**
 * Runs the agent until SIGTERM, SIGINT or the end of the parent. Throws `UsageError` at once for a way to NATS that can never be
 * one: an address that is none, a key or certificate that is not there. Whatever else keeps NATS away is waited for.
 */
export async function runAgentProcess(options: AgentProcessOptions): Promise<void> {
  const { order, onRunning } = options;
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
  process.once('disconnect', () => stop.abort());
  const stopRecording = new AbortController();
  process.once(STOP_RECORDING, () => stopRecording.abort());
  const log = createLogger('agent');
  const access = { ...order.nats, identity: agentUser(order.id) };
  connectionOptions(access);
  await runAgent({
    ...order,
    connect: () => connectNats(access, `faascam agent ${order.id}`),
    log,
    signal: stop.signal,
    stopRecording: stopRecording.signal,
    onRecordingEnded: () => process.send?.({ [RECORDING_ENDED]: true }),
    onRunning: (agent) => onRunning(agent, log, stop.signal),
    onHealth: options.onHealth,
  });
}

const text = process.env['FAASCAM_AGENT'];
if (text !== undefined && process.send !== undefined) {
  delete process.env['FAASCAM_AGENT'];
  // A closed terminal is the parent's business.
  process.on('SIGHUP', () => undefined);
  let newest: AgentOrder | undefined;
  let take = (order: AgentOrder): void => void (newest = order);
  process.on('message', (message) => {
    const changed = changedOrder.safeParse(message);
    if (changed.success) take(changed.data.order);
  });
  try {
    const parsed = agentOrder.safeParse(JSON.parse(text));
    if (!parsed.success) throw new UsageError('bad-order', 'The agent was started with a malformed order.');
    await runAgentProcess({
      order: parsed.data,
      onRunning: (agent, log) => {
        process.send?.({ ready: true });
        take = (order) => {
          agent.apply(order).catch((error: unknown) => log.error(messageOf(error)));
        };
        // It came while the agent was starting.
        if (newest !== undefined) take(newest);
      },
    });
  } catch (error) {
    process.send({ failed: messageOf(error) });
    process.exitCode = 1;
  }
  if (process.connected) process.disconnect();
}
