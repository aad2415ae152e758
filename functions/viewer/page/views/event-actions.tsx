import type { JSX } from 'preact';
import type { EventView } from '../api.ts';
import { Icon } from '../parts/icons.tsx';
import { addressOf } from '../place.ts';
import { words } from '../words/words.ts';

/** What can be taken from an event. */
export function EventActions({ event }: { event: EventView }): JSX.Element {
  const { player: say } = words.value;
  const { clip, snapshot, cleanSnapshot, manifest } = event.urls;
  return (
    <p class="actions">
      {clip !== undefined && (
        <a class="button button-strong" href={`${addressOf(clip)}?download=1`}>
          <Icon name="download" />
          {say.download}
        </a>
      )}
      {snapshot !== undefined && (
        <a class="button" href={`${addressOf(snapshot)}?download=1`}>
          {say.snapshot}
        </a>
      )}
      {cleanSnapshot !== undefined && (
        <a class="button" href={`${addressOf(cleanSnapshot)}?download=1`} title={say.cleanHint}>
          {say.clean}
        </a>
      )}
      <a class="button" href={addressOf(manifest)} target="_blank" rel="noopener">
        {say.receipt}
      </a>
    </p>
  );
}
