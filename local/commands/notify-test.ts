import { FaascamError, UsageError } from '@faascam/core/errors';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { natsUsers } from '@faascam/core/nats-users';
import { redact } from '@faascam/core/redact';
import { tryTarget, type Trial } from '@faascam/notify/trial';
import { natsReaderOf } from '../nats-address.ts';
import { type CommandLine, configOf } from '../quick-config.ts';
import { print } from '../terminal.ts';

/** `faascam notify test`: a test notification to one target, or to each, and what came back. */
export async function notifyTest(name: string | undefined, command: CommandLine): Promise<void> {
  const config = configOf({ ...command, source: undefined });
  const names = name === undefined ? Object.keys(config.notify.targets) : [name];
  if (names.length === 0) {
    throw new UsageError(
      'usage',
      'The config names no notify.targets to test: docs/notifications.md tells how.',
    );
  }
  let opened: Messaging | undefined;
  const messaging = async (): Promise<Messaging> => {
    const nats = await natsReaderOf(config, process.env, natsUsers.notify);
    if (nats === undefined) {
      throw new FaascamError(
        'no-nats',
        `Browsers' addresses are in NATS: no faascam runs with the data folder ${config.data}; give --nats nats://host:4222, --data or --config.`,
      );
    }
    opened ??= await connectNats(nats, 'faascam notify test', { reconnect: false });
    return opened;
  };
  const trials: Trial[] = [];
  try {
    for (const each of names)
      trials.push(...(await trialsOf(each, () => tryTarget(each, { settings: config.notify, messaging }))));
  } finally {
    await opened?.nc.close();
  }
  const failed = trials.filter(({ delivered }) => !delivered);
  if (failed.length > 0) {
    throw new FaascamError(
      'not-delivered',
      `${failed.length} of ${trials.length} were not delivered, see above.`,
    );
  }
}

/** What is wrong with one target keeps no other from being tried. */
async function trialsOf(target: string, attempt: () => Promise<Trial[]>): Promise<Trial[]> {
  let trials: Trial[];
  try {
    trials = await attempt();
  } catch (error) {
    if (!(error instanceof FaascamError) || error.code === 'usage') throw error;
    trials = [{ target, delivered: false, said: error.message }];
  }
  for (const { delivered, said } of trials) {
    print(`${delivered ? 'delivered' : 'failed   '}  ${target}: ${redact(said)}`);
  }
  return trials;
}
