import { DeliverPolicy, JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { systemClock } from '@faascam/core/clock';
import type { Config } from '@faascam/core/config';
import { FaascamError, MalformedInputError, messageOf } from '@faascam/core/errors';
import { eventKey } from '@faascam/core/ids';
import { eventMessage, parseMessage, type EventMessage } from '@faascam/core/messages';
import { connectNats, type Messaging } from '@faascam/core/messaging';
import { streams } from '@faascam/core/subjects';
import {
  isChosen,
  selectEvents,
  selectionOf,
  type Selection,
  type SelectionOptions,
} from '../event-selection.ts';
import { EVENT_COLUMNS, eventRow, pendingRow } from '../event-table.ts';
import { localTime } from '../local-time.ts';
import { natsReaderOf } from '../nats-address.ts';
import { configOf } from '../quick-config.ts';
import { openChosenStore, type StoreChoice } from '../store-choice.ts';
import { tableOf } from '../table.ts';
import { canPrint, print, tell } from '../terminal.ts';

export interface EventsCommand extends StoreChoice, SelectionOptions {
  json?: boolean | undefined;
  /** Prints events as they begin and end, until Ctrl-C. */
  follow?: boolean | undefined;
}

/** An event is split after minutes, and its clip follows within seconds: what is older was stored, or waits for an agent. */
const RECENT_US = 3_600_000_000;
/** Messages that are asked of NATS at once, and how long a server that counts more than it has may say nothing. */
const MOST_AT_ONCE = 1000;
const NO_MORE_AFTER_MS = 5000;

/** `faascam events`: the events in the store, and with NATS those that go on or whose clips are on their way. */
export async function events(command: EventsCommand, signal: AbortSignal): Promise<void> {
  const selection = selectionOf(command);
  const config = configOf({ ...command, source: undefined });
  if (command.follow === true)
    await follow(await requireNats(config), selection, command.json === true, signal);
  else await list(command, selection, config, signal);
}

async function list(
  command: EventsCommand,
  selection: Selection,
  config: Config,
  signal: AbortSignal,
): Promise<void> {
  const store = await openChosenStore(command);
  try {
    const recent = selection.kept || selection.incomplete ? [] : await recentEvents(config, signal);
    const pending: EventMessage[] = [];
    for (const event of recent) {
      const stored = await store.head(eventKey(event.id, 'event.json'));
      const removed = await store.head(eventKey(event.id, 'removed.json'));
      if (stored === undefined && removed === undefined && isChosen(selection, event)) pending.push(event);
    }
    const sign = selection.order === 'newest' ? -1 : 1;
    pending.sort((a, b) => sign * (a.startUs - b.startUs));
    const table = tableOf(print);
    let count = 0;
    const show = (value: unknown, row: string[]): void => {
      if (command.json === true) print(JSON.stringify(value));
      else if (count === 0) table.add(EVENT_COLUMNS);
      if (command.json !== true) table.add(row);
      count += 1;
    };
    const showPending = (before: number): void => {
      while (count < selection.limit) {
        const [event] = pending;
        if (event === undefined || sign * (event.startUs - before) > 0) return;
        pending.shift();
        show({ v: 1, event, stored: false }, pendingRow(event, noteOf(event)));
      }
    };
    for await (const event of selectEvents(store, selection, tell)) {
      signal.throwIfAborted();
      showPending(event.stored.startUs);
      if (!canPrint() || count >= selection.limit) break;
      show(event.kept ? { ...event.receipt, kept: true } : event.receipt, eventRow(event));
    }
    showPending(sign * Infinity);
    table.end();
    if (count === 0) tell(`No such event in ${store.description}.`);
  } finally {
    await store.close();
  }
}

function noteOf({ phase }: EventMessage): string {
  return phase === 'end' ? 'its clip is on its way' : 'going on';
}

/** What the events stream knows of the last hour, each event as it was told last. Without NATS nothing, which is told. */
async function recentEvents(config: Config, signal: AbortSignal): Promise<EventMessage[]> {
  const nats = await natsReaderOf(config);
  if (nats === undefined) return [];
  let messaging: Messaging | undefined;
  const latest = new Map<string, EventMessage>();
  try {
    messaging = await connectNats(nats, 'faascam events', { reconnect: false });
    const sinceUs = systemClock.nowUs() - RECENT_US;
    const consumer = await messaging.js.consumers.get(streams.events, {
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: new Date(sinceUs / 1000).toISOString(),
    });
    let left = (await consumer.info()).num_pending;
    while (left > 0) {
      // After a kill -9, nats-server 2.9 may count messages that are not there: then a request ends with none.
      let came = 0;
      const request = { max_messages: Math.min(left, MOST_AT_ONCE), expires: NO_MORE_AFTER_MS };
      for await (const message of await consumer.fetch(request)) {
        signal.throwIfAborted();
        const event = readEvent(message.data);
        if (event !== undefined) latest.set(event.id, event);
        came += 1;
        left = message.info.pending;
        if (left === 0) break;
      }
      if (came === 0) break;
    }
    return [...latest.values()];
  } catch (error) {
    signal.throwIfAborted();
    if (isNoStream(error)) return [];
    tell(`Only stored events are shown: ${messageOf(error)}`);
    return [];
  } finally {
    await messaging?.nc.close();
  }
}

/** Prints what is told of the chosen events from now on, until the signal is aborted. */
async function follow(
  messaging: Messaging,
  selection: Selection,
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  const stop = (): void => void messaging.nc.close();
  signal.addEventListener('abort', stop, { once: true });
  let left = selection.limit;
  try {
    const consumer = await messaging.js.consumers.get(streams.events, { deliver_policy: DeliverPolicy.New });
    for await (const message of await consumer.consume()) {
      const event = readEvent(message.data);
      if (event === undefined || !isChosen(selection, event)) continue;
      if (json) print(JSON.stringify(event));
      else if (event.phase !== 'update') print(lineOf(event));
      if (event.phase === 'end') left -= 1;
      if (left <= 0 || !canPrint()) return;
    }
  } catch (cause) {
    if (signal.aborted) return;
    if (!isNoStream(cause)) throw cause;
    throw new FaascamError(
      'no-events',
      'There are no events at this NATS server: nothing of faascam ran there.',
      {
        cause,
      },
    );
  } finally {
    signal.removeEventListener('abort', stop);
    await messaging.nc.close();
  }
}

function lineOf(event: EventMessage): string {
  const { id, phase, startUs, endUs, labels, zones, bestScore, endReason } = event;
  const cells =
    phase === 'end'
      ? [
          localTime(endUs),
          'ended',
          id,
          labels.join(','),
          zones.join(',') || '-',
          bestScore.toFixed(2),
          endReason ?? '',
        ]
      : [localTime(startUs), 'began', id, labels.join(','), zones.join(',') || '-', bestScore.toFixed(2)];
  return cells.join('  ').trimEnd();
}

function readEvent(data: Uint8Array): EventMessage | undefined {
  try {
    return parseMessage(eventMessage, data, 'An event');
  } catch (error) {
    if (!(error instanceof MalformedInputError)) throw error;
    tell(`${error.message}.`);
    return undefined;
  }
}

function isNoStream(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}

async function requireNats(config: Config): Promise<Messaging> {
  const nats = await natsReaderOf(config);
  if (nats !== undefined) return await connectNats(nats, 'faascam events');
  throw new FaascamError(
    'no-nats',
    `To follow events NATS must be reached: no faascam runs with the data folder ${config.data}; give --nats nats://host:4222, --data or --config.`,
  );
}
