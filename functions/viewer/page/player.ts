import type { EventView } from './api.ts';
import { byId, element, showText } from './elements.ts';
import { badgesOf, chips } from './event-grid.ts';
import { beganText, crossingsText, endedText } from './reasons.ts';
import {
  dateTimeText,
  durationText,
  gapText,
  labelsText,
  percentText,
  playbackFaultText,
  timeText,
} from './words.ts';

/** The dialog that plays an event's clip and tells what is known of it. */
export class Player {
  readonly #dialog = byId('player', HTMLDialogElement);
  readonly #video = byId('player-video', HTMLVideoElement);
  readonly #fault = byId('player-fault', HTMLElement);
  readonly #newer = byId('player-newer', HTMLButtonElement);
  readonly #older = byId('player-older', HTMLButtonElement);
  readonly #neighbour: (id: string, step: -1 | 1) => EventView | undefined;
  #event: EventView | undefined;

  /**
   * `neighbour` gives the event before (-1, newer) or after (1, older) another in the list shown; `onClose` gets the
   * id of the event shown last.
   */
  constructor(neighbour: (id: string, step: -1 | 1) => EventView | undefined, onClose: (id: string) => void) {
    this.#neighbour = neighbour;
    this.#dialog.addEventListener('close', () => {
      const id = this.#event?.id;
      this.#event = undefined;
      this.#unload();
      if (id !== undefined) onClose(id);
    });
    // A click on the dialog itself, not on what it holds, is one beside the frame.
    this.#dialog.addEventListener('click', (click) => {
      if (click.target === this.#dialog) this.#dialog.close();
    });
    this.#dialog.addEventListener('keydown', (key) => {
      if (key.target === this.#video || key.altKey || key.ctrlKey || key.metaKey) return;
      if (key.key === 'ArrowLeft') this.#step(-1);
      if (key.key === 'ArrowRight') this.#step(1);
    });
    byId('player-close', HTMLButtonElement).addEventListener('click', () => this.#dialog.close());
    this.#newer.addEventListener('click', () => this.#step(-1));
    this.#older.addEventListener('click', () => this.#step(1));
    this.#video.addEventListener('error', () => this.#sayFault());
  }

  open(event: EventView): void {
    this.#event = event;
    this.#describe(event);
    this.#load(event);
    this.updateSteps();
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** The list has changed: another event may be beside the one shown. */
  updateSteps(): void {
    if (this.#event === undefined) return;
    this.#newer.disabled = this.#neighbour(this.#event.id, -1) === undefined;
    this.#older.disabled = this.#neighbour(this.#event.id, 1) === undefined;
  }

  #step(step: -1 | 1): void {
    const next = this.#event === undefined ? undefined : this.#neighbour(this.#event.id, step);
    if (next !== undefined) this.open(next);
  }

  #load({ urls, gaps }: EventView): void {
    this.#unload();
    if (urls.snapshot !== undefined) this.#video.poster = urls.snapshot;
    if (urls.clip === undefined) {
      const [gap] = gaps;
      this.#showFault(`There is no footage of this event${gap === undefined ? '' : `; ${gapText(gap)}`}.`);
      return;
    }
    this.#video.src = urls.clip;
    // A browser that does not start by itself leaves it to the video's own play button.
    void this.#video.play().catch(() => undefined);
  }

  #unload(): void {
    this.#fault.hidden = true;
    this.#video.controls = true;
    this.#video.pause();
    this.#video.removeAttribute('poster');
    if (!this.#video.hasAttribute('src')) return;
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  #sayFault(): void {
    if (this.#event === undefined || !this.#video.hasAttribute('src')) return;
    const network = this.#video.error?.code === MediaError.MEDIA_ERR_NETWORK;
    this.#showFault(playbackFaultText(this.#event.videoCodec, network));
  }

  #showFault(sentence: string): void {
    const url = this.#event?.urls.clip;
    const link =
      url === undefined ? [] : [' ', element('a', { href: `${url}?download=1` }, 'Download the clip')];
    this.#video.controls = false;
    this.#fault.hidden = false;
    this.#fault.replaceChildren(sentence, ...link);
  }

  #describe(event: EventView): void {
    byId('player-title', HTMLElement).textContent = `${labelsText(event.labels)} on ${event.camera}`;
    byId('player-time', HTMLElement).replaceChildren(
      element('time', { datetime: event.startIso }, dateTimeText(event.startUs)),
    );
    byId('player-chips', HTMLElement).replaceChildren(
      ...[...chips(event.labels).children, ...badgesOf(event)].map((chip) => element('li', {}, chip)),
    );
    drawFootage(byId('player-footage', HTMLElement), event);

    const facts: [string, string][] = [
      ['Objects in sight', durationText(event.eventMs)],
      ['Clip', event.clipMs === undefined ? 'none' : durationText(event.clipMs)],
      ['Best score', percentText(event.score)],
      ['Model', event.demo ? `${event.model} (for demonstration)` : event.model],
    ];
    if (event.zones.length > 0) facts.push(['Zones', event.zones.join(', ')]);
    if (event.crossings.length > 0) facts.push(['Lines crossed', crossingsText(event.crossings)]);
    if (event.began !== undefined) facts.push(['Why it began', beganText(event.began)]);
    const ended = endedText(event.ended, event.endReason);
    if (ended !== undefined) facts.push(['Why it ended', ended]);
    if (event.videoCodec !== undefined) facts.push(['Video', event.videoCodec]);
    facts.push(['Footage', event.complete ? 'complete' : event.gaps.map(gapText).join('; ') || 'incomplete']);
    byId('player-facts', HTMLElement).replaceChildren(
      ...facts.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))),
    );

    link('player-download', event.urls.clip, true);
    link('player-snapshot', event.urls.snapshot, true);
    link('player-clean', event.urls.cleanSnapshot, true);
    link('player-json', event.urls.manifest, false);
  }
}

function link(id: string, url: string | undefined, download: boolean): void {
  const anchor = byId(id, HTMLAnchorElement);
  anchor.hidden = url === undefined;
  if (url !== undefined) anchor.href = download ? `${url}?download=1` : url;
}

/** The window of footage asked for as a bar: where the objects were seen, and what is missing. */
function drawFootage(bar: HTMLElement, { requested, startUs, endUs, gaps, complete }: EventView): void {
  const spanUs = Math.max(1, requested.toUs - requested.fromUs);
  const part = (kind: string, fromUs: number, toUs: number): HTMLElement => {
    const from = Math.min(1, Math.max(0, (fromUs - requested.fromUs) / spanUs));
    const to = Math.min(1, Math.max(from, (toUs - requested.fromUs) / spanUs));
    const span = element('span', { class: 'footage-part', 'data-kind': kind });
    span.style.left = `${String(from * 100)}%`;
    span.style.width = `${String((to - from) * 100)}%`;
    return span;
  };
  bar.replaceChildren(part('seen', startUs, endUs), ...gaps.map((gap) => part('gap', gap.fromUs, gap.toUs)));
  const missing = complete ? 'all of it is there' : gaps.map(gapText).join('; ');
  showText(byId('footage-from', HTMLElement), timeText(requested.fromUs));
  showText(byId('footage-to', HTMLElement), timeText(requested.toUs));
  byId('footage-missing', HTMLElement).hidden = gaps.length === 0;
  bar.setAttribute('aria-label', `Footage of ${durationText(spanUs / 1000)} was asked for; ${missing}.`);
}
