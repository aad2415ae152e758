import { faultOf, type LiveWay, type PlayingWay } from './live-way.ts';

/** How often a single picture is asked for. */
const REFRESH_MS = 500;

/** A row of JPEG pictures in one answer that does not end, each with its length. */
export async function playMjpeg(way: LiveWay, { signal, onPicture, show }: PlayingWay): Promise<void> {
  const response = await fetch(way.url, { signal, cache: 'no-store' });
  if (!response.ok || response.body === null) throw await faultOf(response, 'The stream of pictures');
  const canvas = new Canvas();
  const reader = response.body.getReader();
  let rest = new Uint8Array();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest = appended(rest, value);
    let newest: Uint8Array<ArrayBuffer> | undefined;
    for (let part = partIn(rest); part !== undefined; part = partIn(rest)) {
      newest = part.picture;
      rest = part.rest;
    }
    if (newest === undefined) continue;
    await canvas.draw(new Blob([newest], { type: 'image/jpeg' }));
    show(canvas.element);
    onPicture();
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

/** The first whole part, and what comes after it. */
function partIn(
  bytes: Uint8Array<ArrayBuffer>,
): { picture: Uint8Array<ArrayBuffer>; rest: Uint8Array<ArrayBuffer> } | undefined {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 1024));
  const headEnd = head.indexOf(END_OF_HEAD);
  if (headEnd < 0) {
    if (bytes.length >= 1024) throw new Error('The stream of pictures is damaged.');
    return undefined;
  }
  const [, digits] = /content-length: *(\d{1,9})/i.exec(head.slice(0, headEnd)) ?? [];
  if (digits === undefined) throw new Error('The stream of pictures is damaged.');
  const from = headEnd + END_OF_HEAD.length;
  const to = from + Number(digits);
  if (to > bytes.length) return undefined;
  return { picture: bytes.slice(from, to), rest: bytes.slice(to) };
}

function appended(rest: Uint8Array<ArrayBuffer>, more: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(rest.length + more.length);
  all.set(rest);
  all.set(more, rest.length);
  return all;
}
