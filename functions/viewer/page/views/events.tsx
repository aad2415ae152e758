import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { EventView } from '../api.ts';
import { cameras, camerasFault } from '../data/cameras.ts';
import { EventFeed } from '../data/feed.ts';
import { filterOf, filtersSet, type Filter } from '../data/filters.ts';
import { Empty } from '../parts/empty.tsx';
import { EventCard } from '../parts/event-card.tsx';
import { behind, route, search } from '../router.ts';
import { dayKey, dayText } from '../words/format.ts';
import { words } from '../words/words.ts';
import { EventFilters } from './event-filters.tsx';
import { CamerasNotice } from './wall.tsx';
import { openFeed } from './open-feed.ts';

const PAGE_EVENTS = 24;

/** The events under the filter that the address holds, day by day, as far back as one scrolls. */
export function Events(): JSX.Element {
  const { events: say } = words.value;
  const query = shownQuery();
  const filter = useMemo(() => filterOf(query), [query]);
  const feed = useMemo(() => new EventFeed(filter, PAGE_EVENTS), [filter]);
  useEffect(() => openFeed(feed), [feed]);
  const timeline = feed.timeline.value;
  const empty = timeline?.events.length === 0 && timeline.before === undefined;
  return (
    <section aria-labelledby="events-title" aria-busy={timeline === undefined}>
      <div class="toolbar">
        <h1 class="page-title" id="events-title">
          {say.title}
        </h1>
        <EventFilters filter={filter} events={feed.events.value} />
      </div>
      <CamerasNotice />
      <div id="days">
        {byDay(feed.events.value).map(([key, events]) => (
          <Day key={key} id={key} events={events} fresh={feed.fresh.value} />
        ))}
      </div>
      {empty && <NoEvents filter={filter} />}
      {timeline?.before !== undefined && <Older feed={feed} />}
    </section>
  );
}

/** An event that is opened over the list has an address of its own: the list keeps its filter meanwhile. */
function shownQuery(): string {
  if (route.value.view !== 'event') return search.value;
  const [, query] = (behind.value ?? '').split('?');
  return query === undefined ? '' : `?${query}`;
}

function byDay(events: readonly EventView[]): [string, EventView[]][] {
  const days = new Map<string, EventView[]>();
  for (const event of events) {
    const key = dayKey(event.startUs);
    const day = days.get(key);
    if (day === undefined) days.set(key, [event]);
    else day.push(event);
  }
  return [...days];
}

function Day(props: { id: string; events: EventView[]; fresh: ReadonlySet<string> }): JSX.Element {
  const [first] = props.events;
  return (
    <section aria-labelledby={`day-${props.id}`}>
      <h2 class="day-title" id={`day-${props.id}`}>
        {dayText(first?.startUs ?? 0, Date.now() * 1000)}
      </h2>
      <ul class="grid">
        {props.events.map((event) => (
          <EventCard key={event.id} event={event} fresh={props.fresh.has(event.id)} />
        ))}
      </ul>
    </section>
  );
}

/** Loads the next page when it comes near the screen, and goes on until the screen is full. */
function Older({ feed }: { feed: EventFeed }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const target = place.current;
    if (target === null) return undefined;
    let inView = false;
    const load = async (): Promise<void> => {
      // A page may hold few events, or none where the label is rare.
      while (inView && (await feed.loadOlder())) await nextFrame();
    };
    const seen = new IntersectionObserver(
      (entries) => {
        inView = entries.at(-1)?.isIntersecting ?? false;
        void load();
      },
      { rootMargin: '600px' },
    );
    seen.observe(target);
    return () => {
      inView = false;
      seen.disconnect();
    };
  }, [feed]);
  return (
    <div class="older" id="older" ref={place}>
      <button
        class="button"
        type="button"
        disabled={feed.loadingOlder.value}
        onClick={() => void feed.loadOlder()}
      >
        {words.value.events.older}
      </button>
    </div>
  );
}

async function nextFrame(): Promise<void> {
  // Twice: what was loaded has been drawn, and the observer has looked.
  for (let frame = 0; frame < 2; frame += 1) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}

function NoEvents({ filter }: { filter: Filter }): JSX.Element {
  const { events: say, cameras: sayCameras } = words.value;
  if (filtersSet(filter) > 0) {
    return <Empty title={say.noneOf(filter.label, filter.camera)} text={say.noneHint} waiting />;
  }
  if (camerasFault.value !== undefined) return <Empty title={say.none} text={say.noneNats} waiting />;
  const streaming = (cameras.value ?? []).filter(({ state }) => state === 'streaming').length;
  if (streaming === 0) return <Empty title={sayCameras.none} text={sayCameras.noneHint} waiting />;
  return <Empty title={say.waiting} text={say.watched(streaming)} waiting />;
}
