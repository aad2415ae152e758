import {
  deadLetters,
  removeDeadLetter,
  retryDeadLetter,
  type StoredDeadLetter,
} from '@faascam/connector/dead-letters';
import { FaascamError, UsageError } from '@faascam/core/errors';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { natsUsers } from '@faascam/core/nats-users';
import { sizeText } from '../event-table.ts';
import { localTime } from '../local-time.ts';
import { natsReaderOf } from '../nats-address.ts';
import { type CommandLine, configOf } from '../quick-config.ts';
import { tableOf } from '../table.ts';
import { print, tell } from '../terminal.ts';

export interface DeadLettersCommand extends CommandLine {
  /** One a line as JSON. */
  json?: boolean | undefined;
  all?: boolean | undefined;
}

/** `faascam deadletters list`: messages that could not be delivered to their function, the oldest first. */
export async function deadLettersList(command: DeadLettersCommand, signal: AbortSignal): Promise<void> {
  await withNats(command, async (messaging) => {
    const table = tableOf(print);
    if (command.json !== true)
      table.add(['NUMBER', 'WHEN', 'FUNCTION', 'SUBJECT', 'SIZE', 'STATUS', 'REASON']);
    let count = 0;
    for await (const letter of deadLetters(messaging)) {
      signal.throwIfAborted();
      count += 1;
      if (command.json === true) print(JSON.stringify(letter));
      else table.add(row(letter));
    }
    if (count > 0) table.end();
    else tell('There are no dead letters.');
  });
}

/** `faascam deadletters retry`: publishes them again on their subjects. */
export async function deadLettersRetry(
  numbers: string[],
  command: DeadLettersCommand,
  signal: AbortSignal,
): Promise<void> {
  await eachOf(numbers, command, signal, 'sent again', async (messaging, seq) => {
    const { functionName, subject } = await retryDeadLetter(messaging, seq);
    print(`${seq}  ${functionName}  ${subject}`);
  });
}

/** `faascam deadletters rm`: lets them go for good. */
export async function deadLettersRm(
  numbers: string[],
  command: DeadLettersCommand,
  signal: AbortSignal,
): Promise<void> {
  await eachOf(numbers, command, signal, 'removed', removeDeadLetter);
}

async function eachOf(
  numbers: string[],
  command: DeadLettersCommand,
  signal: AbortSignal,
  what: string,
  act: (messaging: Messaging, seq: number) => Promise<void>,
): Promise<void> {
  if (numbers.length > 0 === (command.all === true))
    throw new UsageError('usage', 'Say which: numbers of "faascam deadletters list", or --all.');
  const asked = numbers.map(numberOf);
  await withNats(command, async (messaging) => {
    const chosen = command.all === true ? await allNumbers(messaging) : asked;
    let failed = 0;
    for (const seq of chosen) {
      signal.throwIfAborted();
      try {
        await act(messaging, seq);
      } catch (error) {
        // The others can do nothing for it.
        if (!(error instanceof FaascamError)) throw error;
        tell(error.message);
        failed += 1;
      }
    }
    tell(`Dead letters ${what}: ${chosen.length - failed}.`);
    if (failed > 0) throw new FaascamError('dead-letters-left', `${failed} were not, see above.`);
  });
}

async function allNumbers(messaging: Messaging): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { seq } of deadLetters(messaging)) numbers.push(seq);
  return numbers;
}

function numberOf(text: string): number {
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < 1)
    throw new UsageError(
      'usage',
      `${text} is no number of a dead letter: "faascam deadletters list" shows them.`,
    );
  return value;
}

function row(letter: StoredDeadLetter): string[] {
  const size = letter.bodyOmitted ? `(${sizeText(letter.sizeBytes)})` : sizeText(letter.sizeBytes);
  const { seq, storedAtUs, functionName, subject, status, reason } = letter;
  return [String(seq), localTime(storedAtUs), functionName, subject, size, String(status), reason];
}

async function withNats(command: CommandLine, use: (messaging: Messaging) => Promise<void>): Promise<void> {
  const config = configOf({ ...command, source: undefined });
  // They are what they are by hand of whoever looks after the server: no part has these rights.
  const nats = await natsReaderOf(config, process.env, natsUsers.admin);
  if (nats === undefined) {
    throw new FaascamError(
      'no-nats',
      `Dead letters are in NATS: no faascam runs with the data folder ${config.data}; give --nats nats://host:4222, --data or --config.`,
    );
  }
  const messaging = await connectNats(nats, 'faascam deadletters', { reconnect: false });
  try {
    await use(messaging);
  } finally {
    await messaging.nc.close();
  }
}
