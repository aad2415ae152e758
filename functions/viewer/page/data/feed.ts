import { computed, signal } from '@preact/signals';
import { eventsAnswer, type EventView } from '../api.ts';
import { dayWindow } from '../words/format.ts';
import { ask, sentenceOf } from './ask.ts';
import { eventsUrl, type Filter } from './filters.ts';
import { repeat, type Repeated } from './repeat.ts';
import { onNews, told } from './stream.ts';
import { withNewest, withOlder, type Timeline } from './timeline.ts';

const REFRESH_MS = 2000;
/** While the server tells of news by itself, asking is but a safeguard: it hears nothing while NATS is away. */
const REFRESH_TOLD_MS = 5000;

/** The events under one filter, kept up to date as long as it is open. */
export class EventFeed {
  readonly filter: Filter;
  readonly limit: number;
  readonly timeline = signal<Timeline | undefined>(undefined);
  readonly fault = signal<string | undefined>(undefined);
  /** Ids that came in since the feed was opened. */
  readonly fresh = signal<ReadonlySet<string>>(new Set());
  /** What came in at the last look, if that was not the first. */
  readonly news = signal<readonly EventView[]>([]);
  readonly loadingOlder = signal(false);
  readonly events = computed<readonly EventView[]>(() => this.timeline.value?.events ?? []);
  #repeated: Repeated | undefined;
  #forget: (() => void) | undefined;

  constructor(filter: Filter, limit: number) {
    this.filter = filter;
    this.limit = limit;
  }

  open(): void {
    this.#repeated ??= repeat(
      () => (told.value ? REFRESH_TOLD_MS : REFRESH_MS),
      async () => await this.#refresh(),
    );
    this.#forget ??= onNews(() => this.#repeated?.now());
  }

  close(): void {
    this.#repeated?.stop();
    this.#repeated = undefined;
    this.#forget?.();
    this.#forget = undefined;
  }

  now(): void {
    this.#repeated?.now();
  }

  /** Takes an event away that was deleted here; the next look confirms it. */
  forget(id: string): void {
    const known = this.timeline.value;
    if (known === undefined) return;
    this.timeline.value = { ...known, events: known.events.filter((event) => event.id !== id) };
    this.now();
  }

  /** Gives whether there may be more. */
  async loadOlder(): Promise<boolean> {
    const cursor = this.timeline.value?.before;
    if (cursor === undefined || this.loadingOlder.value) return false;
    this.loadingOlder.value = true;
    try {
      const page = await ask(this.#url(cursor), eventsAnswer);
      const known = this.timeline.value;
      if (known !== undefined) this.timeline.value = withOlder(known, cursor, page);
      return this.timeline.value?.before !== undefined;
    } catch (error) {
      this.fault.value = sentenceOf(error);
      return false;
    } finally {
      this.loadingOlder.value = false;
    }
  }

  #url(before?: string): string {
    return eventsUrl(this.filter, { limit: this.limit, before, windowOf: dayWindow });
  }

  async #refresh(): Promise<void> {
    try {
      const page = await ask(this.#url(), eventsAnswer);
      const known = this.timeline.value;
      this.timeline.value = withNewest(known, page);
      this.fault.value = undefined;
      if (known === undefined) return;
      const ids = new Set(known.events.map(({ id }) => id));
      const news = page.events.filter(({ id }) => !ids.has(id));
      if (news.length === 0) return;
      this.fresh.value = new Set([...this.fresh.value, ...news.map(({ id }) => id)]);
      this.news.value = news;
    } catch (error) {
      this.fault.value = sentenceOf(error);
    }
  }
}
