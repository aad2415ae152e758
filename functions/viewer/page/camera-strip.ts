import type { CameraView } from './api.ts';
import { arrange, element } from './elements.ts';
import { repeat } from './polling.ts';
import { agoText, cameraDetailText, cameraStateText } from './words.ts';

const FRAME_EVERY_MS = 1000;
const FRAME_TIMEOUT_MS = 5000;

/** The row of cameras: each a button that filters by it, with its state and its latest picture. */
export class CameraStrip {
  readonly #list: HTMLElement;
  readonly #onChoose: (camera: string) => void;
  readonly #tiles = new Map<string, CameraTile>();
  readonly #seen: IntersectionObserver;

  constructor(list: HTMLElement, onChoose: (camera: string) => void) {
    this.#list = list;
    this.#onChoose = onChoose;
    this.#seen = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const tile = [...this.#tiles.values()].find(({ item }) => item === target);
        if (tile !== undefined) tile.inView = isIntersecting;
      }
    });
    repeat(FRAME_EVERY_MS, async () => {
      await Promise.all([...this.#tiles.values()].map(async (tile) => await tile.refresh()));
    });
  }

  show(cameras: CameraView[], chosen: string): void {
    const known = new Set(cameras.map(({ id }) => id));
    for (const [id, tile] of this.#tiles) {
      if (known.has(id)) continue;
      this.#seen.unobserve(tile.item);
      tile.close();
      this.#tiles.delete(id);
    }
    const tiles = cameras.map((camera) => {
      let tile = this.#tiles.get(camera.id);
      if (tile === undefined) {
        tile = new CameraTile(camera, this.#onChoose);
        this.#tiles.set(camera.id, tile);
        this.#seen.observe(tile.item);
      }
      tile.show(camera, camera.id === chosen);
      return tile.item;
    });
    arrange(this.#list, tiles);
  }
}

class CameraTile {
  readonly item: HTMLLIElement;
  inView = false;
  #camera: CameraView;
  readonly #button: HTMLButtonElement;
  readonly #picture: HTMLImageElement;
  readonly #state: HTMLElement;
  readonly #detail: HTMLElement;
  #tag: string | undefined;
  #shown: string | undefined;

  constructor(camera: CameraView, onChoose: (camera: string) => void) {
    this.#camera = camera;
    this.#picture = element('img', { class: 'tile-picture', alt: '', hidden: true });
    this.#state = element('span', { class: 'tile-state' });
    this.#detail = element('span', { class: 'tile-detail' });
    this.#button = element(
      'button',
      { class: 'tile', type: 'button', 'aria-pressed': 'false' },
      this.#picture,
      element(
        'span',
        { class: 'tile-words' },
        element('span', { class: 'tile-name' }, camera.id),
        element(
          'span',
          { class: 'tile-line' },
          element('span', { class: 'dot', 'aria-hidden': 'true' }),
          this.#state,
        ),
        this.#detail,
      ),
    );
    this.#button.addEventListener('click', () => onChoose(this.#camera.id));
    this.item = element('li', {}, this.#button);
  }

  show(camera: CameraView, chosen: boolean): void {
    this.#camera = camera;
    this.#button.dataset['state'] = camera.state;
    this.#button.setAttribute('aria-pressed', String(chosen));
    setText(this.#state, cameraStateText(camera.state));
    const { lastFrameAgeMs, cause } = camera;
    const late = lastFrameAgeMs !== undefined && lastFrameAgeMs > 5000;
    const age = lastFrameAgeMs === undefined ? 'no picture yet' : `last picture ${agoText(lastFrameAgeMs)}`;
    setText(this.#detail, camera.state === 'streaming' && !late ? '' : (cause ?? age));
    this.#button.title = `${camera.id}: ${cause ?? age}\n${cameraDetailText(camera)}`;
  }

  /** Shows the camera's newest picture, if it is another one and the tile can be seen. */
  async refresh(): Promise<void> {
    if (!this.inView || this.#camera.state === 'offline') return;
    try {
      const response = await fetch(this.#camera.urls.frame, {
        cache: 'no-store',
        headers: this.#tag === undefined ? {} : { 'If-None-Match': this.#tag },
        signal: AbortSignal.timeout(FRAME_TIMEOUT_MS),
      });
      if (response.status === 304) return;
      if (response.status === 404) {
        this.close();
        return;
      }
      if (!response.ok) return;
      const url = URL.createObjectURL(await response.blob());
      const old = this.#shown;
      this.#picture.src = url;
      this.#shown = url;
      this.#tag = response.headers.get('ETag') ?? undefined;
      await this.#picture.decode();
      this.#picture.hidden = false;
      if (old !== undefined) URL.revokeObjectURL(old);
    } catch {
      // The next second brings the next picture; that the server is away is told by the list of cameras.
    }
  }

  /** Drops the picture. */
  close(): void {
    this.#picture.hidden = true;
    if (this.#shown !== undefined) URL.revokeObjectURL(this.#shown);
    this.#shown = undefined;
    this.#tag = undefined;
  }
}

function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}
