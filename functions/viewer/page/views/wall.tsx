import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { cameras, camerasFault, viewerFault } from '../data/cameras.ts';
import { EventFeed } from '../data/feed.ts';
import { noFilter } from '../data/filters.ts';
import { CameraTile } from '../parts/camera-tile.tsx';
import { Empty } from '../parts/empty.tsx';
import { EventCard } from '../parts/event-card.tsx';
import { Icon } from '../parts/icons.tsx';
import { Link } from '../parts/link.tsx';
import { words } from '../words/words.ts';
import { openFeed } from './open-feed.ts';

const LATEST = 8;

/** All cameras live, and what happened last. */
export function Wall(): JSX.Element {
  const { cameras: say, events: sayEvents } = words.value;
  const feed = useMemo(() => new EventFeed(noFilter, LATEST), []);
  useEffect(() => openFeed(feed), [feed]);
  const list = cameras.value;
  const latest = feed.events.value.slice(0, LATEST);
  return (
    <>
      <section aria-labelledby="cameras-title">
        <h1 class="page-title" id="cameras-title">
          {say.title}
        </h1>
        <CamerasNotice />
        {list !== undefined && list.length > 0 && (
          <ul class="wall" data-count={Math.min(list.length, 5)}>
            {list.map((camera) => (
              <CameraTile key={camera.id} camera={camera} />
            ))}
          </ul>
        )}
        {list?.length === 0 && camerasFault.value === undefined && (
          <Empty title={say.none} text={say.noneHint} waiting />
        )}
      </section>
      {latest.length > 0 && (
        <section class="latest" aria-labelledby="latest-title">
          <div class="section-head">
            <h2 id="latest-title">{sayEvents.latest}</h2>
            <Link to={{ view: 'events' }} class="button button-quiet">
              {sayEvents.showAll}
              <Icon name="older" />
            </Link>
          </div>
          <ul class="grid">
            {latest.map((event) => (
              <EventCard key={event.id} event={event} fresh={feed.fresh.value.has(event.id)} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** Why the cameras shown may be out of date. That the viewer is away is told by the banner. */
export function CamerasNotice(): JSX.Element | null {
  if (viewerFault.value !== undefined || camerasFault.value === undefined) return null;
  return <p class="notice">{camerasFault.value}</p>;
}
