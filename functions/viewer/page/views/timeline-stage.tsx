import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { EventView } from '../api.ts';
import { at } from '../data/time-axis.ts';
import { IconButton } from '../parts/icon-button.tsx';
import { Icon } from '../parts/icons.tsx';
import { Link } from '../parts/link.tsx';
import { addressOf } from '../place.ts';
import { timeText } from '../words/format.ts';
import { labelsText } from '../words/reasons.ts';
import { words } from '../words/words.ts';

/** What was stored of a time: the picture of the clip at it, and the ways to the events beside it. */
export function TimelineStage(props: {
  camera: string;
  events: readonly EventView[];
  atUs: number;
  onMove: (us: number) => void;
}): JSX.Element {
  const { events, atUs, onMove } = props;
  const { timeline: say } = words.value;
  const clips = events.map((event) => ({ ...event.requested, event }));
  const here = at(clips, atUs)?.event;
  const previous = events.findLast(({ startUs }) => startUs < atUs && startUs !== here?.startUs);
  const next = events.find(({ startUs }) => startUs > atUs);
  return (
    <div class="day-stage">
      <div class="stage">
        {here?.urls.clip !== undefined ? (
          <Scrubbed
            key={here.id}
            url={here.urls.clip}
            poster={here.urls.snapshot}
            seconds={Math.max(0, (atUs - here.requested.fromUs) / 1e6)}
          />
        ) : here?.urls.snapshot !== undefined ? (
          <img src={addressOf(here.urls.snapshot)} alt="" />
        ) : (
          <p class="stage-nothing">{say.nothing}</p>
        )}
      </div>
      <div class="stage-line">
        <IconButton
          name="newer"
          label={say.previous}
          disabled={previous === undefined}
          onClick={() => previous !== undefined && onMove(previous.startUs)}
        />
        <p class="stage-time">
          <strong>{timeText(atUs)}</strong>
          {here !== undefined && <span> · {labelsText(here.labels)}</span>}
        </p>
        {here !== undefined && (
          <Link to={{ view: 'event', id: here.id }} class="button">
            <Icon name="play" />
            {say.open}
          </Link>
        )}
        <IconButton
          name="older"
          label={say.next}
          disabled={next === undefined}
          onClick={() => next !== undefined && onMove(next.startUs)}
        />
      </div>
    </div>
  );
}

/** A clip that stands at a time. While one moves fast, only the last time asked for is gone to. */
function Scrubbed(props: { url: string; poster: string | undefined; seconds: number }): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  const wanted = useRef(props.seconds);
  wanted.current = props.seconds;
  const seek = (): void => {
    const shown = video.current;
    if (shown === null || shown.readyState < HTMLMediaElement.HAVE_METADATA || shown.seeking) return;
    const to = Math.min(wanted.current, Math.max(0, shown.duration - 0.05));
    if (Math.abs(shown.currentTime - to) > 0.02) shown.currentTime = to;
  };
  useEffect(seek, [props.seconds]);
  return (
    <video
      ref={video}
      src={addressOf(props.url)}
      poster={props.poster === undefined ? undefined : addressOf(props.poster)}
      muted
      playsInline
      preload="auto"
      tabIndex={-1}
      onLoadedMetadata={seek}
      onSeeked={seek}
    />
  );
}
