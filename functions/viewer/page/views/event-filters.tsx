import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { EventView } from '../api.ts';
import { cameraNames, status } from '../data/cameras.ts';
import { choicesOf, filtersSet, noFilter, searchOf, type Filter } from '../data/filters.ts';
import { Icon } from '../parts/icons.tsx';
import { Select } from '../parts/select.tsx';
import { search, setSearch } from '../router.ts';
import { labelText } from '../words/reasons.ts';
import { words } from '../words/words.ts';

const SCORES = [50, 60, 70, 80, 90];

/** The filter as a form; each change is a step in the browser's history. */
export function EventFilters(props: { filter: Filter; events: readonly EventView[] }): JSX.Element {
  const { filter, events } = props;
  const { events: say, all } = words.value;
  const form = useRef<HTMLFormElement>(null);
  const set = (change: Partial<Filter>): void => setSearch(searchOf({ ...filter, ...change }, search.value));
  const labels = [...(status.value?.labels ?? []), ...events.flatMap((event) => event.labels)];
  const zones = [...(status.value?.zones ?? []), ...events.flatMap((event) => event.zones)];
  const everything = ['', all] as const;
  const named = (names: string[]): [string, string][] => names.map((name) => [name, name]);
  return (
    <form class="filters" aria-label={say.filter} ref={form} onSubmit={(submit) => submit.preventDefault()}>
      <Select
        label={say.camera}
        value={filter.camera}
        choices={[everything, ...named(choicesOf(cameraNames.value, filter.camera))]}
        onChoose={(camera) => set({ camera })}
      />
      <Select
        label={say.label}
        value={filter.label}
        choices={[
          everything,
          ...choicesOf(labels, filter.label).map((label) => [label, labelText(label)] as const),
        ]}
        onChoose={(label) => set({ label })}
      />
      <Select
        label={say.zone}
        value={filter.zone}
        choices={[everything, ...named(choicesOf(zones, filter.zone))]}
        onChoose={(zone) => set({ zone })}
      />
      <Select
        label={say.score}
        value={filter.score}
        choices={[
          ['', say.anyScore],
          ...choicesOf(SCORES.map(String), filter.score).map(
            (score) => [score, say.atLeast(Number(score) / 100)] as const,
          ),
        ]}
        onChoose={(score) => set({ score })}
      />
      <DayField label={say.from} value={filter.from} onChoose={(from) => set({ from })} />
      <DayField label={say.to} value={filter.to} onChoose={(to) => set({ to })} />
      {filtersSet(filter) > 0 && (
        <button
          class="button button-quiet"
          type="button"
          onClick={() => {
            set(noFilter);
            form.current?.querySelector('select')?.focus();
          }}
        >
          <Icon name="close" />
          {say.clear}
        </button>
      )}
    </form>
  );
}

function DayField(props: { label: string; value: string; onChoose: (day: string) => void }): JSX.Element {
  return (
    <label class="field field-day">
      <span>{props.label}</span>
      <input
        type="date"
        value={props.value}
        onChange={(change) => props.onChoose(change.currentTarget.value)}
      />
    </label>
  );
}
