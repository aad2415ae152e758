import type { JSX, RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { EventView } from '../api.ts';
import { ClipChoices, ClipVideo, useClips } from '../parts/clip-video.tsx';
import { Badges, Chips, badgesOf } from '../parts/event-card.tsx';
import { IconButton } from '../parts/icon-button.tsx';
import { closeEvent, go } from '../router.ts';
import { dateTimeText } from '../words/format.ts';
import { eventTitle, gapText } from '../words/reasons.ts';
import { words } from '../words/words.ts';
import { EventActions } from './event-actions.tsx';
import { EventFacts, Footage } from './event-facts.tsx';
import { useEvent } from './event-source.ts';
import { shownFeed } from './open-feed.ts';
import { PlayerControls, playerKey } from './player-controls.tsx';
import { PlayerScrub } from './player-scrub.tsx';

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
        {event !== undefined && <Opened key={event.id} event={event} video={video} />}
        {gone !== undefined && (
          <div class="player-body">
            <p>{gone}</p>
          </div>
        )}
      </div>
    </dialog>
  );
}

/** The clip of an event, what can be done with it, and all that is known of it. */
function Opened(props: { event: EventView; video: RefObject<HTMLVideoElement | null> }): JSX.Element {
  const { event, video } = props;
  const { player: say } = words.value;
  const shown = useClips(event.clips);
  const [gap] = event.gaps;
  return (
    <>
      <div class="stage">
        <ClipVideo
          shown={shown}
          poster={event.urls.snapshot}
          video={video}
          none={say.noFootage(gap === undefined ? '' : gapText(gap))}
        />
      </div>
      <div class="player-body">
        {shown.clip !== undefined && <PlayerScrub event={event} clip={shown.clip} video={video} />}
        <div class="player-row">
          <PlayerControls clip={shown.clip} video={video}>
            <ClipChoices shown={shown} />
          </PlayerControls>
          <EventActions event={event} clip={shown.clip} />
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
  );
}

function neighbour(id: string, step: -1 | 1): EventView | undefined {
  const events = shownFeed.value?.events.value ?? [];
  const index = events.findIndex((event) => event.id === id);
  return index < 0 ? undefined : events[index + step];
}
