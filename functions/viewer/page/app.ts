import {
  camerasAnswer,
  eventsAnswer,
  statusAnswer,
  type CamerasAnswer,
  type EventView,
  type StatusAnswer,
} from './api.ts';
import { CameraStrip } from './camera-strip.ts';
import { byId, showText } from './elements.ts';
import { EventGrid } from './event-grid.ts';
import { eventsUrl, filterOf, offer, searchOf, type Filter } from './filters.ts';
import { Player } from './player.ts';
import { AnswerError, ask, repeat } from './polling.ts';
import { withNewest, withOlder, type Timeline } from './timeline.ts';
import { labelsText } from './words.ts';

const REFRESH_MS = 2000;
const STATUS_MS = 5000;
const PAGE_EVENTS = 24;

let filter: Filter = filterOf(location.search);
let timeline: Timeline | undefined;
let cameras: CamerasAnswer | undefined;
let status: StatusAnswer | undefined;
let eventsFault: string | undefined;
let camerasFault: string | undefined;
let lastCameras: CamerasAnswer['cameras'] = [];
let loadingOlder = false;
let olderInView = false;

const days = byId('days', HTMLElement);
const older = byId('older', HTMLElement);
const olderButton = byId('older-button', HTMLButtonElement);
const cameraSelect = byId('filter-camera', HTMLSelectElement);
const labelSelect = byId('filter-label', HTMLSelectElement);
const clear = byId('filter-clear', HTMLButtonElement);
const news = byId('news', HTMLElement);

const grid = new EventGrid(days, (id) => {
  const event = timeline?.events.find((one) => one.id === id);
  if (event !== undefined) player.open(event);
});
const player = new Player(
  (id, step) => {
    const index = timeline?.events.findIndex((event) => event.id === id) ?? -1;
    return index < 0 ? undefined : timeline?.events[index + step];
  },
  (id) => grid.focus(id),
);
const strip = new CameraStrip(byId('cameras', HTMLElement), (camera) => {
  setFilter({ ...filter, camera: filter.camera === camera ? '' : camera });
});

function setFilter(next: Filter, remember = true): void {
  if (next.camera === filter.camera && next.label === filter.label) return;
  filter = next;
  if (remember) history.pushState(null, '', `${location.pathname}${searchOf(filter, location.search)}`);
  timeline = undefined;
  days.setAttribute('aria-busy', 'true');
  show(false);
  events.now();
}

cameraSelect.addEventListener('change', () => setFilter({ ...filter, camera: cameraSelect.value }));
labelSelect.addEventListener('change', () => setFilter({ ...filter, label: labelSelect.value }));
clear.addEventListener('click', () => {
  setFilter({ camera: '', label: '' });
  cameraSelect.focus();
});
byId('filters', HTMLFormElement).addEventListener('submit', (submit) => submit.preventDefault());
window.addEventListener('popstate', () => setFilter(filterOf(location.search), false));

async function refreshEvents(): Promise<void> {
  const asked = filter;
  try {
    const page = await ask(eventsUrl(asked, PAGE_EVENTS), eventsAnswer);
    if (asked !== filter) return;
    const known = timeline && new Set(timeline.events.map(({ id }) => id));
    timeline = withNewest(timeline, page);
    eventsFault = undefined;
    if (known !== undefined) tellNews(page.events.filter(({ id }) => !known.has(id)));
    show(known !== undefined);
  } catch (error) {
    if (asked !== filter) return;
    eventsFault = sentenceOf(error);
    show(false);
  }
}

async function refreshCameras(): Promise<void> {
  try {
    cameras = await ask('api/cameras', camerasAnswer);
    camerasFault = cameras.notice;
  } catch (error) {
    camerasFault = sentenceOf(error);
  }
  show(false);
}

async function refreshStatus(): Promise<void> {
  try {
    status = await ask('api/status', statusAnswer);
  } catch (error) {
    // The events' own request tells of a server that is away; all else here is worth a line for whoever looks.
    if (!(error instanceof AnswerError && error.status === 0)) console.warn(sentenceOf(error));
  }
  show(false);
}

async function loadOlder(): Promise<void> {
  const cursor = timeline?.before;
  if (cursor === undefined || loadingOlder) return;
  const asked = filter;
  let more = false;
  loadingOlder = true;
  olderButton.disabled = true;
  try {
    const page = await ask(eventsUrl(asked, PAGE_EVENTS, cursor), eventsAnswer);
    if (asked === filter && timeline !== undefined) timeline = withOlder(timeline, cursor, page);
    more = true;
  } catch (error) {
    eventsFault = sentenceOf(error);
  } finally {
    loadingOlder = false;
    olderButton.disabled = false;
  }
  show(false);
  // A page may hold few events, or none where the label is rare: go on until the screen is full.
  if (more) requestAnimationFrame(() => olderInView && void loadOlder());
}

function sentenceOf(error: unknown): string {
  if (error instanceof AnswerError) return error.message;
  console.error(error);
  return 'This page has failed; reload it.';
}

function tellNews(fresh: EventView[]): void {
  const [first] = fresh;
  if (first === undefined) return;
  news.textContent =
    fresh.length === 1
      ? `New event: ${labelsText(first.labels)} on ${first.camera}.`
      : `${String(fresh.length)} new events.`;
}

/** Brings the page in line with what is known. Cheap when nothing has changed. */
function show(announce: boolean): void {
  const list = timeline?.events ?? [];
  if (timeline !== undefined) days.removeAttribute('aria-busy');
  grid.show(list, Date.now() * 1000, announce);
  player.updateSteps();
  older.hidden = timeline?.before === undefined;

  strip.show(camerasShown(), filter.camera);
  showText(byId('cameras-notice', HTMLElement), camerasNotice());
  const names = [...(status?.cameras ?? []), ...(cameras?.cameras ?? []).map(({ id }) => id)];
  offer(cameraSelect, names, filter.camera);
  offer(labelSelect, [...(status?.labels ?? []), ...list.flatMap(({ labels }) => labels)], filter.label);
  clear.hidden = filter.camera === '' && filter.label === '';

  showText(
    byId('banner', HTMLElement),
    eventsFault === undefined ? undefined : `${eventsFault} Trying again…`,
  );
  showLink();
  showEmpty(list);
  const about = status && `${status.software} · clips in ${status.store.description}`;
  showText(byId('foot', HTMLElement), about);
}

/** While NATS is away, the cameras last seen stay, as offline. */
function camerasShown(): CamerasAnswer['cameras'] {
  const known = cameras?.cameras ?? [];
  if (camerasFault === undefined) {
    lastCameras = known;
    return known;
  }
  return lastCameras.map((camera) => ({ ...camera, state: 'offline', cause: 'not reached' }));
}

function camerasNotice(): string | undefined {
  if (eventsFault !== undefined) return undefined;
  if (camerasFault !== undefined) return camerasFault;
  if (cameras?.cameras.length === 0) {
    return 'No camera has reported yet. One appears here within seconds of its agent’s start.';
  }
  return undefined;
}

function showLink(): void {
  const link = byId('link-state', HTMLElement);
  const [state, text] =
    eventsFault !== undefined
      ? ['away', 'No connection']
      : timeline === undefined
        ? ['connecting', 'Connecting']
        : camerasFault !== undefined
          ? ['partly', 'Events only']
          : ['live', 'Live'];
  link.dataset['state'] = state;
  const shown = byId('link-text', HTMLElement);
  if (shown.textContent !== text) shown.textContent = text;
}

function showEmpty(list: EventView[]): void {
  const empty = byId('empty', HTMLElement);
  empty.hidden = timeline === undefined || list.length > 0 || timeline.before !== undefined;
  if (empty.hidden) return;
  const [title, text] = emptyWords();
  showText(byId('empty-title', HTMLElement), title);
  showText(byId('empty-text', HTMLElement), text);
}

function emptyWords(): [string, string] {
  if (filter.camera !== '' || filter.label !== '') {
    const what = filter.label === '' ? 'No event' : `No event with “${filter.label}”`;
    const where = filter.camera === '' ? '' : ` on camera “${filter.camera}”`;
    return [`${what}${where}`, 'Waiting for the first one; clear the filter to see all events.'];
  }
  if (camerasFault !== undefined) {
    return ['No events yet', 'Waiting for NATS: without it, no camera can be seen and no event can begin.'];
  }
  const streaming = (cameras?.cameras ?? []).filter(({ state }) => state === 'streaming').length;
  if (streaming === 0) {
    return [
      'Waiting for the first camera',
      'Start an edge agent with a camera; its events will appear here.',
    ];
  }
  const watched = streaming === 1 ? 'One camera is watched.' : `${String(streaming)} cameras are watched.`;
  return [
    'Waiting for the first event',
    `${watched} When something that counts moves in front of one, its clip appears here a few seconds after it has left.`,
  ];
}

olderButton.addEventListener('click', () => void loadOlder());
new IntersectionObserver(
  (entries) => {
    olderInView = entries.at(-1)?.isIntersecting ?? false;
    if (olderInView) void loadOlder();
  },
  { rootMargin: '600px' },
).observe(older);

const events = repeat(REFRESH_MS, refreshEvents);
repeat(REFRESH_MS, refreshCameras);
repeat(STATUS_MS, refreshStatus);
