import { UsageError } from '@faascam/core/errors';
import { requireProgram } from '@faascam/core/programs';
import { runAgentProcess } from '../agent-process.ts';
import { lockData } from '../data-lock.ts';
import { configOf, type CommandLine } from '../quick-config.ts';
import { tell } from '../terminal.ts';
import { withDemo } from './up.ts';

/** `faascam agent`: the edge agent alone, on the camera's host, for a NATS server elsewhere. */
export async function agent(line: CommandLine, signal: AbortSignal): Promise<void> {
  const asked = configOf(line);
  if (asked.nats.url === '') {
    throw new UsageError(
      'usage',
      'The agent needs a NATS server: give --nats nats://HOST:4222, or nats.url in the config file ("faascam up" runs everything on one machine).',
    );
  }
  await requireProgram('ffmpeg');
  const unlock = await lockData(asked.data);
  try {
    const config = await withDemo(asked, signal);
    await runAgentProcess(
      {
        id: config.agent.id,
        dataDirectory: config.data,
        natsUrl: config.nats.url,
        cameras: config.cameras,
      },
      () => tell(`The agent ${config.agent.id} runs ${Object.keys(config.cameras).length} cameras.`),
    );
  } finally {
    await unlock();
  }
}
