import { computed, signal } from '@preact/signals';
import { base } from './place.ts';

/** What a path of the page shows. Ids are checked where they are asked for: here they are but texts. */
export type Route =
  | { view: 'live' }
  | { view: 'camera'; camera: string }
  | { view: 'events' }
  | { view: 'event'; id: string }
  | { view: 'timeline'; camera: string }
  | { view: 'health' }
  | { view: 'zones'; camera: string }
  | { view: 'share'; token: string }
  | { view: 'login' }
  | { view: 'unknown' };

/** The route of a path below the page's address, without the slash in front. Pure. */
export function routeOf(path: string): Route {
  let parts: string[];
  try {
    parts = path.replace(/\/$/, '').split('/').map(decodeURIComponent);
  } catch {
    return { view: 'unknown' };
  }
  const [area = '', name, ...rest] = parts;
  if (rest.length > 0) return { view: 'unknown' };
  switch (area) {
    case '':
    case 'index.html':
      return name === undefined ? { view: 'live' } : { view: 'unknown' };
    case 'cameras':
      return name === undefined ? { view: 'live' } : { view: 'camera', camera: name };
    case 'events':
      return name === undefined ? { view: 'events' } : { view: 'event', id: name };
    case 'timeline':
      return { view: 'timeline', camera: name ?? '' };
    case 'zones':
      return { view: 'zones', camera: name ?? '' };
    case 'share':
      return name === undefined ? { view: 'unknown' } : { view: 'share', token: name };
    case 'health':
    case 'login':
      return name === undefined ? { view: area } : { view: 'unknown' };
    default:
      return { view: 'unknown' };
  }
}

/** The path of a route, below the page's address. */
export function pathOf(route: Route): string {
  switch (route.view) {
    case 'live':
    case 'unknown':
      return '';
    case 'camera':
      return `cameras/${encodeURIComponent(route.camera)}`;
    case 'event':
      return `events/${encodeURIComponent(route.id)}`;
    case 'share':
      return `share/${encodeURIComponent(route.token)}`;
    case 'timeline':
    case 'zones':
      return route.camera === '' ? route.view : `${route.view}/${encodeURIComponent(route.camera)}`;
    default:
      return route.view;
  }
}

interface Location {
  path: string;
  /** The query, with its question mark. */
  search: string;
  /** Where the page was before an event was opened over it: closing the event leads there again. */
  behind: string | undefined;
}

function present(): Location {
  const state: unknown = history.state;
  const behind =
    typeof state === 'object' && state !== null && 'behind' in state && typeof state.behind === 'string'
      ? state.behind
      : undefined;
  return { path: location.pathname.slice(base.pathname.length), search: location.search, behind };
}

const here = signal<Location>({ path: '', search: '', behind: undefined });

export const route = computed(() => routeOf(here.value.path));
export const search = computed(() => here.value.search);
export const behind = computed(() => here.value.behind);

/** What lies behind an opened event: the page it was opened from, or the list of events. */
export const backdrop = computed<Route>(() => {
  const shown = route.value;
  if (shown.view !== 'event') return shown;
  const [path = 'events'] = (behind.value ?? 'events').split('?');
  return routeOf(path);
});

/** Follows the browser's address from now on. */
export function startRouter(): void {
  const first = present();
  // Addresses of the list from before it had a path of its own.
  const query = new URLSearchParams(first.search);
  if (first.path === '' && (query.has('camera') || query.has('label'))) {
    history.replaceState(null, '', addressAt('events', first.search));
  }
  // As notifications name an event: below an address of the page whose paths they know nothing of.
  const named = query.get('event');
  if (first.path === '' && named !== null) {
    history.replaceState(null, '', addressAt(pathOf({ view: 'event', id: named }), ''));
  }
  here.value = present();
  window.addEventListener('popstate', () => {
    here.value = present();
  });
}

function addressAt(path: string, query: string): string {
  return `${base.pathname}${path}${query}`;
}

/** The address of a route, for a link. */
export function hrefOf(target: Route, query = ''): string {
  return addressAt(pathOf(target), query);
}

/** Where closing an event that is opened from here leads: an event that was opened by its address has the list behind it. */
function placeBehind(): string {
  return route.value.view === 'event' ? 'events' : `${here.value.path}${here.value.search}`;
}

/** Goes to a route. `replace` leaves no step behind in the browser's history. */
export function go(target: Route, options: { query?: string; replace?: boolean } = {}): void {
  const { query = '', replace = false } = options;
  const path = pathOf(target);
  const state = target.view === 'event' ? { behind: behind.value ?? placeBehind() } : null;
  if (replace) history.replaceState(state, '', addressAt(path, query));
  else history.pushState(state, '', addressAt(path, query));
  here.value = present();
  if (target.view !== 'event' && !replace) window.scrollTo(0, 0);
}

/** Keeps another query in the address of what is shown. */
export function setSearch(query: string, options: { replace?: boolean } = {}): void {
  const address = addressAt(here.value.path, query);
  const state: unknown = history.state;
  if (options.replace === true) history.replaceState(state, '', address);
  else history.pushState(state, '', address);
  here.value = present();
}

/** Leaves an opened event for what lies behind it. */
export function closeEvent(): void {
  const path = behind.value;
  if (path === undefined) {
    go({ view: 'events' }, { replace: true });
    return;
  }
  const [place = '', query] = path.split('?');
  history.replaceState(null, '', addressAt(place, query === undefined ? '' : `?${query}`));
  here.value = present();
}
