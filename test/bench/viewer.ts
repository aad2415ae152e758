import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createLogger } from '@faascam/core/log';
import { systemClock } from '@faascam/core/clock';
import { manifestOf } from '@faascam/core/event-fixture';
import { eventIdOf, eventKey } from '@faascam/core/ids';
import type { ListEntry, ListOptions, ObjectStore } from '@faascam/core/store';
import { EventIndex, type EventQuery } from '@faascam/viewer/event-index';
import { atMost, median, percentile, type Figure } from './figures.ts';

const EVENTS = 100_000;
const CAMERAS = 10;
const DAYS = 365;
const PAGES = 200;
const END_US = Date.UTC(2026, 2, 4, 12) * 1000;
const DAY_US = 86_400_000_000;
const OBJECTS = [
  'clip.mp4',
  'event.json',
  'preview.mp4',
  'snapshot-clean.jpg',
  'snapshot.jpg',
  'strip.jpg',
] as const;

const rareOf = (number: number): string =>
  number % 20_000 === 7 ? 'deer' : number % 3 === 0 ? 'car' : 'person';

/** Key to receipt of a year's events; a receipt is made when it is asked for, so that memory is the index's own. */
class SyntheticStore {
  readonly #days = new Map<string, { id: string; number: number }[]>();
  readonly #children = new Map<string, Set<string>>();

  constructor() {
    for (let number = 0; number < EVENTS; number += 1) {
      const camera = `camera-${number % CAMERAS}`;
      const startUs = END_US - Math.floor((number * DAYS * DAY_US) / EVENTS);
      const id = eventIdOf(camera, startUs);
      const prefix = eventKey(id, 'event.json').split('/').slice(0, 4);
      const day = `${prefix.join('/')}/`;
      const events = this.#days.get(day) ?? [];
      this.#days.set(day, events);
      events.push({ id, number });
      for (let depth = 0; depth < prefix.length; depth += 1) {
        const above = depth === 0 ? '' : `${prefix.slice(0, depth).join('/')}/`;
        const names = this.#children.get(above) ?? new Set();
        this.#children.set(above, names.add(`${prefix.slice(0, depth + 1).join('/')}/`));
      }
    }
    for (const events of this.#days.values()) events.reverse();
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListEntry> {
    await Promise.resolve();
    if (options.delimiter !== undefined) {
      for (const child of [...(this.#children.get(prefix) ?? [])].sort()) yield { prefix: child };
      return;
    }
    for (const { id } of this.#days.get(prefix) ?? []) {
      for (const name of OBJECTS) yield { key: `${prefix}${id}/${name}`, sizeBytes: 1000 };
    }
  }

  get(key: string) {
    const parts = key.split('/');
    const event = this.#days.get(`${parts.slice(0, 4).join('/')}/`)?.find(({ id }) => id === parts[4]);
    if (event === undefined) return Promise.resolve(undefined);
    const { number } = event;
    const startUs = END_US - Math.floor((number * DAYS * DAY_US) / EVENTS);
    const receipt = manifestOf({
      ...{
        camera: `camera-${number % CAMERAS}`,
        startUs,
        labels: [rareOf(number)],
        score: (number % 100) / 100,
      },
      told: { zones: number % 2 === 0 ? ['porch'] : [] },
    });
    const body = Buffer.from(JSON.stringify(receipt));
    const object = {
      key,
      sizeBytes: body.length,
      contentType: 'application/json',
      metadata: {},
      modifiedMs: 0,
    };
    return Promise.resolve({ object, stream: Readable.from([body]) });
  }
}

/** Pages of the list of 100,000 events of ten cameras in a year: how long each takes, and what the index holds. */
export async function benchViewer(): Promise<Figure[]> {
  const synthetic = new SyntheticStore();
  const nothing = (): never => {
    throw new TypeError('not asked for here');
  };
  const store: ObjectStore = {
    ...{ description: '100,000 events', put: nothing, head: nothing, getTags: nothing, setTags: nothing },
    ...{ delete: nothing, tidy: nothing, check: nothing, close: () => Promise.resolve() },
    list: (prefix, options) => synthetic.list(prefix, options),
    get: (key) => synthetic.get(key),
  };
  const log = createLogger('bench');
  const options = { store, clock: systemClock, log, hearsStored: () => true };
  const cold = new EventIndex(options);
  const first = await timed(() => cold.page({ limit: 24 }));

  // Read ahead without the pauses and the head start that it has beside a site's work.
  const eager = {
    ...systemClock,
    sleep: async () => await new Promise<void>((resolve) => setImmediate(resolve)),
  };
  const before = heapBytes();
  const index = new EventIndex({ ...options, clock: eager });
  const processor = process.cpuUsage();
  const built = await timed(async () => {
    await index.readAll();
  });
  const cpu = process.cpuUsage(processor);
  const heap = heapBytes() - before;

  const figures: Figure[] = [
    { name: 'first page after a start', value: first, unit: 'ms' },
    { name: 'index of 100,000 events built', value: built / 1000, unit: 's' },
    { name: 'processor time for that', value: (cpu.user + cpu.system) / 1e6, unit: 's' },
    { name: 'memory of the whole index', value: heap / 1e6, unit: 'MB' },
  ];
  const queries: [string, Omit<EventQuery, 'limit'>][] = [
    ['page', {}],
    ['page of one camera', { camera: 'camera-3' }],
    ['page of a frequent label', { labels: ['person'] }],
    ['page of a label that 5 of 100,000 have', { labels: ['deer'] }],
    ['page of a label that none has', { labels: ['elephant'] }],
    [
      'page by zone, score and time',
      { zone: 'porch', minScore: 0.98, fromUs: END_US - 200 * DAY_US, toUs: END_US - 100 * DAY_US },
    ],
  ];
  for (const [name, query] of queries) {
    const times: number[] = [];
    const processorTimes: number[] = [];
    let before: string | undefined;
    for (let page = 0; page < PAGES; page += 1) {
      const cursor = before;
      const begun = process.cpuUsage();
      times.push(
        await timed(async () => {
          const answer = await index.page({ ...query, before: cursor, limit: 24 });
          before = answer.before;
        }),
      );
      const { user, system } = process.cpuUsage(begun);
      processorTimes.push((user + system) / 1000);
    }
    figures.push(
      atMost(`${name}, median`, median(times), 'ms', 50),
      { name: `${name}, 95 of 100`, value: percentile(times, 95), unit: 'ms' },
      atMost(`${name}, processor time, 95 of 100`, percentile(processorTimes, 95), 'ms', 50),
    );
  }
  await index.close();
  return figures;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc()');
  return process.memoryUsage().heapUsed;
}
