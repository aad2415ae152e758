import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { EventView } from '../api.ts';
import { cursorAt } from '../data/event-ids.ts';
import { followSight, type Sight } from './event-source.ts';

const START_US = Date.UTC(2026, 2, 4, 12) * 1000;
const ID = cursorAt('yard', START_US);
/** As far as the page reads it. */
const EVENT: EventView = {
  ...{ id: ID, camera: 'yard', labels: ['person'], startUs: START_US, startIso: '2026-03-04T12:00:00Z' },
  ...{
    endUs: START_US,
    endIso: '2026-03-04T12:00:00Z',
    eventMs: 0,
    clipMs: undefined,
    score: 0.9,
    zones: [],
  },
  ...{ endReason: undefined, began: undefined, ended: undefined, crossings: [], complete: true, gaps: [] },
  ...{ requested: { fromUs: START_US, toUs: START_US }, model: 'test', demo: false, videoCodec: undefined },
  ...{ clips: [], strip: undefined, exported: undefined, storedAtUs: START_US, kept: undefined },
  urls: {
    ...{ snapshot: undefined, cleanSnapshot: undefined, clip: undefined, preview: undefined },
    ...{ strip: undefined, manifest: 'event.json' },
  },
};

/** What the viewer has of it. */
let state: 'waiting' | 'stored' | 'removed' | 'away' | 'refused';
let asked: string[];
let sights: Sight[];
let end: () => void;

beforeEach(() => {
  vi.useFakeTimers({ now: START_US / 1000 + 20_000 });
  vi.stubGlobal('document', Object.assign(new EventTarget(), { hidden: false }));
  vi.stubGlobal('fetch', async (url: string) => {
    const [, path = ''] = url.split('/api/');
    asked.push(path);
    if (state === 'away') return await Promise.reject(new TypeError('no connection'));
    if (state === 'refused') return Response.json({ error: 'Not for you.' }, { status: 403 });
    const answer = path.startsWith('events?')
      ? { events: state === 'stored' ? [EVENT] : [] }
      : { id: ID, state, urls: { state: path } };
    return await Promise.resolve(Response.json(answer));
  });
  [state, asked, sights] = ['waiting', [], []];
});
afterEach(() => {
  end();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function open(): Promise<void> {
  end = followSight(ID, (sight) => sights.push(sight));
  await vi.advanceTimersByTimeAsync(10);
}

function shown(): string {
  const sight = sights.at(-1);
  if (sight === undefined) return 'nothing';
  return 'event' in sight ? `event ${sight.event.id}` : sight.gone;
}

it('an event that is on its way is shown once it is there, also after the viewer was away', async () => {
  await open();
  expect(shown()).toContain('it appears here by itself');
  state = 'away';
  await vi.advanceTimersByTimeAsync(10_000);
  expect(shown()).toBe('The viewer does not answer.');
  state = 'stored';
  await vi.advanceTimersByTimeAsync(10_000);
  expect(shown()).toBe(`event ${ID}`);
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(before);
});

it('an event that was removed, or whose time to come is over, is not said to be on its way', async () => {
  await open();
  state = 'removed';
  await vi.advanceTimersByTimeAsync(10_000);
  expect(shown()).toMatch(/^This event is not there/);

  end();
  state = 'waiting';
  await open();
  expect(shown()).toContain('it appears here by itself');
  await vi.advanceTimersByTimeAsync(900_000);
  expect(shown()).toMatch(/^This event is not there/);
});

it('whoever may not see it asks once', async () => {
  state = 'refused';
  await open();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(shown()).toBe('Not for you.');
  expect(asked).toHaveLength(1);
});
