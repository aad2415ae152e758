import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { EventView } from '../api.ts';
import { Badges, Chips, badgesOf } from '../parts/event-card.tsx';
import { IconButton } from '../parts/icon-button.tsx';
import { addressOf } from '../place.ts';
import { closeEvent, go } from '../router.ts';
import { dateTimeText } from '../words/format.ts';
import { eventTitle, gapText, playbackFaultText } from '../words/reasons.ts';
import { words } from '../words/words.ts';
import { EventActions } from './event-actions.tsx';
import { EventFacts, Footage } from './event-facts.tsx';
import { useEvent } from './event-source.ts';
import { shownFeed } from './open-feed.ts';
import { PlayerControls, playerKey } from './player-controls.tsx';

/** An event over what lies behind it: its clip, and all that is known of it. */
export function Player({ id }: { id: string }): JSX.Element {
  const { player: say } = words.value;
  const dialog = useRef<HTMLDialogElement>(null);
  const { event, gone } = useEvent(id);
  const video = useRef<HTMLVideoElement>(null);
  const newer = neighbour(id, -1);
  const older = neighbour(id, 1);
  // Before the next paint: a key that is pressed at once after it opens or closes goes where it belongs.
  useLayoutEffect(() => {
    const opener = document.activeElement;
    const opened = dialog.current;
    opened?.showModal();
    // Keys play and step at once; nothing is pressed by mistake.
    opened?.focus();
    return () => {
      // As long as it is open, nothing behind it takes the focus.
      opened?.close();
      // Back to the card of the event shown last; where the list has none, to what it was opened from.
      const shown = document.querySelector<HTMLElement>(`[data-event="${CSS.escape(last.current)}"] button`);
      (shown ?? (opener instanceof HTMLElement ? opener : undefined))?.focus();
    };
  }, []);
  const last = useRef(id);
  last.current = id;
  const step = (to: EventView | undefined): void => {
    if (to !== undefined) go({ view: 'event', id: to.id }, { replace: true });
  };
  return (
    <dialog
      class="player"
      tabIndex={-1}
      ref={dialog}
      aria-labelledby="player-title"
      onCancel={(cancel) => {
        cancel.preventDefault();
        closeEvent();
      }}
      onClick={(click) => {
        if (click.target === dialog.current) closeEvent();
      }}
      onKeyDown={(press) => {
        if (press.key === 'n' || press.key === 'N') step(newer);
        else if (press.key === 'p' || press.key === 'P') step(older);
        else playerKey(press, video.current);
      }}
    >
      <div class="player-frame">
        <header class="player-head">
          <div class="player-name">
            <h2 id="player-title">{event === undefined ? id : eventTitle(event)}</h2>
            {event !== undefined && (
              <p>
                <time dateTime={event.startIso}>{dateTimeText(event.startUs)}</time>
              </p>
            )}
          </div>
          <div class="player-steps">
            <IconButton
              name="newer"
              label={say.newer}
              disabled={newer === undefined}
              onClick={() => step(newer)}
            />
            <IconButton
              name="older"
              label={say.older}
              disabled={older === undefined}
              onClick={() => step(older)}
            />
            <IconButton name="close" label={say.close} disabled={false} onClick={closeEvent} />
          </div>
        </header>
        {event !== undefined && (
          <>
            <Stage key={event.id} event={event} video={video} />
            <div class="player-body">
              <div class="player-row">
                <PlayerControls key={event.id} event={event} video={video} />
                <EventActions key={event.id} event={event} />
              </div>
              <Footage event={event} />
              <div class="player-row">
                <Chips labels={event.labels} />
                {badgesOf(event).length > 0 && <Badges badges={badgesOf(event)} />}
              </div>
              <EventFacts event={event} />
              <p class="hint keys">{say.keys}</p>
            </div>
          </>
        )}
        {gone !== undefined && (
          <div class="player-body">
            <p>{gone}</p>
          </div>
        )}
      </div>
    </dialog>
  );
}

function neighbour(id: string, step: -1 | 1): EventView | undefined {
  const events = shownFeed.value?.events.value ?? [];
  const index = events.findIndex((event) => event.id === id);
  return index < 0 ? undefined : events[index + step];
}

/** The clip, or why there is none to see. */
function Stage(props: { event: EventView; video: { current: HTMLVideoElement | null } }): JSX.Element {
  const { event, video } = props;
  const { clip, snapshot } = event.urls;
  const { player: say } = words.value;
  const [failed, setFailed] = useState<'network' | 'codec' | undefined>(undefined);
  useEffect(() => {
    const shown = video.current;
    // A browser that does not start by itself leaves it to the video's own play button.
    void shown?.play().catch(() => undefined);
    return () => {
      // Lets go of the connection.
      shown?.removeAttribute('src');
      shown?.load();
    };
  }, [video]);
  const [gap] = event.gaps;
  const fault =
    clip === undefined
      ? say.noFootage(gap === undefined ? '' : gapText(gap))
      : failed === undefined
        ? undefined
        : playbackFaultText(event.videoCodec, failed === 'network');
  return (
    <div class="stage">
      <video
        id="player-video"
        ref={video}
        src={clip === undefined ? undefined : addressOf(clip)}
        poster={snapshot === undefined ? undefined : addressOf(snapshot)}
        controls={fault === undefined}
        playsInline
        preload="auto"
        onError={({ currentTarget }) => {
          if (!currentTarget.hasAttribute('src')) return;
          setFailed(currentTarget.error?.code === MediaError.MEDIA_ERR_NETWORK ? 'network' : 'codec');
        }}
      />
      {fault !== undefined && (
        <p class="stage-fault" id="player-fault" role="alert">
          {fault}
          {clip !== undefined && (
            <>
              {' '}
              <a href={`${addressOf(clip)}?download=1`}>{say.downloadThe}</a>
            </>
          )}
        </p>
      )}
    </div>
  );
}
