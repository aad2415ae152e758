/** Which events are shown, as the page's address keeps it. Empty means all. */
export interface Filter {
  camera: string;
  label: string;
  zone: string;
  /** Days, such as `2026-03-04`, by the calendar here; both are in. */
  from: string;
  to: string;
  /** The least score in percent, as a text. */
  score: string;
}

export const noFilter: Filter = { camera: '', label: '', zone: '', from: '', to: '', score: '' };

/** The filter in an address's query. */
export function filterOf(search: string): Filter {
  const query = new URLSearchParams(search);
  const text = (name: string): string => query.get(name) ?? '';
  const day = (name: string): string => (/^\d{4}-\d{2}-\d{2}$/.test(text(name)) ? text(name) : '');
  const score = /^\d{1,2}$/.test(text('score')) ? text('score') : '';
  return {
    ...{ camera: text('camera'), label: text('label'), zone: text('zone') },
    ...{ from: day('from'), to: day('to'), score },
  };
}

/** The query that keeps the filter; other parameters stay. Empty, or beginning with `?`. */
export function searchOf(filter: Filter, search: string): string {
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries(filter)) {
    if (value === '') query.delete(name);
    else query.set(name, String(value));
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** How many parts of it are set. */
export function filtersSet(filter: Filter): number {
  return Object.values(filter).filter((value) => value !== '').length;
}

/** The address of a page of events. `windowOf` gives the times between which a day lies. */
export function eventsUrl(
  filter: Filter,
  options: {
    limit: number;
    before?: string | undefined;
    windowOf: (day: string) => { fromUs: number; toUs: number } | undefined;
  },
): string {
  const query = new URLSearchParams({ limit: String(options.limit) });
  if (filter.camera !== '') query.set('camera', filter.camera);
  if (filter.label !== '') query.set('label', filter.label);
  if (filter.zone !== '') query.set('zone', filter.zone);
  const from = filter.from === '' ? undefined : options.windowOf(filter.from);
  const to = filter.to === '' ? undefined : options.windowOf(filter.to);
  if (from !== undefined) query.set('fromUs', String(from.fromUs));
  if (to !== undefined) query.set('toUs', String(to.toUs));
  if (filter.score !== '') query.set('minScore', String(Number(filter.score) / 100));
  if (options.before !== undefined) query.set('before', options.before);
  return `api/events?${query.toString()}`;
}

/** Choices of a list, sorted, with the chosen one even if it is not (yet) among them. */
export function choicesOf(known: readonly string[], chosen: string): string[] {
  return [...new Set([...known, ...(chosen === '' ? [] : [chosen])])].sort();
}
