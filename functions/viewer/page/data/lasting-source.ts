import { addressOf } from '../place.ts';

/** Who hears a stream of the server's events. */
export interface Hearers {
  /** By the event's name, with what it says. */
  events: Readonly<Record<string, (data: string) => void>>;
  /** Each time that it begins, or goes on after a break. */
  opened: () => void;
  /** It has broken off, or was refused. */
  lost?: () => void;
}

const RETRY_MS = 15_000;

/**
 * Listens to a stream of server-sent events until the answer is called. A browser goes on by itself after a broken connection,
 * but not after a refusal (WHATWG HTML, 9.2.3): then it is asked for again after a while. `path` is relative to the page.
 */
export function keepListening(path: string, { events, opened, lost }: Hearers): () => void {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = (): void => {
    const begun = new EventSource(addressOf(path));
    source = begun;
    begun.addEventListener('open', opened);
    for (const [name, heard] of Object.entries(events)) {
      begun.addEventListener(name, ({ data }: MessageEvent<unknown>) => heard(String(data)));
    }
    begun.addEventListener('error', () => {
      lost?.();
      if (begun.readyState === EventSource.CLOSED) timer = setTimeout(open, RETRY_MS);
    });
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
