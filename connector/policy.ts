import { streams } from '@faascam/core/subjects';

/** `newest`: of what waits for a camera only the newest is worth a call. `ordered`: all of it is, in order. */
export type Freshness = 'newest' | 'ordered';

/** How messages of a stream are treated. */
export interface StreamPolicy {
  freshness: Freshness;
  /** A call that takes longer counts as failed. */
  timeoutMs: number;
  /** How long a message is tried, from when it came to the connector. Then it is parked. */
  giveUpAfterMs: number;
  /** Messages of one consumer that are unanswered at the same time, which bounds the connector's memory. */
  maxAckPending: number;
  /** What a body is. */
  contentType: 'image/jpeg' | 'application/json';
  /** Where a new consumer begins: with what comes from now on, or with all that the stream still has. */
  begin: 'new' | 'all';
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The policy of a stream by its name; `imageFreshness` is for frames (a replay wants all of them). */
export function policyOf(stream: string, imageFreshness: Freshness): StreamPolicy {
  switch (stream) {
    case streams.frames:
    case streams.motion:
      return {
        freshness: imageFreshness,
        timeoutMs: 10_000,
        // In `newest` this is for a lost camera's message only.
        giveUpAfterMs: 10 * MINUTE_MS,
        // A body is 60 kB or so. With `newest` a camera holds no more than two.
        maxAckPending: imageFreshness === 'newest' ? 1024 : 128,
        contentType: 'image/jpeg',
        begin: 'new',
      };
    case streams.detections:
      return {
        freshness: 'ordered',
        timeoutMs: 10_000,
        // As long as the stream keeps them: an older detection tells nobody anything.
        giveUpAfterMs: HOUR_MS,
        maxAckPending: 1024,
        contentType: 'application/json',
        begin: 'all',
      };
    default:
      return {
        freshness: 'ordered',
        // Clips are assembled within a call.
        timeoutMs: 120_000,
        // A bucket that is away overnight is a fault to sit out.
        giveUpAfterMs: 24 * HOUR_MS,
        maxAckPending: 1024,
        contentType: 'application/json',
        begin: 'all',
      };
  }
}

/** How a call ended. `text` and `cause` are one line for people. */
export type Outcome =
  | { kind: 'answered'; status: number; text: string }
  | { kind: 'timeout'; afterMs: number }
  | { kind: 'unreachable'; cause: string };

/** What is known of a message when a call for it has ended. */
export interface Attempt {
  /** Calls made for it so far, this one included. */
  attempts: number;
  /** Since it came to the connector. */
  heldMs: number;
  /** Whether it must be delivered even where only the newest counts. */
  kept: boolean;
  /** Whether a newer message of its subject waits. */
  newerWaits: boolean;
  /** Calls to the same function, for other subjects, that succeeded since this message failed first. */
  othersSucceeded: number;
  /** Of the calls, those whose failure may be the message's own fault. */
  faults: number;
}

export type Decision =
  | { kind: 'done' }
  | { kind: 'retry'; delayMs: number; reason: string }
  | { kind: 'drop'; reason: string }
  | { kind: 'park'; status: number; reason: string };

/** A newest-only message is tried once more, if that is soon enough to be worth it. */
const NEWEST_RETRY = { attempts: 2, delayMs: 250, withinMs: 1000 };
const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = MINUTE_MS;
/** Refused at the door: the function is fine, and a place is free as soon as another call ends. */
const LONGEST_BUSY_DELAY_MS = 2000;
/** It starts, or what it needs is away: asked again soon, for nothing tells us when it is ready. */
const LONGEST_UNREADY_DELAY_MS = 10_000;
/**
 * A message that fails this often while the function answers the others is the fault itself: parked, so that its
 * camera goes on. With the delays above that is after half a minute at the least.
 */
const POISON = { faults: 8, othersSucceeded: 20 };

/** What to do with a message after a call for it. Pure: the same input gives the same decision. */
export function decide(policy: StreamPolicy, outcome: Outcome, attempt: Attempt): Decision {
  if (outcome.kind === 'answered' && outcome.status >= 200 && outcome.status < 300) return { kind: 'done' };
  const reason = reasonOf(outcome);
  const status = outcome.kind === 'answered' ? outcome.status : 0;
  const dispensable = policy.freshness === 'newest' && !attempt.kept;
  if (isFinal(outcome)) return dispensable ? { kind: 'drop', reason } : { kind: 'park', status, reason };
  if (dispensable) {
    const worthIt =
      !attempt.newerWaits &&
      attempt.attempts < NEWEST_RETRY.attempts &&
      attempt.heldMs + NEWEST_RETRY.delayMs < NEWEST_RETRY.withinMs;
    return worthIt ? { kind: 'retry', delayMs: NEWEST_RETRY.delayMs, reason } : { kind: 'drop', reason };
  }
  const poison = attempt.faults >= POISON.faults && attempt.othersSucceeded >= POISON.othersSucceeded;
  if (poison || attempt.heldMs >= policy.giveUpAfterMs) {
    return { kind: 'park', status, reason: `${reason} (given up after ${attempt.attempts} calls)` };
  }
  return { kind: 'retry', delayMs: backoffMs(attempt.attempts, longestDelayMs(status)), reason };
}

function longestDelayMs(status: number): number {
  if (status === 429) return LONGEST_BUSY_DELAY_MS;
  return status === 503 ? LONGEST_UNREADY_DELAY_MS : LONGEST_DELAY_MS;
}

/**
 * Whether a failed call may be the message's own fault. It is not where nobody has looked at the message: the function
 * was busy, starting or being replaced, or the gateway was away. A function that dies of a message shows as 500 or 502.
 */
export function maySpeakAgainst(outcome: Outcome): boolean {
  switch (outcome.kind) {
    case 'answered':
      return ![404, 425, 429, 503].includes(outcome.status);
    case 'timeout':
      return true;
    case 'unreachable':
      return false;
  }
}

/** Doubles from 200 ms to `longestMs`. */
export function backoffMs(attempts: number, longestMs: number = LONGEST_DELAY_MS): number {
  return Math.min(longestMs, FIRST_DELAY_MS * 2 ** Math.min(20, attempts - 1));
}

/**
 * An answer that another try cannot change: 3xx and 4xx, except what tells of the moment (408, 425, 429) and the
 * gateway's own 404 while a function is being replaced.
 */
function isFinal(outcome: Outcome): boolean {
  if (outcome.kind !== 'answered' || outcome.status >= 500) return false;
  if (outcome.status === 404) return !outcome.text.startsWith('error finding function');
  return ![408, 425, 429].includes(outcome.status);
}

function reasonOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'answered':
      return outcome.text === '' ? `status ${outcome.status}` : `status ${outcome.status}: ${outcome.text}`;
    case 'timeout':
      return `no answer within ${outcome.afterMs} ms`;
    case 'unreachable':
      return `the gateway cannot be reached: ${outcome.cause}`;
  }
}
