import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { sharedAnswer, type SharedAnswer } from '../api.ts';
import { ask, sentenceOf } from '../data/ask.ts';
import { ClipChoices, ClipVideo, useClips } from '../parts/clip-video.tsx';
import { Empty } from '../parts/empty.tsx';
import { Icon } from '../parts/icons.tsx';
import { addressOf } from '../place.ts';
import { dateTimeText } from '../words/format.ts';
import { words } from '../words/words.ts';

/** The event of a link that somebody was given: its clip, and nothing else of this faascam. */
export function Shared({ token }: { token: string }): JSX.Element | null {
  const { shared: sayShared } = words.value;
  const [shown, show] = useState<SharedAnswer | undefined>(undefined);
  const [fault, setFault] = useState<string | undefined>(undefined);
  useEffect(() => {
    ask(`api/shared/${encodeURIComponent(token)}`, sharedAnswer).then(show, (error: unknown) => {
      setFault(sentenceOf(error));
    });
  }, [token]);
  if (fault !== undefined) return <Empty title={sayShared.gone} text={fault} />;
  return shown === undefined ? null : <SharedEvent shown={shown} />;
}

function SharedEvent({ shown }: { shown: SharedAnswer }): JSX.Element {
  const { player: say, shared: sayShared } = words.value;
  const { camera, startUs, startIso, expiresUs, urls } = shown;
  const video = useRef<HTMLVideoElement>(null);
  const clips = useClips(shown.clips);
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
      <div class="stage stage-alone">
        <ClipVideo shown={clips} poster={urls.snapshot} video={video} none={say.noFootage('')} />
      </div>
      <div class="actions">
        <ClipChoices shown={clips} />
        {clips.clip !== undefined && (
          <a class="button button-strong" href={`${addressOf(clips.clip.url)}?download=1`}>
            <Icon name="download" />
            {say.download}
          </a>
        )}
      </div>
      <p class="hint">{sayShared.until(dateTimeText(expiresUs))}</p>
    </section>
  );
}
