import { existsSync } from 'node:fs';
import { clipStored } from '@faascam/core/clip-messages';
import { systemClock } from '@faascam/core/clock';
import { FaascamError, MalformedInputError } from '@faascam/core/errors';
import { bodyBytes, headerOf, type FunctionContext, type FunctionHandler } from '@faascam/core/function';
import { functionMessaging } from '@faascam/core/function-messaging';
import { createLogger } from '@faascam/core/log';
import { eventMessage, parseMessage } from '@faascam/core/messages';
import { notifySettings, type NotifySettings } from '@faascam/core/notify-settings';
import { readSecret, settingsFromEnv } from '@faascam/core/settings';
import { headers } from '@faascam/core/subjects';
import { notice } from './notice.ts';
import { Notifier, type Outcome } from './notifier.ts';
import { withdrawPushOffer } from './push-offer.ts';

const log = createLogger('notify');
const messaging = functionMessaging('notify');
let opening: Promise<Notifier | undefined> | undefined;
/** Without targets: the page is told that nobody pushes, as soon as NATS is there. */
let withdrawing: { over: AbortController; done: Promise<void> } | undefined;

/**
 * `events.<camera>` and `clips.stored.<camera>` in, notices out; `notices.>` in, and out to their targets. Environment:
 * FAASCAM_NOTIFY (YAML), or the secret `notify` with the same; NATS_URL. Without targets it does nothing.
 *
 * A target that cannot be told now is answered with 503, after which the connector asks again; one that refuses, with
 * 422, after which the notice lies among the dead letters, with the reason.
 */
const handler: FunctionHandler = async (event, context) => {
  const topic = headerOf(event, headers.topic) ?? '';
  const [area, , ...more] = topic.split('.');
  const body = bodyBytes(event);
  if (area === 'events') {
    const message = parseMessage(eventMessage, body, 'The event message');
    await (await opened())?.heardEvent(message);
    return context.status(200).succeed('');
  }
  if (area === 'clips') {
    const stored = parseMessage(clipStored, body, 'The message of a stored clip');
    const known = (await (await opened())?.heardClip(stored)) ?? true;
    return known
      ? context.status(200).succeed('')
      : context.status(503).succeed(`Event ${stored.eventId} was not heard of yet: ask again.`);
  }
  if (area === 'notices') {
    const read = parseMessage(notice, body, 'The notice');
    const notifier = await opened();
    const outcome: Outcome = notifier
      ? await notifier.deliver(read, more[0])
      : { kind: 'over', why: 'there are no targets any more' };
    log[levelOf(outcome)]({ target: read.target, notice: read.id, ...outcome }, 'notice');
    return answer(context, read.target, outcome);
  }
  throw new MalformedInputError(`The topic ${JSON.stringify(topic.slice(0, 80))} is none of notify's.`);
};
export default handler;

function levelOf({ kind }: Outcome): 'debug' | 'info' | 'warn' {
  if (kind === 'delivered') return 'info';
  return kind === 'refused' ? 'warn' : 'info';
}

function answer(context: FunctionContext, target: string, outcome: Outcome): FunctionContext {
  switch (outcome.kind) {
    case 'delivered':
      return context.status(200).succeed(outcome.said);
    case 'over':
      return context.status(200).succeed(outcome.why);
    case 'later':
      return context.status(503).succeed(`${target} cannot be told now: ${outcome.reason}`);
    case 'refused':
      return context.status(422).succeed(`${target} refuses: ${outcome.reason}`);
  }
}

/** Where OpenFaaS puts the secret of that name, if the function has one. */
const SECRET = '/var/openfaas/secrets/notify';

function settings(): NotifySettings {
  const given = process.env['FAASCAM_NOTIFY'] ?? '';
  if (given.trim() !== '' || !existsSync(SECRET)) return settingsFromEnv(notifySettings, 'FAASCAM_NOTIFY');
  return settingsFromEnv(notifySettings, SECRET, { [SECRET]: readSecret(SECRET, 'notifications') });
}

function opened(): Promise<Notifier | undefined> {
  opening ??= open().catch((error: unknown) => {
    opening = undefined;
    throw error;
  });
  return opening;
}

/** Undefined where nobody is to be told. */
async function open(): Promise<Notifier | undefined> {
  const read = settings();
  if (Object.keys(read.targets).length === 0) {
    const over = new AbortController();
    const told = withdrawPushOffer(messaging, { clock: systemClock, log, signal: over.signal });
    // There is nothing else to talk with NATS about.
    withdrawing = { over, done: told.finally(() => messaging.close()) };
    return undefined;
  }
  const notifier = new Notifier({ settings: read, messaging, clock: systemClock, log });
  try {
    await notifier.start();
  } catch (error) {
    await notifier.close();
    if (error instanceof FaascamError) log.error(error.message);
    throw error;
  }
  return notifier;
}

export async function ready(): Promise<void> {
  await opened();
}

export async function close(): Promise<void> {
  const notifier = await opening?.catch(() => undefined);
  opening = undefined;
  withdrawing?.over.abort();
  await withdrawing?.done;
  withdrawing = undefined;
  await notifier?.close();
  await messaging.close();
}
