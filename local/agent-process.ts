import { z } from 'zod';
import { messageOf, UsageError } from '@faascam/core/errors';
import { cameraId } from '@faascam/core/ids';
import { createLogger } from '@faascam/core/log';
import { connectNats } from '@faascam/core/messaging';
import { cameraSettings } from '@faascam/core/settings';
import { runAgent } from '@faascam/edge-agent/agent';

/** What `faascam up` hands to its agent: through the environment, where `ps` does not show camera passwords. */
export const agentOrder = z.object({
  id: cameraId,
  dataDirectory: z.string(),
  natsUrl: z.string(),
  cameras: z.record(cameraId, cameraSettings),
});
export type AgentOrder = z.infer<typeof agentOrder>;

/** Asks the agent to end its cameras, and to go on serving clips of what it has recorded. */
export const STOP_RECORDING = 'SIGUSR2';

/** What it says to its parent when that is done. */
export const RECORDING_ENDED = 'recordingEnded';

/** Runs the agent until SIGTERM, SIGINT or the end of the parent. */
export async function runAgentProcess(order: AgentOrder, onStarted: () => void): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
  process.once('disconnect', () => stop.abort());
  const stopRecording = new AbortController();
  process.once(STOP_RECORDING, () => stopRecording.abort());
  const log = createLogger('agent');
  const messaging = await connectNats(order.natsUrl, `faascam agent ${order.id}`);
  try {
    onStarted();
    await runAgent({
      id: order.id,
      dataDirectory: order.dataDirectory,
      cameras: order.cameras,
      messaging,
      log,
      signal: stop.signal,
      stopRecording: stopRecording.signal,
      onRecordingEnded: () => process.send?.({ [RECORDING_ENDED]: true }),
    });
  } finally {
    await messaging.nc.drain();
  }
}

const text = process.env['FAASCAM_AGENT'];
if (text !== undefined && process.send !== undefined) {
  delete process.env['FAASCAM_AGENT'];
  try {
    const parsed = agentOrder.safeParse(JSON.parse(text));
    if (!parsed.success) throw new UsageError('bad-order', 'The agent was started with a malformed order.');
    await runAgentProcess(parsed.data, () => process.send?.({ ready: true }));
  } catch (error) {
    process.send({ failed: messageOf(error) });
    process.exitCode = 1;
  }
  if (process.connected) process.disconnect();
}
