import { faultOf, type LiveWay, type PictureTimes, type PlayingWay } from './live-way.ts';

/** How often a single picture is asked for. */
const REFRESH_MS = 500;

/** A row of JPEG pictures in one answer that does not end, each with its length. */
export async function playMjpeg(way: LiveWay, { signal, onPicture, show, times }: PlayingWay): Promise<void> {
  const response = await fetch(way.url, { signal, cache: 'no-store' });
  if (!response.ok || response.body === null) throw await faultOf(response, 'The stream of pictures');
  const canvas = new Canvas();
  const draw = async ({ jpeg, capturedAtUs }: Picture): Promise<void> => {
    await canvas.draw(new Blob([jpeg], { type: 'image/jpeg' }));
    show(canvas.element);
    onPicture();
    times?.shown(capturedAtUs, canvas.element);
  };
  const later = times === undefined ? undefined : new LaterPictures(times, draw, signal);
  const reader = response.body.getReader();
  let rest = new Uint8Array();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest = appended(rest, value);
    let newest: Picture | undefined;
    for (let part = partIn(rest); part !== undefined; part = partIn(rest)) {
      newest = part.picture;
      later?.add(part.picture);
      rest = part.rest;
    }
    if (newest !== undefined && later === undefined) await draw(newest);
  }
}

/** One picture after the other. */
export async function playJpegs(way: LiveWay, { signal, onPicture, show }: PlayingWay): Promise<void> {
  const canvas = new Canvas();
  let tag: string | null = null;
  while (!signal.aborted) {
    const begun = performance.now();
    const response = await fetch(way.url, {
      signal,
      cache: 'no-store',
      headers: tag === null ? {} : { 'if-none-match': tag },
    });
    if (!response.ok && response.status !== 304) throw await faultOf(response, 'The newest picture');
    if (response.status === 200) {
      tag = response.headers.get('etag');
      await canvas.draw(await response.blob());
      show(canvas.element);
      onPicture();
    }
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(50, REFRESH_MS - (performance.now() - begun))),
    );
  }
}

class Canvas {
  readonly element = document.createElement('canvas');
  readonly #context = this.element.getContext('2d', { alpha: false });

  async draw(jpeg: Blob): Promise<void> {
    const picture = await createImageBitmap(jpeg);
    if (this.element.width !== picture.width) this.element.width = picture.width;
    if (this.element.height !== picture.height) this.element.height = picture.height;
    this.#context?.drawImage(picture, 0, 0);
    picture.close();
  }
}

const END_OF_HEAD = '\r\n\r\n';

interface Picture {
  jpeg: Uint8Array<ArrayBuffer>;
  /** When it was taken, if its sender says so. */
  capturedAtUs: number | undefined;
}

/** More than this that wait: the oldest goes. */
const MOST_WAITING = 200;
const LOOK_MS = 10;

/** Shows pictures as much later as they are asked for, in the time between them in which they were taken. */
class LaterPictures {
  readonly #times: PictureTimes;
  readonly #draw: (picture: Picture) => Promise<void>;
  #waiting: Picture[] = [];
  /** The newest picture's own time, and when it came, in ms. */
  #newest: { capturedAtUs: number; atMs: number } | undefined;
  #drawing = false;

  constructor(times: PictureTimes, draw: (picture: Picture) => Promise<void>, signal: AbortSignal) {
    this.#times = times;
    this.#draw = draw;
    const timer = setInterval(() => this.#look(), LOOK_MS);
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  }

  add(picture: Picture): void {
    this.#waiting = [...this.#waiting, picture].slice(-MOST_WAITING);
    if (picture.capturedAtUs === undefined) return;
    this.#newest = { capturedAtUs: picture.capturedAtUs, atMs: performance.now() };
    this.#times.arrived(picture.capturedAtUs);
  }

  #look(): void {
    if (this.#drawing) return;
    const dueUs = this.#dueUs();
    const due = this.#waiting.findLastIndex(({ capturedAtUs = 0 }) => capturedAtUs <= dueUs);
    const picture = this.#waiting[due];
    if (picture === undefined) return;
    this.#waiting = this.#waiting.slice(due + 1);
    this.#drawing = true;
    // What cannot be drawn is passed over: the next one comes.
    void this.#draw(picture)
      .catch(() => undefined)
      .finally(() => {
        this.#drawing = false;
      });
  }

  /** The time whose picture is to be shown now. */
  #dueUs(): number {
    if (this.#newest === undefined) return 0;
    const sinceMs = performance.now() - this.#newest.atMs;
    return this.#newest.capturedAtUs + sinceMs * 1000 - this.#times.behindS * 1e6;
  }
}

/** The first whole part, and what comes after it. */
function partIn(
  bytes: Uint8Array<ArrayBuffer>,
): { picture: Picture; rest: Uint8Array<ArrayBuffer> } | undefined {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 1024));
  const headEnd = head.indexOf(END_OF_HEAD);
  if (headEnd < 0) {
    if (bytes.length >= 1024) throw new Error('The stream of pictures is damaged.');
    return undefined;
  }
  const [, digits] = /content-length: *(\d{1,9})/i.exec(head.slice(0, headEnd)) ?? [];
  if (digits === undefined) throw new Error('The stream of pictures is damaged.');
  const [, captured] = /faascam-captured-at: *(\d{1,16})/i.exec(head.slice(0, headEnd)) ?? [];
  const from = headEnd + END_OF_HEAD.length;
  const to = from + Number(digits);
  if (to > bytes.length) return undefined;
  const capturedAtUs = captured === undefined ? undefined : Number(captured);
  return { picture: { jpeg: bytes.slice(from, to), capturedAtUs }, rest: bytes.slice(to) };
}

function appended(rest: Uint8Array<ArrayBuffer>, more: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(rest.length + more.length);
  all.set(rest);
  all.set(more, rest.length);
  return all;
}
