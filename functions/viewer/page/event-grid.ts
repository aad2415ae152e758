import type { EventView } from './api.ts';
import { arrange, element, icon } from './elements.ts';
import {
  dayKey,
  dayText,
  durationText,
  groupOf,
  incompleteText,
  labelsText,
  percentText,
  timeText,
} from './words.ts';

const NO_PICTURE =
  'M4 7h10a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2Zm12 4 5-3v8l-5-3M3 3l18 18';

/** The events as cards under their days. A card is made once: showing the list again leaves what stays untouched. */
export class EventGrid {
  readonly #container: HTMLElement;
  readonly #onOpen: (id: string) => void;
  readonly #cards = new Map<string, HTMLLIElement>();
  readonly #days = new Map<string, Day>();

  constructor(container: HTMLElement, onOpen: (id: string) => void) {
    this.#container = container;
    this.#onOpen = onOpen;
  }

  /** Shows these events, newest first. Those not shown before glow for a moment where `announce` is set. */
  show(events: EventView[], nowUs: number, announce: boolean): void {
    const ids = new Set(events.map(({ id }) => id));
    for (const id of [...this.#cards.keys()]) {
      if (!ids.has(id)) this.#cards.delete(id);
    }
    const wanted = new Map<string, { day: Day; cards: HTMLLIElement[] }>();
    for (const event of events) {
      const key = dayKey(event.startUs);
      let entry = wanted.get(key);
      if (entry === undefined) {
        const day = this.#days.get(key) ?? makeDay(key);
        day.title.textContent = dayText(event.startUs, nowUs);
        entry = { day, cards: [] };
        wanted.set(key, entry);
      }
      entry.cards.push(this.#cardOf(event, announce));
    }
    this.#days.clear();
    for (const [key, { day, cards }] of wanted) {
      this.#days.set(key, day);
      arrange(day.list, cards);
    }
    arrange(
      this.#container,
      [...wanted.values()].map(({ day }) => day.section),
    );
  }

  focus(id: string): void {
    this.#cards.get(id)?.querySelector('button')?.focus();
  }

  #cardOf(event: EventView, announce: boolean): HTMLLIElement {
    const known = this.#cards.get(event.id);
    if (known !== undefined) return known;
    const card = makeCard(event, () => this.#onOpen(event.id));
    if (announce) card.classList.add('card-new');
    this.#cards.set(event.id, card);
    return card;
  }
}

interface Day {
  section: HTMLElement;
  title: HTMLElement;
  list: HTMLElement;
}

function makeDay(key: string): Day {
  const title = element('h3', { class: 'day-title', id: `day-${key}` });
  const list = element('ul', { class: 'grid' });
  const section = element('section', { class: 'day', 'aria-labelledby': `day-${key}` }, title, list);
  return { section, title, list };
}

function makeCard(event: EventView, onOpen: () => void): HTMLLIElement {
  const picture = element('span', { class: 'card-picture' }, icon(NO_PICTURE));
  if (event.urls.snapshot !== undefined) {
    const image = element('img', { src: event.urls.snapshot, alt: '', loading: 'lazy', decoding: 'async' });
    image.addEventListener('error', () => image.remove());
    picture.append(image);
  }
  const length = event.clipMs === undefined ? 'no footage' : durationText(event.clipMs);
  picture.append(element('span', { class: 'card-length' }, length));

  const words = element(
    'span',
    { class: 'card-words' },
    element(
      'span',
      { class: 'card-head' },
      chips(event.labels),
      element('span', { class: 'card-score', title: 'Best score of its objects' }, percentText(event.score)),
    ),
    element(
      'span',
      { class: 'card-line' },
      element('span', { class: 'card-camera' }, event.camera),
      element('time', { datetime: event.startIso }, timeText(event.startUs)),
    ),
  );
  const badges = badgesOf(event);
  if (badges.length > 0) picture.append(element('span', { class: 'card-badges' }, ...badges));

  const spoken = [
    `${labelsText(event.labels)} on ${event.camera}`,
    timeText(event.startUs),
    length,
    `score ${percentText(event.score)}`,
    ...badges.map((badge) => badge.textContent),
  ].join(', ');
  const button = element('button', { class: 'card', type: 'button', 'aria-label': spoken }, picture, words);
  button.addEventListener('click', onOpen);
  return element('li', { 'data-event': event.id }, button);
}

/** Labels, each in the colour of its kind. */
export function chips(labels: string[]): HTMLSpanElement {
  return element(
    'span',
    { class: 'chips' },
    ...labels.map((label) => element('span', { class: 'chip', 'data-group': groupOf(label) }, label)),
  );
}

/** What one should know of the event before believing it. */
export function badgesOf(event: EventView): HTMLElement[] {
  const badges: HTMLElement[] = [];
  if (!event.complete) {
    badges.push(element('span', { class: 'badge', 'data-kind': 'incomplete' }, incompleteText(event.gaps)));
  }
  if (event.demo) badges.push(element('span', { class: 'badge', 'data-kind': 'demo' }, 'demo model'));
  return badges;
}
