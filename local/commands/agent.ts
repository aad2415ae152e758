import { UsageError } from '@faascam/core/errors';
import { createLogger } from '@faascam/core/log';
import { requireProgram } from '@faascam/core/programs';
import { statusLine } from '@faascam/edge-agent/status-line';
import { orderOf, runAgentProcess } from '../agent-process.ts';
import { keepConfig } from '../config-reload.ts';
import { lockData } from '../data-lock.ts';
import { withDemo } from '../demo/demo-source.ts';
import { configOf, type CommandLine } from '../quick-config.ts';
import { serviceManager } from '../service-manager.ts';
import { tell } from '../terminal.ts';

/** `faascam agent`: the edge agent alone, on the camera's host, for a NATS server elsewhere. */
export async function agent(line: CommandLine, signal: AbortSignal): Promise<void> {
  const asked = configOf(line);
  if (asked.nats.url === '') {
    throw new UsageError(
      'usage',
      'The agent needs a NATS server: give --nats nats://HOST:4222, nats.url in the config file, or NATS_URL ("faascam up" runs everything on one machine).',
    );
  }
  await requireProgram('ffmpeg');
  const unlock = await lockData(asked.data);
  let keeping: Promise<void> = Promise.resolve();
  const manager = serviceManager({ env: process.env, log: createLogger('agent') });
  signal.addEventListener('abort', () => void manager?.stopping(), { once: true });
  try {
    const config = await withDemo(asked, signal);
    await runAgentProcess({
      order: orderOf(config),
      onHealth: (health) => manager?.alive(statusLine(health)),
      onRunning: (running, log, stop) => {
        manager?.ready();
        tell(`The agent ${config.agent.id} runs ${Object.keys(config.cameras).length} cameras.`);
        const take = async (changed: typeof config): Promise<void> => {
          await running.apply(orderOf(await withDemo(changed, stop), asked.nats));
        };
        keeping = keepConfig({ line, config: asked, take, log, signal: stop });
      },
    });
  } finally {
    await keeping;
    await unlock();
  }
}
