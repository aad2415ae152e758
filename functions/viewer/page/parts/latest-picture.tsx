import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { repeat } from '../data/repeat.ts';
import { addressOf } from '../place.ts';

const TIMEOUT_MS = 5000;

interface LatestPictureProps {
  /** Where the newest picture is, relative to the page. */
  url: string;
  /** How long to wait after one picture before the next is asked for, in ms. */
  everyMs: number;
  /** What it shows, for those who do not see it; empty where the words beside it say so. */
  alt: string;
  class: string;
  /** Called with the picture's size when the first one is shown, and with undefined when there is none any more. */
  onPicture?: (size: { width: number; height: number } | undefined) => void;
}

/** The camera's newest picture, asked for again and again as long as it can be seen; an unchanged one costs nothing. */
export function LatestPicture(props: LatestPictureProps): JSX.Element {
  const image = useRef<HTMLImageElement>(null);
  const [shown, setShown] = useState(false);
  const { url, everyMs, onPicture } = props;
  const told = useRef(onPicture);
  told.current = onPicture;
  useEffect(() => {
    const target = image.current;
    if (target === null) return undefined;
    let inView = true;
    let tag: string | undefined;
    let object: string | undefined;
    const drop = (): void => {
      setShown(false);
      if (object !== undefined) URL.revokeObjectURL(object);
      object = undefined;
      tag = undefined;
      told.current?.(undefined);
    };
    const refresh = async (): Promise<void> => {
      if (!inView) return;
      try {
        const response = await fetch(addressOf(url), {
          cache: 'no-store',
          headers: tag === undefined ? {} : { 'If-None-Match': tag },
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        if (response.status === 404) drop();
        if (!response.ok) return;
        const next = URL.createObjectURL(await response.blob());
        const old = object;
        target.src = next;
        object = next;
        tag = response.headers.get('ETag') ?? undefined;
        await target.decode();
        setShown(true);
        if (old === undefined) told.current?.({ width: target.naturalWidth, height: target.naturalHeight });
        else URL.revokeObjectURL(old);
      } catch {
        // The next picture comes soon; that the server is away is told by the list of cameras.
      }
    };
    const repeated = repeat(() => everyMs, refresh);
    const seen = new IntersectionObserver((entries) => {
      const before = inView;
      inView = entries.at(-1)?.isIntersecting ?? false;
      if (inView && !before) repeated.now();
    });
    seen.observe(target.parentElement ?? target);
    return () => {
      repeated.stop();
      seen.disconnect();
      drop();
    };
  }, [url, everyMs]);
  return <img ref={image} class={props.class} alt={props.alt} hidden={!shown} />;
}
