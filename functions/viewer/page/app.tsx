import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { cameras, camerasFault, viewerFault } from './data/cameras.ts';
import { session, shutOut } from './data/session.ts';
import { Brand, Icon, type IconName } from './parts/icons.tsx';
import { Empty } from './parts/empty.tsx';
import { Link } from './parts/link.tsx';
import { backdrop, go, route, type Route } from './router.ts';
import { Camera } from './views/camera.tsx';
import { Events } from './views/events.tsx';
import { Health } from './views/health.tsx';
import { Login } from './views/login.tsx';
import { News } from './views/news.tsx';
import { shownFeed } from './views/open-feed.ts';
import { Player } from './views/player.tsx';
import { Settings } from './views/settings.tsx';
import { Shared } from './views/shared.tsx';
import { Timeline } from './views/timeline.tsx';
import { Wall } from './views/wall.tsx';
import { Zones } from './views/zones.tsx';
import { words } from './words/words.ts';

/** The frame around every view: where one can go, how the connection is, and what went wrong. */
export function App(): JSX.Element {
  const say = words.value;
  const shown = backdrop.value;
  const opened = route.value;
  const main = useRef<HTMLElement>(null);
  useTitle();
  useEffect(() => {
    // After a step within the page, reading goes on at what is new. At first it begins where the browser puts it.
    if (document.activeElement !== document.body) main.current?.focus({ preventScroll: true });
  }, [shown.view]);
  return (
    <div class="shell">
      <a class="skip" href="#content" onClick={(click) => skipTo(click, main.current)}>
        {say.skip}
      </a>
      <header class="bar">
        <Link to={{ view: 'live' }} class="brand">
          <Brand />
          faascam
        </Link>
        <Connection />
        <Settings />
      </header>
      <nav class="nav" aria-label={say.nav.name} hidden={shutOut.value}>
        {places.map(([to, icon, word]) => (
          <Link
            key={to.view}
            to={to}
            class="nav-link"
            current={to.view === shown.view || (to.view === 'live' && shown.view === 'camera')}
          >
            <Icon name={icon} />
            <span>{say.nav[word]}</span>
          </Link>
        ))}
      </nav>
      <div class="page">
        <Banner />
        <main id="content" tabIndex={-1} ref={main}>
          {shutOut.value && shown.view !== 'share' ? <Login /> : <View route={shown} />}
        </main>
      </div>
      {opened.view === 'event' && !shutOut.value && <Player id={opened.id} />}
      <News />
    </div>
  );
}

const places: [Route, IconName, 'live' | 'events' | 'timeline' | 'health' | 'zones'][] = [
  [{ view: 'live' }, 'live', 'live'],
  [{ view: 'events' }, 'events', 'events'],
  [{ view: 'timeline', camera: '' }, 'timeline', 'timeline'],
  [{ view: 'health' }, 'health', 'health'],
  [{ view: 'zones', camera: '' }, 'zones', 'zones'],
];

function View({ route: shown }: { route: Route }): JSX.Element {
  switch (shown.view) {
    case 'live':
      return <Wall />;
    case 'camera':
      return <Camera key={shown.camera} name={shown.camera} />;
    case 'events':
      return <Events />;
    case 'timeline':
      return <Timeline camera={shown.camera} />;
    case 'health':
      return <Health />;
    case 'zones':
      return <Zones camera={shown.camera} />;
    case 'share':
      return <Shared token={shown.token} />;
    case 'login':
      return <Entered />;
    default:
      return <Unknown />;
  }
}

/** Whoever comes to the login and needs none, or none any more, is led on. */
function Entered(): JSX.Element | null {
  const known = session.value !== undefined;
  useEffect(() => {
    if (known) go({ view: 'live' }, { replace: true });
  }, [known]);
  return null;
}

function Unknown(): JSX.Element {
  const { faults } = words.value;
  return (
    <Empty title={faults.unknownPage} text={faults.unknownPageHint}>
      <Link to={{ view: 'live' }} class="button button-strong">
        {faults.toLive}
      </Link>
    </Empty>
  );
}

function useTitle(): void {
  const say = words.value;
  const shown = backdrop.value;
  const name =
    shown.view === 'camera' ? shown.camera : shown.view in say.nav ? titleOf(shown.view, say.nav) : undefined;
  useEffect(() => {
    document.title = name === undefined ? 'faascam' : `${name} · faascam`;
  }, [name]);
}

function titleOf(view: string, names: Record<string, string>): string | undefined {
  return names[view];
}

function skipTo(click: Event, target: HTMLElement | null): void {
  click.preventDefault();
  target?.focus();
  target?.scrollIntoView();
}

/** That the viewer, or what it needs for the list on the screen, is away. */
function Banner(): JSX.Element | null {
  const fault = viewerFault.value ?? shownFeed.value?.fault.value;
  if (fault === undefined) return null;
  return (
    <div class="banner" role="alert">
      {fault} {words.value.retrying}
    </div>
  );
}

function Connection(): JSX.Element {
  const { link } = words.value;
  const state =
    viewerFault.value !== undefined
      ? 'away'
      : cameras.value === undefined
        ? 'connecting'
        : camerasFault.value !== undefined
          ? 'partly'
          : 'live';
  return (
    <p class="link-state" role="status" data-state={state}>
      <span class="dot" aria-hidden="true" />
      <span>{link[state]}</span>
    </p>
  );
}
