import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { systemCodeOf } from '@faascam/core/errors';
import type { Gap } from '@faascam/core/messages';
import { streams, subjects } from '@faascam/core/subjects';
import { DeliverPolicy } from '@nats-io/jetstream';
import type { Random } from '@faascam/local/demo/random';
import type { Site } from './site.ts';
import type { StoreMood } from './store-relay.ts';

export interface Fault {
  name: string;
  /** About how long it lasts, in ms. */
  lastsMs: number;
  /** Why footage may be missing afterwards: what it does to the recording, and nothing else. */
  causes: readonly Gap['cause'][];
  needs?: 's3' | 'directory' | 'namespaces' | 'clock' | undefined;
  /** Each event is asked for so often. Default 1. */
  copies?: number;
  /** Lets it happen; resolves when it is over and everything may mend. */
  happen(site: Site, random: Random): Promise<void>;
}

type Kind = Pick<Fault, 'causes' | 'needs'>;

/** What its own restart, and that of the cameras, costs of the recording. */
const restarted: Fault['causes'] = ['agent-stopped', 'camera-lost', 'before-start'];

/** Every fault of the suite, what is alike in groups. `long`: for as long as the worst outages, instead of some seconds. */
export function allFaults(long: boolean): Fault[][] {
  const pauseMs = long ? 60_000 : 4000;
  const moodMs = long ? 30_000 : 4000;
  return [
    [{ name: 'none', lastsMs: 0, causes: [], happen: () => Promise.resolve() }],
    ofPart('agent', pauseMs, { causes: restarted }, (site) => [site.agent.pid]),
    ofPart('ffmpeg', pauseMs, { causes: ['camera-lost'] }, (site, random) => {
      const [first, ...more] = site.ffmpegPids();
      return first === undefined ? [] : [random.pick([first, ...more])];
    }),
    ofPart('nats-server', pauseMs, { causes: [] }, (site) => [site.nats.pid]),
    ofPart('connector', pauseMs, { causes: [] }, (site) => site.connectors.map(({ pid }) => pid)),
    ...(['motion', 'detect', 'events', 'clip'] as const).map((name) =>
      ofPart(`function ${name}`, pauseMs, { causes: [] }, (site) => site.functionPids(name)),
    ),
    ofPart('store', pauseMs, { causes: [], needs: 's3' }, (site) => [site.storeServer.pid]),
    [
      mood('store answers 500', moodMs, { kind: 'answer', status: 500 }),
      mood('store answers 503', moodMs, { kind: 'answer', status: 503 }),
      mood('store is slow, 40 kB/s', moodMs, { kind: 'slow', bytesPerSecond: 40_000 }),
      mood('store takes half an upload', moodMs, { kind: 'half' }),
      mood('store takes all and does not answer', moodMs, { kind: 'mute' }),
    ],
    [1000, long ? 30_000 : 5000, long ? 120_000 : 12_000].map(cut),
    [full('disk full at the agent', moodMs, 'ring', ['evicted', 'disk-full', 'camera-lost', 'damaged'])],
    [full('disk full at the store', moodMs, 'clips', [])],
    [clock(3600), clock(-3600)],
    [duplicates()],
    [replicas()],
  ];
}

/** Several faults as one: one after the other, with random moments between them. */
export function inSuccession(faults: readonly Fault[]): Fault {
  return {
    name: namesOf(faults),
    lastsMs: faults.reduce((sum, { lastsMs }) => sum + lastsMs + MEAN_PAUSE_MS, 0),
    causes: [...new Set(faults.flatMap(({ causes }) => causes))],
    needs: faults[0]?.needs,
    copies: Math.max(...faults.map(({ copies }) => copies ?? 1)),
    happen: async (site, random) => {
      for (const fault of faults) {
        await fault.happen(site, random);
        await wait(random.between(500, 2 * MEAN_PAUSE_MS - 500));
      }
    },
  };
}

const MEAN_PAUSE_MS = 1500;

/** `a: x`, `a: y` are `a: x, y`. */
function namesOf(faults: readonly Fault[]): string {
  const [first, ...more] = faults.map(({ name }) => name);
  const part = first?.split(':')[0] ?? '';
  return [first, ...more.map((name) => name.replace(`${part}: `, ''))].join(', ');
}

function ofPart(
  part: string,
  pauseMs: number,
  kind: Kind,
  pids: (site: Site, random: Random) => number[],
): Fault[] {
  const signalAll = (found: readonly number[], signal: NodeJS.Signals): void => {
    for (const pid of found) {
      try {
        if (pid > 1) process.kill(pid, signal);
      } catch (error) {
        if (systemCodeOf(error) !== 'ESRCH') throw error; // It ended by itself meanwhile.
      }
    }
  };
  const once = (name: string, signal: NodeJS.Signals): Fault => ({
    ...{ name: `${part}: ${name}`, lastsMs: 0, ...kind },
    happen: async (site, random) => {
      if (part === 'store') await site.storeServer.signal(signal);
      else signalAll(pids(site, random), signal);
    },
  });
  return [
    once('kill -9', 'SIGKILL'),
    {
      ...{ name: `${part}: stopped for ${pauseMs / 1000} s`, lastsMs: pauseMs, ...kind },
      happen: async (site, random) => {
        const found = pids(site, random);
        signalAll(found, 'SIGSTOP');
        await wait(pauseMs);
        signalAll(found, 'SIGCONT');
      },
    },
    once('restart', 'SIGTERM'),
  ];
}

const MOST_WAIT_MS = 30_000;

function mood(name: string, lastsMs: number, is: StoreMood): Fault {
  return {
    ...{ name, lastsMs, causes: [], needs: 's3' },
    happen: async ({ storeServer: { relay } }) => {
      if (relay === undefined) return;
      const { spoilt } = relay;
      relay.mood = is;
      await wait(lastsMs);
      // On a slow machine the first upload may be late.
      for (let moreMs = 0; relay.spoilt === spoilt && moreMs < MOST_WAIT_MS; moreMs += 100) await wait(100);
      relay.mood = { kind: 'well' };
    },
  };
}

function cut(lastsMs: number): Fault {
  return {
    ...{ name: `agent cut off: for ${lastsMs / 1000} s`, lastsMs, causes: [] },
    happen: async ({ link }) => {
      await link.cut();
      await wait(lastsMs);
      await link.mend();
    },
  };
}

const FILL_EVERY_MS = 200;

/** Takes every byte that becomes free. */
function full(name: string, lastsMs: number, folder: 'ring' | 'clips', causes: Fault['causes']): Fault {
  return {
    ...{ name, lastsMs, causes, needs: folder === 'ring' ? 'namespaces' : 'directory' },
    happen: async ({ options }) => {
      const path = join(options.scratch, folder, 'ballast');
      const file = openSync(path, 'w');
      const block = Buffer.alloc(64 * 1024);
      for (let waitedMs = 0; waitedMs < lastsMs; waitedMs += FILL_EVERY_MS) {
        try {
          while (writeSync(file, block) > 0);
        } catch (error) {
          if (systemCodeOf(error) !== 'ENOSPC') throw error;
        }
        await wait(FILL_EVERY_MS);
      }
      closeSync(file);
      rmSync(path);
    },
  };
}

/**
 * The clock of the agent's host is wrong by this from now on: the agent follows it, begins its recording anew, and is killed
 * just then.
 */
function clock(seconds: number): Fault {
  const name = `agent's clock stepped by ${seconds > 0 ? '+' : '-'}1 h: kill -9`;
  return {
    ...{ name, lastsMs: 2000, causes: [...restarted, 'clock-stepped'], needs: 'clock' },
    happen: async (site) => {
      site.stepAgentClock(seconds);
      await wait(2000);
      site.agent.signal('SIGKILL');
    },
  };
}

function duplicates(): Fault {
  const lastsMs = 4000;
  return {
    ...{ name: 'messages twice and out of order', lastsMs, causes: [], copies: 2 },
    happen: async (site) => {
      const fromSeq = (await site.messaging.jsm.streams.info(streams.clips)).state.last_seq + 1;
      await wait(lastsMs);
      for (let round = 0; round < 2; round += 1) await repeatBackwards(site, fromSeq, round);
    },
  };
}

/** Says everything in the stream of clips once more, the last first. */
async function repeatBackwards({ messaging }: Site, fromSeq: number, round: number): Promise<void> {
  const consumer = await messaging.js.consumers.get(streams.clips, {
    filter_subjects: subjects.clipsReady('*'),
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: fromSeq,
  });
  let { num_pending: left } = await consumer.info();
  if (left === 0) return;
  const said: { subject: string; data: Uint8Array; seq: number }[] = [];
  const messages = await consumer.consume();
  for await (const message of messages) {
    said.push({ subject: message.subject, data: message.data, seq: message.seq });
    left = message.info.pending;
    if (left === 0) break;
  }
  await messages.close();
  for (const { subject, data, seq } of said.reverse()) {
    await messaging.js.publish(subject, data, { msgID: `again-${seq}-${round}` });
  }
}

function replicas(): Fault {
  const lastsMs = 8000;
  return {
    ...{ name: 'two of each connector and function: one of each kill -9', lastsMs, causes: [] },
    happen: async (site) => {
      await site.addReplicas();
      await wait(lastsMs / 2);
      site.connectors.at(0)?.signal('SIGKILL');
      for (const name of ['motion', 'detect', 'events', 'clip']) {
        const pid = site.functionPids(name).at(-1);
        if (pid !== undefined) process.kill(pid, 'SIGKILL');
      }
      await wait(lastsMs / 2);
      await site.removeReplicas();
    },
  };
}
