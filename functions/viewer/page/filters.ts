import { element } from './elements.ts';

/** What is shown, as the page's address keeps it. Empty means all. */
export interface Filter {
  camera: string;
  label: string;
}

/** The filter in an address's query. */
export function filterOf(search: string): Filter {
  const query = new URLSearchParams(search);
  return { camera: query.get('camera') ?? '', label: query.get('label') ?? '' };
}

/** The query that keeps the filter; other parameters stay. Empty, or beginning with `?`. */
export function searchOf(filter: Filter, search: string): string {
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries({ camera: filter.camera, label: filter.label })) {
    if (value === '') query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** The address of a page of events. */
export function eventsUrl(filter: Filter, limit: number, before?: string): string {
  const query = new URLSearchParams({ limit: String(limit) });
  if (filter.camera !== '') query.set('camera', filter.camera);
  if (filter.label !== '') query.set('label', filter.label);
  if (before !== undefined) query.set('before', before);
  return `api/events?${query.toString()}`;
}

/** Offers these choices and the chosen one, even if it is not (yet) among them. An open list is not disturbed. */
export function offer(select: HTMLSelectElement, choices: string[], chosen: string): void {
  const wanted = [...new Set([...choices, ...(chosen === '' ? [] : [chosen])])].sort();
  const shown = [...select.options].slice(1).map(({ value }) => value);
  if (wanted.join('\n') !== shown.join('\n')) {
    const [all] = select.options;
    select.replaceChildren(
      ...(all === undefined ? [] : [all]),
      ...wanted.map((value) => element('option', { value }, value)),
    );
  }
  if (select.value !== chosen) select.value = chosen;
}
