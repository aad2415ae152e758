import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ClipView, EventView } from '../api.ts';
import { sentenceOf, tell } from '../data/ask.ts';
import { mayOperate } from '../data/session.ts';
import { Icon } from '../parts/icons.tsx';
import { addressOf } from '../place.ts';
import { closeEvent } from '../router.ts';
import { words } from '../words/words.ts';
import { shownFeed } from './open-feed.ts';
import { ShareEvent } from './share-event.tsx';

/** What can be taken from an event and, by who may, done with it. */
export function EventActions(props: { event: EventView; clip: ClipView | undefined }): JSX.Element {
  const { event, clip } = props;
  const { player: say } = words.value;
  const { snapshot, cleanSnapshot, manifest } = event.urls;
  return (
    <div class="actions">
      {clip !== undefined && (
        <a class="button button-strong" href={`${addressOf(clip.url)}?download=1`}>
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
      {mayOperate.value && <Changes event={event} />}
    </div>
  );
}

/** The way that lies open below the buttons. */
type Asking = 'share' | 'delete' | undefined;

function Changes({ event }: { event: EventView }): JSX.Element {
  const { player: say } = words.value;
  const [kept, setKept] = useState(event.kept === true);
  const [asking, ask] = useState<Asking>(undefined);
  const [fault, setFault] = useState<string | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const path = `api/events/${encodeURIComponent(event.id)}`;
  const attempt = async (doing: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setFault(undefined);
    try {
      await doing();
    } catch (error) {
      setFault(sentenceOf(error));
    } finally {
      setBusy(false);
    }
  };
  const toggleKept = async (): Promise<void> => {
    await tell(kept ? 'DELETE' : 'POST', `${path}/keep`);
    setKept(!kept);
    shownFeed.value?.now();
  };
  const remove = async (): Promise<void> => {
    // One that is kept was asked about as well: the question is the same.
    await tell('DELETE', kept ? `${path}?force=true` : path);
    shownFeed.value?.forget(event.id);
    closeEvent();
  };
  return (
    <>
      <button
        class="button"
        type="button"
        aria-pressed={kept}
        disabled={busy}
        title={say.keepHint}
        onClick={() => void attempt(toggleKept)}
      >
        <Icon name="keep" />
        {say.keep}
      </button>
      <button
        class="button"
        type="button"
        aria-expanded={asking === 'share'}
        title={say.shareHint}
        onClick={() => ask(asking === 'share' ? undefined : 'share')}
      >
        <Icon name="share" />
        {say.share}
      </button>
      <button
        class="button button-danger"
        type="button"
        aria-expanded={asking === 'delete'}
        onClick={() => ask(asking === 'delete' ? undefined : 'delete')}
      >
        <Icon name="trash" />
        {say.delete}
      </button>
      {asking === 'share' && <ShareEvent path={path} />}
      {asking === 'delete' && (
        <div class="asked" role="group" aria-label={say.delete}>
          <p>{say.deleteAsk}</p>
          <button
            class="button button-danger"
            type="button"
            disabled={busy}
            onClick={() => void attempt(remove)}
          >
            {say.deleteYes}
          </button>
          <button class="button" type="button" onClick={() => ask(undefined)}>
            {say.deleteNo}
          </button>
        </div>
      )}
      {fault !== undefined && (
        <p class="cause asked" role="alert">
          {fault}
        </p>
      )}
    </>
  );
}
