import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { sharedAnswer, type SharedAnswer } from '../api.ts';
import { ask, sentenceOf } from '../data/ask.ts';
import { Empty } from '../parts/empty.tsx';
import { Icon } from '../parts/icons.tsx';
import { addressOf } from '../place.ts';
import { dateTimeText } from '../words/format.ts';
import { words } from '../words/words.ts';

/** The event of a link that somebody was given: its clip, and nothing else of this faascam. */
export function Shared({ token }: { token: string }): JSX.Element | null {
  const { player: say, shared: sayShared } = words.value;
  const [shown, show] = useState<SharedAnswer | undefined>(undefined);
  const [fault, setFault] = useState<string | undefined>(undefined);
  useEffect(() => {
    ask(`api/shared/${encodeURIComponent(token)}`, sharedAnswer).then(show, (error: unknown) => {
      setFault(sentenceOf(error));
    });
  }, [token]);
  if (fault !== undefined) return <Empty title={sayShared.gone} text={fault} />;
  if (shown === undefined) return null;
  const { camera, startUs, startIso, expiresUs, urls } = shown;
  return (
    <section class="single" aria-labelledby="shared-title">
      <div>
        <h1 class="page-title" id="shared-title">
          {camera}
        </h1>
        <p class="notice">
          <time dateTime={startIso}>{dateTimeText(startUs)}</time>
        </p>
      </div>
      <div class="live-stage">
        <video
          class="live-video"
          src={addressOf(urls.clip)}
          poster={addressOf(urls.snapshot)}
          controls
          playsInline
          preload="auto"
        />
      </div>
      <p class="actions">
        <a class="button button-strong" href={`${addressOf(urls.clip)}?download=1`}>
          <Icon name="download" />
          {say.download}
        </a>
      </p>
      <p class="hint">{sayShared.until(dateTimeText(expiresUs))}</p>
    </section>
  );
}
